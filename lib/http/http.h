/*
 * http: many requests at once through libcurl, in one event loop.
 *
 * libcurl walks its list of connections for each request, so the transfers are
 * spread over several curl_multi handles (HTTP_PER_MULTI in each); easy handles
 * and connections are reused.  libcurl is loaded with dlopen(3) when the first
 * target is made: a program that sends nothing does not pay for it.
 *
 * Over TLS, HTTP/2 is spoken where the server offers it and libcurl can be
 * trusted with it (8.14; curl.c says why).  Then HTTP2_PER_MULTI calls share a
 * connection, and those that start together wait for the first one's handshake.
 *
 * All handles share the addresses of hosts and the TLS sessions: of the
 * calls that start first one looks the name up and the others wait for it, and a
 * new connection can take up the session of another.  Connections are not shared:
 * libcurl takes those of another multi handle only when nobody uses them, and it
 * brought nothing.
 *
 *	struct http *h = http_new(loop, &options);
 *	struct http_target *t = http_target_new(h, url, headers, n, &e);
 *	call->target = t; call->body = ...; call->done = fn; call->arg = x;
 *	http_start(h, call, &e);
 *	  ... loop_turn() calls call->done(call) once, unless http_cancel(call)
 *	http_free(h);                      calls nothing; transfers are dropped
 *
 * A request is sent once.  libcurl would send it again where a connection that
 * was used before breaks before a byte of the answer; here the call ends, and
 * whether to pay twice is the caller's to decide.
 *
 * TLS is verified, with the certificates of cacert, else those of SSL_CERT_FILE
 * and SSL_CERT_DIR, else the system's.  HTTPS_PROXY, https_proxy, http_proxy,
 * ALL_PROXY, all_proxy, NO_PROXY and no_proxy are honoured as libcurl does; a
 * proxy that is asked to connect does not see the target's headers.  Redirects
 * are not followed: the request carries a key.  Only http and https are spoken.
 *
 * A guarded target is for a URL that nobody vouches for: it is connected to public
 * addresses alone (address.h), whatever its name is made to stand for, and without
 * a proxy, which would look the name up itself.
 */
#ifndef BF_HTTP_HTTP_H
#define BF_HTTP_HTTP_H

#include "base/buf.h"
#include "base/err.h"
#include "io/loop.h"

#define HTTP_PER_MULTI  256
#define HTTP2_PER_MULTI 100 /* on one connection, while its server allows that */
#define HTTP_BODY_MAX   ((size_t)64 << 20)
#define HTTP_HEADER_MAX \
	64 /* of a header that is kept; longer ones are taken as absent */

#define HTTP_KEEP_MAX  16
#define HTTP_ERROR_MAX 256

enum http_outcome {
	HTTP_ANSWERED,  /* an answer came whole; status says which */
	HTTP_TIMED_OUT, /* connecting, the whole attempt, or no byte for too long */
	HTTP_TRANSPORT, /* the connection failed or broke */
	HTTP_REFUSED,   /* the server did not take the request, and says so */
	HTTP_TOO_LARGE, /* the answer is longer than body_max */
	HTTP_CONFIG,    /* trying again cannot help: certificate, proxy, URL */
	HTTP_FORBIDDEN, /* the target is guarded, and its address is not public */
	HTTP_CANCELLED, /* by http_cancel() */
};

struct http_options {
	int64_t timeout_us;         /* of an attempt; 0: none */
	int64_t connect_timeout_us; /* name, proxy and TLS included; 0: libcurl's */
	int64_t first_byte_us;      /* to the first byte of an answer; 0: none */
	int64_t stall_us; /* without a byte once the answer's body began; 0: none */
	size_t body_max;  /* 0: HTTP_BODY_MAX */
	const char *cacert; /* PEM file; may be NULL */
	bool http1_only;    /* else HTTP/2 where it is offered */
	const char *user_agent;
	bool headers;            /* all are wanted */
	const char *const *keep; /* names of headers whose values are wanted ... */
	size_t nkeep;            /* ... at most HTTP_KEEP_MAX of them */
};

struct http;
struct http_target;
struct http_call;
struct transfer;

typedef void http_done(struct http_call *c);

/* Belongs to the caller, and stays where it is until done was called. */
struct http_call {
	struct http_target *target;
	const char *method; /* NULL: POST */
	struct span body;   /* not copied; p NULL: there is none */
	http_done *done;
	void *arg;
	struct transfer *transfer; /* http's own */

	/* Filled before done is called; the answer is borrowed until it returns. */
	enum http_outcome outcome;
	int status;
	struct span answer;
	struct span headers;               /* of the answer, lines, where wanted */
	char retry_after[HTTP_HEADER_MAX]; /* "" where the header is absent */
	char retry_after_ms[HTTP_HEADER_MAX];
	char should_retry[HTTP_HEADER_MAX];
	const struct span *kept; /* values of the options' keep, empty where absent;
				    borrowed too */
	int64_t micros;          /* from the start to here */
	int64_t
	    first_micros; /* to the first byte of the answer's body; 0: none came */
	char error[HTTP_ERROR_MAX]; /* what went wrong, for a person; "" if nothing
				       did */
};

/* Options are copied, the strings in them borrowed. */
struct http *http_new(struct loop *l, const struct http_options *o);
void http_free(struct http *h);

/*
 * Where calls go: a URL and the header lines sent with each ("Name: value").
 * Both are copied. NULL and e when libcurl is not there or the URL is no good.
 */
struct http_target *http_target_new(struct http *h, const char *url,
    const char *const *headers, size_t n, struct err *e);

/* It is connected to public addresses alone; before its first call. */
void http_target_guard(struct http_target *t);

/* Calls to it have ended.  http_free() frees those that are left. */
void http_target_free(struct http *h, struct http_target *t);

int http_start(struct http *h, struct http_call *c, struct err *e);

/*
 * Ends a call that was started and is not done: its outcome is HTTP_CANCELLED, and
 * done is not called.  The server may have taken the request all the same.
 */
void http_cancel(struct http_call *c);

size_t http_in_flight(const struct http *h);

#endif
