/* What the parts of http share. */
#ifndef BF_HTTP_PRIVATE_H
#define BF_HTTP_PRIVATE_H

#include "http/http.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#define CURL_FUNCTIONS(X)      \
	X(global_init)         \
	X(easy_init)           \
	X(easy_cleanup)        \
	X(easy_setopt)         \
	X(easy_getinfo)        \
	X(easy_strerror)       \
	X(slist_append)        \
	X(slist_free_all)      \
	X(url)                 \
	X(url_set)             \
	X(url_get)             \
	X(url_cleanup)         \
	X(url_strerror)        \
	X(free)                \
	X(multi_init)          \
	X(multi_cleanup)       \
	X(multi_setopt)        \
	X(multi_add_handle)    \
	X(multi_remove_handle) \
	X(multi_socket_action) \
	X(multi_info_read)     \
	X(multi_strerror)      \
	X(share_init)          \
	X(share_setopt)        \
	X(share_cleanup)       \
	X(version_info)

#define CURL_MEMBER(name) __typeof__(&curl_##name) name;
struct libcurl {
	CURL_FUNCTIONS(CURL_MEMBER)
};
extern struct libcurl libcurl;

_Static_assert(HTTP_ERROR_MAX >= CURL_ERROR_SIZE, "libcurl's messages fit");

struct http_target {
	struct http_target *next;
	uint64_t serial; /* a new one may be where an old one was */
	CURLU *url;
	struct curl_slist *headers;
	bool https;
	bool http2; /* is asked for */
	bool http1; /* is what the last answer was in */
	struct transfer
	    *scout; /* the one that looks its name up, while others wait */
	bool guarded;
	bool known; /* the name has been looked up, and is in the share */
};

struct multi {
	struct http *http;
	CURLM *curl;
	struct loop_timer timer;
	size_t in_flight;
};

/* An easy handle, its buffer, and the call that it works on. */
struct transfer {
	struct transfer
	    *next; /* in the list of those that rest or of those at work */
	struct transfer **back;
	struct http *http;
	struct multi *multi; /* NULL: waits for its target's name */
	CURL *easy;
	struct http_call *call;
	struct http_target *target; /* of the call */
	uint64_t aimed; /* the serial of the one that the handle is set up for */
	struct buf body, headers;
	struct span kept[HTTP_KEEP_MAX]; /* in keep */
	char (*keep)[HTTP_HEADER_MAX];
	bool has_kept;
	int64_t started;
	int64_t due;       /* 0: it may take as long as it likes */
	int64_t due_first; /* the same for the answer's first byte */
	int64_t last_byte; /* 0 until the body begins */
	int64_t lost;      /* loop_lost_us(), as far as these allow for it */
	struct loop_timer timer;
	bool sent; /* the request, or it is just about to be */
	bool begun;
	bool too_large;
	bool again;     /* libcurl wanted to send what had been sent */
	bool refused;   /* and the server had not taken it */
	bool forbidden; /* an address that its target may not be connected to */
	long preamble;  /* bytes that were sent before the request: to a proxy */
	char error[HTTP_ERROR_MAX]; /* why it failed; libcurl writes here too */
};

struct http {
	struct loop *loop;
	struct http_options options;
	struct http_target *targets;
	uint64_t serial; /* of the last that was made */
	CURLSH *share;   /* of all easy handles; NULL until the first */
	struct multi **multis;
	size_t nmultis;
	struct transfer *resting;
	struct transfer *working;
	size_t in_flight;
	bool *connections; /* by descriptor: sockets whose closing is told to us */
	size_t nconnections;
	struct loop_timer stall_timer;
	struct loop_timer join_timer; /* a name has come that some wait for */
};

/* curl.c */
int curl_load(struct err *e); /* what libcurl.* takes; at any time once more */
bool curl_has_http2(void);    /* one to be trusted with many requests at once */
bool curl_knows_cas(
    void); /* a file of them, which it reads if nobody names another */

/* multi.c */
/* The first with room, so that open connections are found again. */
struct multi *multi_with_room(struct http *h, const struct http_target *t);
void multi_free(struct multi *m);
int multi_socket_open(void *transfer, curl_socket_t s, curlsocktype purpose);
int multi_socket_close(void *http, curl_socket_t s);
curl_socket_t multi_socket_new(
    void *transfer, curlsocktype purpose, struct curl_sockaddr *address);

/* transfer.c */
struct transfer *transfer_new(struct http *h); /* NULL: libcurl has no more */
void transfer_free(struct transfer *t);
void transfer_forget_headers(struct transfer *t); /* a new answer begins */
const struct span *transfer_kept_headers(struct transfer *t);
/* How libcurl's result is to be taken; in words in t->error. */
enum http_outcome transfer_judge(struct transfer *t, CURLcode code);

/* http.c */
void http_name_known(struct http_target *t, struct http *h);
void http_collect(struct multi *m); /* those that have ended */

#endif
