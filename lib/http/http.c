#include "http/http.h"

#include "base/mem.h"
#include "io/clock.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

/* ---- libcurl, loaded on first need ---- */

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
	X(url_cleanup)         \
	X(url_strerror)        \
	X(multi_init)          \
	X(multi_cleanup)       \
	X(multi_setopt)        \
	X(multi_add_handle)    \
	X(multi_remove_handle) \
	X(multi_socket_action) \
	X(multi_info_read)     \
	X(multi_strerror)

#define MEMBER(name) __typeof__(&curl_##name) name;
static struct {
	void *library;
	bool ready;
	CURL_FUNCTIONS(MEMBER)
} api;

static int
load_function(void *where, const char *name, struct err *e)
{
	void *f = dlsym(api.library, name);

	if (f == NULL)
		return err_set(e, "libcurl has no %s: it is too old", name);
	memcpy(where, &f, sizeof f);
	return 0;
}

#define LOAD(name)                                           \
	if (load_function(&api.name, "curl_" #name, e) != 0) \
		return -1;

static int
load_curl(struct err *e)
{
	if (api.ready)
		return 0;
	api.library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (api.library == NULL)
		return err_set(
		    e, "cannot load libcurl (%s): install libcurl4", dlerror());
	CURL_FUNCTIONS(LOAD)
	if (api.global_init(CURL_GLOBAL_ALL) != CURLE_OK)
		return err_set(e, "libcurl does not start");
	api.ready = true;
	return 0;
}

/* ---- what a process holds ---- */

struct http_target {
	struct http_target *next;
	CURLU *url;
	struct curl_slist *headers;
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
	struct multi *multi;
	CURL *easy;
	struct http_call *call;
	struct http_target *target; /* that the handle is set up for */
	struct buf body;
	struct span kept[HTTP_KEEP_MAX]; /* in keep */
	char (*keep)[HTTP_HEADER_MAX];
	bool has_kept;
	int64_t started;
	int64_t due;       /* 0: it may take as long as it likes */
	int64_t due_first; /* the same for the answer's first byte */
	int64_t last_byte; /* 0 until the body begins */
	int64_t lost;      /* loop_lost_us(), as far as these allow for it */
	struct loop_timer timer;
	bool begun;
	bool too_large;
	bool again; /* libcurl wanted to send what had been sent */
	char error[CURL_ERROR_SIZE];
};

struct http {
	struct loop *loop;
	struct http_options options;
	struct http_target *targets;
	struct multi **multis;
	size_t nmultis;
	struct transfer *resting;
	struct transfer *working;
	size_t in_flight;
	bool *connections; /* by descriptor: sockets whose closing is told to us */
	size_t nconnections;
	struct loop_timer stall_timer;
};

enum { STALL_LOOKS = 4 }; /* per stall time */

static void
list_put(struct transfer **list, struct transfer *t)
{
	t->next = *list;
	t->back = list;
	if (t->next != NULL)
		t->next->back = &t->next;
	*list = t;
}

static void
list_take(struct transfer *t)
{
	*t->back = t->next;
	if (t->next != NULL)
		t->next->back = t->back;
}

/* ---- one transfer's data ---- */

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	(void)size;
	t->begun = true;
	t->last_byte = clock_mono_us();
	if (!buf_fits(&t->body, n)) {
		t->too_large = true;
		return 0;
	}
	buf_add(&t->body, p, n);
	return n;
}

/* Keeps a header's value if this is its line; one that is too long is dropped. */
static void
keep_header(struct span line, const char *name, char *out)
{
	size_t n = strlen(name);

	if (line.n <= n || line.p[n] != ':' || strncasecmp(line.p, name, n) != 0)
		return;
	line = span_of(line.p + n + 1, line.n - n - 1);
	while (line.n > 0 && (*line.p == ' ' || *line.p == '\t'))
		line = span_of(line.p + 1, line.n - 1);
	while (line.n > 0 && strchr(" \t\r\n", line.p[line.n - 1]) != NULL)
		line.n--;
	if (line.n >= HTTP_HEADER_MAX)
		line.n = 0;
	memcpy(out, line.p, line.n);
	out[line.n] = '\0';
}

/* A new answer begins. */
static void
forget_headers(struct transfer *t)
{
	struct http_call *c = t->call;

	c->retry_after[0] = c->retry_after_ms[0] = c->should_retry[0] = '\0';
	if (!t->has_kept)
		return;
	for (size_t i = 0; i < t->http->options.nkeep; i++)
		t->keep[i][0] = '\0';
	t->has_kept = false;
}

static void
keep_wanted(struct transfer *t, struct span line)
{
	for (size_t i = 0; i < t->http->options.nkeep; i++) {
		keep_header(line, t->http->options.keep[i], t->keep[i]);
		t->has_kept |= t->keep[i][0] != '\0';
	}
}

static size_t
on_header(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct span line = span_of(p, n);

	(void)size;
	t->begun = true;
	if (n == 0)
		return n;
	switch (*p | 0x20) {
	case 'h': /* a new answer begins: after a 100, or a proxy's */
		if (span_starts(line, SPAN("HTTP/")))
			forget_headers(t);
		break;
	case 'r':
		keep_header(line, "retry-after", t->call->retry_after);
		keep_header(line, "retry-after-ms", t->call->retry_after_ms);
		break;
	case 'x':
		keep_header(line, "x-should-retry", t->call->should_retry);
		keep_wanted(t, line);
		break;
	case 'a':
		keep_wanted(t, line);
		break;
	}
	return n;
}

/* For the caller, while the answer is its. */
static const struct span *
kept_headers(struct transfer *t)
{
	for (size_t i = 0; i < t->http->options.nkeep; i++)
		t->kept[i] = span_str(t->keep[i]);
	return t->kept;
}

/*
 * Called before each sending of a request.  When a connection that was used
 * before breaks without a byte of an answer, libcurl sends the request again by
 * itself; but the server may have taken it, and whether to pay twice is the
 * caller's to decide.  What never left may be sent.
 */
static int
on_request(void *arg, char *ip, char *own_ip, int port, int own_port)
{
	struct transfer *t = arg;
	long sent = 0;

	(void)ip;
	(void)own_ip;
	(void)port;
	(void)own_port;
	api.easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
	t->again = sent > 0;
	return t->again ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* ---- between libcurl and the loop ---- */

static void collect(struct multi *m);

static void
act(struct multi *m, curl_socket_t s, int mask)
{
	int running;

	(void)api.multi_socket_action(m->curl, s, mask, &running);
	collect(m);
}

static void
on_socket_ready(void *arg, int fd, unsigned events)
{
	act(arg, fd,
	    ((events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
		((events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0) |
		((events & LOOP_ERROR) != 0 ? CURL_CSELECT_ERR : 0));
}

static bool
is_connection(const struct http *h, curl_socket_t s)
{
	return (size_t)s < h->nconnections && h->connections[s];
}

static int
on_socket_open(void *arg, curl_socket_t s, curlsocktype purpose)
{
	struct http *h = arg;
	size_t n = h->nconnections;

	(void)purpose;
	if ((size_t)s >= n) {
		n = (size_t)s + 64;
		h->connections = mem_resize(
		    h->connections, n, sizeof *h->connections);
		memset(h->connections + h->nconnections, 0, n - h->nconnections);
		h->nconnections = n;
	}
	h->connections[s] = true;
	return CURL_SOCKOPT_OK;
}

static int
on_socket_wanted(CURL *easy, curl_socket_t s, int what, void *arg, void *unused)
{
	struct multi *m = arg;
	struct err e;
	unsigned events = what == CURL_POLL_IN      ? LOOP_READ
			  : what == CURL_POLL_OUT   ? LOOP_WRITE
			  : what == CURL_POLL_INOUT ? LOOP_READ | LOOP_WRITE
						    : 0;

	(void)easy;
	(void)unused;
	/*
	 * A connection stays known to the kernel from request to request.  Other
	 * descriptors (the resolver's) are closed without a word.
	 */
	if (events == 0 && !is_connection(m->http, s)) {
		loop_forget(m->http->loop, s);
		return 0;
	}
	return loop_watch(m->http->loop, s, events, on_socket_ready, m, &e);
}

static int
on_socket_close(void *arg, curl_socket_t s)
{
	struct http *h = arg;

	if (is_connection(h, s))
		h->connections[s] = false;
	loop_forget(h->loop, s);
	return close(s);
}

static void
on_timer(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int
on_timer_wanted(CURLM *curl, long ms, void *arg)
{
	struct multi *m = arg;

	(void)curl;
	if (ms < 0)
		loop_timer_clear(m->http->loop, &m->timer);
	else
		loop_timer_set(
		    m->http->loop, &m->timer, clock_mono_us() + ms * 1000);
	return 0;
}

static struct multi *
multi_new(struct http *h)
{
	struct multi *m = mem_zero(1, sizeof *m);

	m->http = h;
	m->curl = api.multi_init();
	m->timer.fn = on_timer;
	m->timer.arg = m;
	api.multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
	api.multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
	api.multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
	api.multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
	api.multi_setopt(m->curl, CURLMOPT_MAXCONNECTS, (long)(2 * HTTP_PER_MULTI));
	h->multis = mem_resize(h->multis, h->nmultis + 1, sizeof *h->multis);
	h->multis[h->nmultis++] = m;
	return m;
}

/* The first with room, so that open connections are found again. */
static struct multi *
multi_with_room(struct http *h)
{
	size_t i;

	for (i = 0; i < h->nmultis; i++)
		if (h->multis[i]->in_flight < HTTP_PER_MULTI)
			return h->multis[i];
	return multi_new(h);
}

/* ---- transfers ---- */

static struct transfer *
transfer_new(struct http *h)
{
	struct transfer *t = mem_zero(1, sizeof *t);
	const char *file = h->options.cacert, *dir = getenv("SSL_CERT_DIR");

	t->http = h;
	t->easy = api.easy_init();
	if (t->easy == NULL) {
		free(t);
		return NULL;
	}
	buf_init(&t->body, h->options.body_max);
	t->keep = mem_zero(h->options.nkeep + 1, sizeof *t->keep);
	if (file == NULL)
		file = getenv("SSL_CERT_FILE");
	if (file != NULL && *file != '\0')
		api.easy_setopt(t->easy, CURLOPT_CAINFO, file);
	if (dir != NULL && *dir != '\0')
		api.easy_setopt(t->easy, CURLOPT_CAPATH, dir);
	api.easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	api.easy_setopt(t->easy, CURLOPT_POST, 1L);
	api.easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
	api.easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	api.easy_setopt(t->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	api.easy_setopt(t->easy, CURLOPT_BUFFERSIZE, 16384L);
	/* Not asked for, but unpacked where a server compresses all the same. */
	api.easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, "identity");
	api.easy_setopt(t->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	api.easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)((h->options.connect_timeout_us + 999) / 1000));
	if (h->options.user_agent != NULL)
		api.easy_setopt(t->easy, CURLOPT_USERAGENT, h->options.user_agent);
	api.easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	api.easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	api.easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	api.easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	api.easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, on_request);
	api.easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
	api.easy_setopt(t->easy, CURLOPT_SOCKOPTFUNCTION, on_socket_open);
	api.easy_setopt(t->easy, CURLOPT_SOCKOPTDATA, h);
	api.easy_setopt(t->easy, CURLOPT_CLOSESOCKETFUNCTION, on_socket_close);
	api.easy_setopt(t->easy, CURLOPT_CLOSESOCKETDATA, h);
	api.easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	api.easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	return t;
}

static void
transfer_free(struct transfer *t)
{
	api.easy_cleanup(t->easy);
	buf_release(&t->body);
	free(t->keep);
	free(t);
}

static enum http_outcome
outcome_of(CURLcode code, const struct transfer *t)
{
	if (t->too_large)
		return HTTP_TOO_LARGE;
	switch (code) {
	case CURLE_OK:
		return HTTP_ANSWERED;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_TIMED_OUT;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_BAD_FUNCTION_ARGUMENT:
	case CURLE_UNKNOWN_OPTION:
	case CURLE_NOT_BUILT_IN:
		return HTTP_CONFIG;
	default:
		return HTTP_TRANSPORT;
	}
}

static const char *
reason(CURLcode code, const struct transfer *t)
{
	if (t->too_large)
		return "the answer is too large";
	if (t->again)
		return "the connection broke before an answer came";
	/* What libcurl says of a header that is longer than it takes. */
	if (code == CURLE_OUT_OF_MEMORY)
		return "a header of the answer is too long, or memory is short";
	return t->error[0] != '\0' ? t->error : api.easy_strerror(code);
}

/* Tells the caller, who may start another from done, and puts the handle to rest.
 */
static void
finish(struct transfer *t, enum http_outcome outcome, const char *why)
{
	struct http_call *c = t->call;
	struct http *h = t->http;
	long status = 0;

	api.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)api.multi_remove_handle(t->multi->curl, t->easy);
	t->multi->in_flight--;
	h->in_flight--;
	c->outcome = outcome;
	c->status = (int)status;
	c->answer = buf_span(&t->body);
	c->kept = kept_headers(t);
	c->micros = clock_mono_us() - t->started;
	c->error[0] = '\0';
	if (outcome != HTTP_ANSWERED) {
		strncpy(c->error, why, sizeof c->error - 1);
		c->error[sizeof c->error - 1] = '\0';
	}
	list_take(t);
	loop_timer_clear(h->loop, &t->timer);
	t->call = NULL;
	c->done(c);
	if (t->body.cap > (size_t)1 << 20)
		buf_release(&t->body);
	buf_clear(&t->body);
	list_put(&h->resting, t);
}

static void
collect(struct multi *m)
{
	CURLMsg *msg;
	struct transfer *t;
	enum http_outcome outcome;
	char why[300];
	int left;

	while ((msg = api.multi_info_read(m->curl, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		t = NULL;
		api.easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		outcome = outcome_of(msg->data.result, t);
		snprintf(why, sizeof why, "%s", reason(msg->data.result, t));
		finish(t, outcome, why);
	}
}

/* When its time is up next; 0: never. */
static int64_t
next_due(const struct transfer *t)
{
	if (t->begun || t->due_first == 0)
		return t->due;
	return t->due == 0 || t->due_first < t->due ? t->due_first : t->due;
}

/*
 * Gives back the time in which this process was stopped (SIGSTOP, a debugger):
 * nobody looked at what came.
 */
static void
allow_for_lost(struct transfer *t)
{
	int64_t lost = loop_lost_us(t->http->loop) - t->lost;

	if (lost == 0)
		return;
	t->lost += lost;
	t->due += t->due == 0 ? 0 : lost;
	t->due_first += t->due_first == 0 ? 0 : lost;
	t->last_byte += t->last_byte == 0 ? 0 : lost;
}

static void
on_due(void *arg)
{
	struct transfer *t = arg;
	const struct http_options *o = &t->http->options;
	int64_t now = clock_mono_us();
	char why[100];

	allow_for_lost(t);
	if (next_due(t) == 0)
		return;
	if (next_due(t) > now) {
		loop_timer_set(t->http->loop, &t->timer, next_due(t));
		return;
	}
	if (!t->begun && t->due_first != 0 && t->due_first <= now)
		snprintf(why, sizeof why, "no byte of an answer within %g s",
		    (double)o->first_byte_us / 1e6);
	else
		snprintf(why, sizeof why, "no whole answer within %g s",
		    (double)o->timeout_us / 1e6);
	finish(t, HTTP_TIMED_OUT, why);
}

/* Ends the transfers whose answer began and then stopped coming. */
static void
on_stall_timer(void *arg)
{
	struct http *h = arg;
	struct transfer *t, *next;
	int64_t limit = clock_mono_us() - h->options.stall_us;

	for (t = h->working; t != NULL; t = t->next)
		allow_for_lost(t);
	for (t = h->working; t != NULL; t = next) {
		next = t->next;
		if (t->last_byte != 0 && t->last_byte < limit) {
			finish(t, HTTP_TIMED_OUT,
			    "the answer began and then stopped coming");
			/* done may have changed the list */
			next = h->working;
		}
	}
	if (h->working != NULL)
		loop_timer_set(h->loop, &h->stall_timer,
		    clock_mono_us() + h->options.stall_us / STALL_LOOKS);
}

/* ---- what callers see ---- */

struct http *
http_new(struct loop *l, const struct http_options *o)
{
	struct http *h = mem_zero(1, sizeof *h);

	h->loop = l;
	h->options = *o;
	if (h->options.body_max == 0)
		h->options.body_max = HTTP_BODY_MAX;
	h->stall_timer.fn = on_stall_timer;
	h->stall_timer.arg = h;
	return h;
}

static void
target_free(struct http_target *t)
{
	api.url_cleanup(t->url);
	api.slist_free_all(t->headers);
	free(t);
}

void
http_free(struct http *h)
{
	struct transfer *t;
	struct http_target *target;
	size_t i;

	if (h == NULL)
		return;
	loop_timer_clear(h->loop, &h->stall_timer);
	while ((t = h->working) != NULL) {
		(void)api.multi_remove_handle(t->multi->curl, t->easy);
		loop_timer_clear(h->loop, &t->timer);
		list_take(t);
		transfer_free(t);
	}
	while ((t = h->resting) != NULL) {
		list_take(t);
		transfer_free(t);
	}
	for (i = 0; i < h->nmultis; i++) {
		(void)api.multi_cleanup(h->multis[i]->curl);
		loop_timer_clear(h->loop, &h->multis[i]->timer);
		free(h->multis[i]);
	}
	while ((target = h->targets) != NULL) {
		h->targets = target->next;
		target_free(target);
	}
	free(h->multis);
	free(h->connections);
	free(h);
}

/* Appends a copy of the header line. */
static int
add_header(struct http_target *t, const char *line)
{
	struct curl_slist *list = api.slist_append(t->headers, line);

	if (list == NULL)
		return -1;
	t->headers = list;
	return 0;
}

struct http_target *
http_target_new(struct http *h, const char *url, const char *const *headers,
    size_t n, struct err *e)
{
	struct http_target *t;
	CURLUcode code;
	size_t i;

	if (load_curl(e) != 0)
		return NULL;
	t = mem_zero(1, sizeof *t);
	t->url = api.url();
	code = api.url_set(t->url, CURLUPART_URL, url, 0);
	if (code != CURLUE_OK) {
		err_set(e, "%s: %s", url, api.url_strerror(code));
		target_free(t);
		return NULL;
	}
	/* No "Expect: 100-continue": it costs a round trip. */
	(void)add_header(t, "Expect:");
	for (i = 0; i < n; i++)
		if (add_header(t, headers[i]) != 0) {
			err_set(e, "libcurl takes no more headers");
			target_free(t);
			return NULL;
		}
	t->next = h->targets;
	h->targets = t;
	return t;
}

int
http_start(struct http *h, struct http_call *c, struct err *e)
{
	struct transfer *t = h->resting;
	CURLMcode code;

	if (t != NULL)
		list_take(t);
	else if ((t = transfer_new(h)) == NULL)
		return err_set(e, "libcurl makes no more handles");
	if (t->target != c->target) {
		t->target = c->target;
		api.easy_setopt(t->easy, CURLOPT_CURLU, c->target->url);
		api.easy_setopt(t->easy, CURLOPT_HTTPHEADER, c->target->headers);
	}
	api.easy_setopt(t->easy, CURLOPT_POSTFIELDS, c->body.p);
	api.easy_setopt(
	    t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.n);
	t->call = c;
	t->multi = multi_with_room(h);
	t->started = clock_mono_us();
	t->due = h->options.timeout_us > 0 ? t->started + h->options.timeout_us : 0;
	t->due_first = h->options.first_byte_us > 0
			   ? t->started + h->options.first_byte_us
			   : 0;
	t->last_byte = 0;
	t->begun = false;
	t->lost = loop_lost_us(h->loop);
	t->too_large = t->again = false;
	t->error[0] = '\0';
	forget_headers(t);
	code = api.multi_add_handle(t->multi->curl, t->easy);
	if (code != CURLM_OK) {
		list_put(&h->resting, t);
		return err_set(e, "libcurl: %s", api.multi_strerror(code));
	}
	list_put(&h->working, t);
	t->timer.fn = on_due;
	t->timer.arg = t;
	if (next_due(t) != 0)
		loop_timer_set(h->loop, &t->timer, next_due(t));
	t->multi->in_flight++;
	h->in_flight++;
	if (h->options.stall_us > 0 && h->stall_timer.slot == 0)
		loop_timer_set(h->loop, &h->stall_timer,
		    t->started + h->options.stall_us / STALL_LOOKS);
	return 0;
}

size_t
http_in_flight(const struct http *h)
{
	return h->in_flight;
}
