/* server: connections, routes, latencies and the statistics. */
#include "server.h"

#include "base/mem.h"
#include "base/msg.h"
#include "cooldown.h"
#include "io/clock.h"
#include "io/fdio.h"
#include "listen.h"
#include "log.h"
#include "wire.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define STATUS_MAX 600
#define CHUNK      61   /* bytes in a chunk of a chunked answer */
#define FULL_US    2000 /* until a socket that takes no more is tried again */
#define SPARE_FDS  32   /* descriptors that are not for connections */

/* larger ones are freed after the request */
#define KEEP_BUFFER ((size_t)1 << 20)

struct route;

/* A request from its head to the end of its answer; kept for the next one. */
struct request {
	struct server *server;
	struct MHD_Connection *connection;
	const struct route *route;
	const char *allow; /* with status 405 */
	struct buf body, answer;
	struct buf headers; /* lines */
	struct buf model;   /* from the path, where the route has it there */
	struct wire wire;
	bool too_large, decided, in_flight, composed, gone;
	struct outcome outcome;
	int64_t due; /* clock_mono_us() */
	struct request *next;
};

struct server {
	const struct server_config *config;
	struct MHD_Daemon *daemon;
	int epoll_fd;
	char url[128];
	bool stopping;
	struct provider provider;
	struct cooldown cooldown;
	struct request *spare;
	struct request *hung;
	struct request **heap; /* by due, the next first */
	size_t nheap, cap;
	uint64_t requests, connections, in_flight, peak_in_flight;
	uint64_t open, open_most; /* connections; so many and no more */
	bool full;                /* that was said */
	uint64_t by_status[STATUS_MAX];
	struct buf log;
	int log_failed; /* errno */
};

struct route {
	const char *path, *method;
	bool api; /* counted, logged, needs the key */
	void (*answer)(struct server *s, struct request *r);
	const struct dialect *dialect;
	bool stream; /* what the path asks for */
};

/* ---- answers that are due later ---- */

static void
heap_add(struct server *s, struct request *r)
{
	size_t i = s->nheap++;

	if (s->nheap > s->cap) {
		s->cap = s->cap == 0 ? 64 : 2 * s->cap;
		s->heap = mem_resize(s->heap, s->cap, sizeof(struct request *));
	}
	for (; i > 0 && s->heap[(i - 1) / 2]->due > r->due; i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = r;
}

static struct request *
heap_take(struct server *s)
{
	struct request *first = s->heap[0], *last = s->heap[--s->nheap];
	size_t i = 0, child;

	for (; (child = 2 * i + 1) < s->nheap; i = child) {
		if (child + 1 < s->nheap &&
		    s->heap[child + 1]->due < s->heap[child]->due)
			child++;
		if (s->heap[child]->due >= last->due)
			break;
		s->heap[i] = s->heap[child];
	}
	s->heap[i] = last;
	return first;
}

static void
resume_due(struct server *s)
{
	int64_t now;

	if (s->nheap == 0)
		return;
	now = clock_mono_us();
	while (s->nheap > 0 && s->heap[0]->due <= now)
		MHD_resume_connection(heap_take(s)->connection);
}

/* ---- requests ---- */

static int
socket_of(const struct request *r)
{
	return MHD_get_connection_info(
	    r->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
	    ->connect_fd;
}

static struct request *
request_new(struct server *s)
{
	struct request *r = s->spare;

	if (r == NULL) {
		r = mem_zero(1, sizeof(*r));
		r->body.max = r->answer.max = 0;
	} else {
		s->spare = r->next;
	}
	r->server = s;
	r->too_large = r->decided = r->in_flight = false;
	r->composed = r->gone = false;
	r->allow = NULL;
	r->outcome = (struct outcome){.kind = OUTCOME_ANSWER};
	buf_clear(&r->body);
	buf_clear(&r->answer);
	buf_clear(&r->headers);
	buf_clear(&r->model);
	return r;
}

static void
request_free(struct request *r)
{
	buf_release(&r->body);
	buf_release(&r->answer);
	buf_release(&r->headers);
	buf_release(&r->model);
	wire_release(&r->wire);
	free(r);
}

static void
take_body(struct request *r, const char *bytes, size_t n)
{
	if (r->too_large || n > SERVER_BODY_MAX - r->body.len) {
		r->too_large = true;
		buf_clear(&r->body);
	} else {
		buf_add(&r->body, bytes, n);
	}
}

/* Requests that wait for ever end when their clients go. */
static void
let_go(struct server *s)
{
	struct request **at = &s->hung, *r;

	while ((r = *at) != NULL) {
		if (!wire_is_gone(socket_of(r))) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		r->gone = true;
		if (r->in_flight)
			s->in_flight--;
		r->in_flight = false;
		MHD_resume_connection(r->connection);
	}
}

static void
enter(struct server *s, struct request *r)
{
	if (s->in_flight >= s->peak_in_flight)
		let_go(s);
	r->in_flight = true;
	if (++s->in_flight > s->peak_in_flight)
		s->peak_in_flight = s->in_flight;
}

/* libmicrohttpd is done with a request, answered or not. */
static void
on_completed(void *cls, struct MHD_Connection *connection, void **slot,
    enum MHD_RequestTerminationCode how)
{
	struct server *s = cls;
	struct request *r = *slot;

	(void)connection;
	(void)how;
	if (r == NULL)
		return;
	if (r->in_flight)
		s->in_flight--;
	if (r->body.cap > KEEP_BUFFER)
		buf_release(&r->body);
	if (r->answer.cap > KEEP_BUFFER)
		buf_release(&r->answer);
	if (r->wire.bytes.cap > KEEP_BUFFER / 16)
		wire_release(&r->wire);
	r->next = s->spare;
	s->spare = r;
	*slot = NULL;
}

static void
on_connection(void *cls, struct MHD_Connection *connection, void **slot,
    enum MHD_ConnectionNotificationCode what)
{
	struct server *s = cls;

	(void)connection;
	(void)slot;
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		s->open--;
		return;
	}
	s->connections++;
	if (++s->open < s->open_most || s->full)
		return;
	s->full = true;
	msg_warn("%" PRIu64 " connections are open and the limit on descriptors "
		 "lets in no more: raise it (ulimit -Hn)",
	    s->open);
}

/* ---- routes ---- */

static void
refuse(struct request *r, int status, const char *code, const char *why)
{
	struct failure f = {.status = status,
	    .code = code,
	    .message = span_str(why),
	    .retry_us = -1};

	r->outcome.status = status;
	images_clear(&r->server->provider.asked.images);
	r->route->dialect->add_error(&r->answer, &f);
}

static void
answer_completion(struct server *s, struct request *r)
{
	struct ask ask = {
	    .dialect = r->route->dialect,
	    .body = buf_span(&r->body),
	    .model = r->model.len > 0 ? buf_span(&r->model) : SPAN_NONE,
	    .stream = r->route->stream,
	};
	const char *alt = MHD_lookup_connection_value(
	    r->connection, MHD_GET_ARGUMENT_KIND, "alt");

	ask.sse = alt != NULL && strcmp(alt, "sse") == 0;
	ask.in_array = ask.stream && !ask.sse;

	provider_answer(
	    &s->provider, &ask, clock_mono_us(), &r->outcome, &r->answer);
}

static void
answer_models(struct server *s, struct request *r)
{
	(void)s;
	r->outcome.status = 200;
	buf_adds(&r->answer, "{\"object\":\"list\",\"data\":[{\"id\":\"mock\","
			     "\"object\":\"model\",\"created\":1704067200,"
			     "\"owned_by\":\"bf-mock\"}]}\n");
}

void
server_add_stats(const struct server *s, struct buf *out)
{
	const struct provider *p = &s->provider;
	const char *comma = "";

	buf_addf(out,
	    "{\"requests\":%" PRIu64 ",\"completions\":%" PRIu64 ",\"status\":{",
	    s->requests, p->count);
	for (int i = 0; i < STATUS_MAX; i++) {
		if (s->by_status[i] == 0)
			continue;
		buf_addf(out, "%s\"%d\":%" PRIu64, comma, i, s->by_status[i]);
		comma = ",";
	}
	buf_addf(out,
	    "},\"distinct\":%zu,\"duplicates\":%" PRIu64 ",\"answered\":%" PRIu64
	    ",\"answered_again\":%" PRIu64 ",\"hung\":%" PRIu64
	    ",\"dropped\":%" PRIu64,
	    p->seen.distinct, p->seen.duplicates, p->answered, p->answered_again,
	    p->hung, p->dropped);
	buf_addf(out,
	    ",\"in_flight\":%" PRIu64 ",\"peak_in_flight\":%" PRIu64
	    ",\"connections\":%" PRIu64 ",\"limited\":%" PRIu64
	    ",\"cooldowns\":%" PRIu64 ",\"in_cooldown\":%" PRIu64
	    ",\"peak_after_cooldown\":%" PRIu64 ",",
	    s->in_flight, s->peak_in_flight, s->connections, p->limited,
	    s->cooldown.count, s->cooldown.arrivals, s->cooldown.peak_after);
	billing_add_stats(&p->billing, out);
	buf_adds(out, ",\"faults\":{");
	comma = "";
	for (int i = 0; i < FAULT_KINDS; i++) {
		if (p->faults[i] == 0)
			continue;
		buf_addf(out, "%s\"%s\":%" PRIu64, comma,
		    fault_name((enum fault_kind)i), p->faults[i]);
		comma = ",";
	}
	buf_adds(out, "}}\n");
}

static void
answer_stats(struct server *s, struct request *r)
{
	let_go(s);
	r->outcome.status = 200;
	server_add_stats(s, &r->answer);
}

/* What is in flight stays so; everything else begins anew. */
static void
answer_reset(struct server *s, struct request *r)
{
	let_go(s);
	provider_reset(&s->provider);
	cooldown_release(&s->cooldown);
	s->requests = s->connections = 0;
	s->peak_in_flight = s->in_flight;
	memset(s->by_status, 0, sizeof(s->by_status));
	answer_stats(s, r);
}

/* A '*' stands for the model's name. */
static const struct route routes[] = {
    {"/v1/chat/completions", "POST", true, answer_completion, &dialect_chat, false},
    {"/v1/responses", "POST", true, answer_completion, &dialect_responses, false},
    {"/v1/messages", "POST", true, answer_completion, &dialect_messages, false},
    {"/v1beta/models/*:generateContent", "POST", true, answer_completion,
	&dialect_gemini, false},
    {"/v1beta/models/*:streamGenerateContent", "POST", true, answer_completion,
	&dialect_gemini, true},
    {"/v1/embeddings", "POST", true, answer_completion, &dialect_embeddings, false},
    {"/v1beta/models/*:embedContent", "POST", true, answer_completion,
	&dialect_gemini_embedding, false},
    {"/v1beta/models/*:batchEmbedContents", "POST", true, answer_completion,
	&dialect_gemini_embeddings, false},
    {"/v1/models", "GET", true, answer_models, &dialect_chat, false},
    {"/_stats", "GET", false, answer_stats, &dialect_chat, false},
    {"/_reset", "POST", false, answer_reset, &dialect_chat, false},
};

/* Where nothing else is. */
static const struct route nowhere = {NULL, NULL, true, NULL, &dialect_chat, false};
static const struct route nowhere_beta = {
    NULL, NULL, true, NULL, &dialect_gemini, false};

static bool
path_fits(const char *pattern, const char *path, struct buf *model)
{
	const char *star = strchr(pattern, '*');
	struct span p = span_str(path), after;
	size_t before;

	if (star == NULL)
		return strcmp(path, pattern) == 0;
	before = (size_t)(star - pattern);
	after = span_str(star + 1);
	if (p.n <= before + after.n || memcmp(path, pattern, before) != 0 ||
	    memcmp(path + p.n - after.n, after.p, after.n) != 0)
		return false;
	buf_add(model, path + before, p.n - before - after.n);
	return true;
}

/* What stands for the model in the path is put into model. */
static const struct route *
find_route(const char *path, struct buf *model)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		if (path_fits(routes[i].path, path, model))
			return &routes[i];
	return span_starts(span_str(path), SPAN("/v1beta/")) ? &nowhere_beta
							     : &nowhere;
}

/* ---- one request ---- */

static const char *
header(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

/* The key in the header where the dialect has it; NULL if there is no such header.
 */
static const char *
key_of(struct request *r)
{
	const char *value = header(r, r->route->dialect->key_header);

	if (value == NULL ||
	    strcmp(r->route->dialect->key_header, "Authorization") != 0)
		return value;
	return strncmp(value, "Bearer ", 7) == 0 ? value + 7 : value;
}

/* Whether the headers let a request in; else it is refused. */
static bool
let_in(struct server *s, struct request *r)
{
	const struct dialect *d = r->route->dialect;
	const struct barrier *barrier = NULL;
	const char *key = key_of(r), *right = s->config->key;

	if (d->key_parameter != NULL &&
	    MHD_lookup_connection_value(
		r->connection, MHD_GET_ARGUMENT_KIND, d->key_parameter) != NULL) {
		refuse(r, 400, NULL,
		    "a key in the URL ends up in logs: send it as x-goog-api-key");
		return false;
	}
	if (key == NULL && (right != NULL || !d->key_optional))
		barrier = &d->no_key;
	else if (right != NULL && strcmp(key, right) != 0)
		barrier = &d->wrong_key;
	if (barrier != NULL) {
		refuse(r, barrier->status, barrier->code, barrier->message);
		return false;
	}
	return true;
}

static bool
has_version(struct request *r)
{
	const char *name = r->route->dialect->version_header;
	const char *value = name == NULL ? NULL : header(r, name);
	char text[80];

	if (name == NULL ||
	    (value != NULL && (strcmp(value, "2023-06-01") == 0 ||
				  strcmp(value, "2023-01-01") == 0)))
		return true;
	snprintf(text, sizeof(text),
	    value == NULL ? "%s: header is required" : "%s: no such version", name);
	refuse(r, 400, NULL, text);
	return false;
}

/* One write(2) a line. */
static void
write_log(struct server *s, struct request *r, const char *method, const char *path)
{
	struct buf *log = &s->log;
	struct span images = SPAN_NONE;

	buf_clear(log);
	if (r->route->answer == answer_completion)
		images = buf_span(&s->provider.asked.images.list);
	log_add(
	    log, method, path, &r->outcome, key_of(r), images, buf_span(&r->body));
	if (fd_write(s->config->log_fd, log->data, log->len) == -1)
		s->log_failed = errno;
	if (log->cap > KEEP_BUFFER)
		buf_release(log);
}

static bool
method_is(const struct route *route, const char *method)
{
	return strcmp(route->method, method) == 0 ||
	       (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static void
decide(struct server *s, struct request *r, const char *method, const char *path)
{
	const struct route *route = r->route;

	r->decided = true;
	if (route->api && !let_in(s, r)) {
		/* refused */
	} else if (route->path == NULL) {
		refuse(r, 404, NULL,
		    "unknown path: bf-mock serves chat/completions, responses, "
		    "messages, embeddings and models under /v1, and "
		    "models/MODEL:generateContent, :streamGenerateContent, "
		    ":embedContent and :batchEmbedContents under /v1beta");
	} else if (!method_is(route, method)) {
		r->allow = route->method;
		refuse(r, 405, NULL, "this path does not take this method");
	} else if (r->too_large) {
		refuse(r, 413, NULL, "the body is larger than 64 MiB");
	} else if (has_version(r)) {
		route->answer(s, r);
	}
	if (!route->api)
		return;
	s->requests++;
	if (r->outcome.kind == OUTCOME_ANSWER)
		s->by_status[r->outcome.status]++;
	if (s->config->log_fd != -1)
		write_log(s, r, method, path);
}

/* ---- the answer's headers ---- */

static void
add_header(struct request *r, const char *name, struct span value)
{
	buf_addf(&r->headers, "%s: ", name);
	buf_addspan(&r->headers, value);
	buf_adds(&r->headers, "\r\n");
}

/* Says how long to wait, as the dialect says it, and keeps it in mind. */
static void
add_wait(struct server *s, struct request *r, int64_t now)
{
	const struct outcome *o = &r->outcome;
	enum wait_told told = r->route->dialect->wait;

	/* What cannot be said in a body goes out as it was written. */
	if (told == WAIT_IN_BODY && o->retry_us < 0)
		told = WAIT_IN_HEADERS;
	if (o->retry_after != NULL && told != WAIT_IN_BODY)
		add_header(r, "Retry-After", span_str(o->retry_after));
	if (o->retry_after_ms != NULL &&
	    (told == WAIT_IN_HEADERS ||
		(told == WAIT_IN_SECONDS && o->limited_us == 0)))
		add_header(r, "retry-after-ms", span_str(o->retry_after_ms));
	if (o->status == 429 && o->retry_us > 0)
		cooldown_announce(&s->cooldown, o->retry_us, now);
}

static void
add_headers(struct server *s, struct request *r)
{
	const struct fault *f = r->outcome.fault;
	int64_t now = clock_mono_us();

	if (r->allow != NULL)
		add_header(r, "Allow", span_str(r->allow));
	if (r->route->answer == answer_completion)
		limits_add_headers(&s->provider.limits, r->route->dialect->rates,
		    &r->headers, now);
	if (f != NULL && f->kind == FAULT_REDIRECT)
		add_header(r, "Location", span_str(s->url));
	if (f != NULL && f->kind == FAULT_GZIP)
		add_header(r, "Content-Encoding", SPAN("gzip"));
	add_wait(s, r, now);
}

/* ---- the answer sent ---- */

/* Gives the header lines to libmicrohttpd, cutting them up. */
static void
pass_headers(struct request *r, struct MHD_Response *response)
{
	char *name, *value, *end;

	if (r->headers.len == 0)
		return;
	(void)buf_cstr(&r->headers);
	for (name = r->headers.data; *name != '\0'; name = end + 2) {
		value = strchr(name, ':');
		end = strstr(name, "\r\n");
		*value = *end = '\0';
		MHD_add_response_header(response, name, value + 2);
	}
}

static ssize_t
read_chunk(void *cls, uint64_t at, char *out, size_t most)
{
	struct request *r = cls;
	size_t n = r->answer.len - (size_t)at;

	if (n == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n > CHUNK && !r->outcome.stream)
		n = CHUNK;
	if (n > most)
		n = most;
	memcpy(out, r->answer.data + at, n);
	return (ssize_t)n;
}

static enum MHD_Result
send_answer(struct server *s, struct request *r)
{
	enum fault_kind kind = FAULT_STATUS;
	struct MHD_Response *response;
	enum MHD_Result queued;

	if (r->outcome.fault != NULL)
		kind = r->outcome.fault->kind;
	if (kind == FAULT_CHUNKED || r->outcome.stream)
		response = MHD_create_response_from_callback(
		    MHD_SIZE_UNKNOWN, 4096, read_chunk, r, NULL);
	else
		response = MHD_create_response_from_buffer(r->answer.len,
		    r->answer.data == NULL ? (void *)s->url : r->answer.data,
		    MHD_RESPMEM_PERSISTENT);
	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, "Content-Type",
	    kind == FAULT_HTML  ? "text/html"
	    : r->outcome.stream ? "text/event-stream; charset=utf-8"
				: "application/json");
	add_headers(s, r);
	pass_headers(r, response);
	queued = MHD_queue_response(
	    r->connection, (unsigned)r->outcome.status, response);
	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result
leave_hanging(struct server *s, struct request *r)
{
	r->next = s->hung;
	s->hung = r;
	MHD_suspend_connection(r->connection);
	return MHD_YES;
}

static enum MHD_Result
put_off(struct server *s, struct request *r, int64_t delay_us)
{
	r->due = clock_mono_us() + delay_us;
	heap_add(s, r);
	MHD_suspend_connection(r->connection);
	return MHD_YES;
}

static enum MHD_Result
send_on_wire(struct server *s, struct request *r)
{
	if (!r->composed) {
		add_headers(s, r);
		wire_compose(&r->wire, r->outcome.fault, r->outcome.status,
		    r->outcome.stream, buf_span(&r->headers), buf_span(&r->answer));
		r->composed = true;
	}
	switch (wire_send(&r->wire, socket_of(r))) {
	case WIRE_LATER:
		return put_off(
		    s, r, r->wire.every_us > 0 ? r->wire.every_us : FULL_US);
	case WIRE_STAY:
		return leave_hanging(s, r);
	default:
		return MHD_NO;
	}
}

/* Suspends the request if its time has not come; then it comes back here. */
static enum MHD_Result
answer_now_or_later(struct server *s, struct request *r)
{
	int64_t delay = r->outcome.delay_us;

	if (s->stopping || r->gone)
		return MHD_NO;
	if (r->outcome.kind == OUTCOME_HANG)
		return leave_hanging(s, r);
	if (delay > 0) {
		r->outcome.delay_us = 0;
		return put_off(s, r, delay);
	}
	if (r->outcome.kind == OUTCOME_DROP)
		return MHD_NO;
	if (r->outcome.fault != NULL && fault_needs_wire(r->outcome.fault->kind))
		return send_on_wire(s, r);
	return send_answer(s, r);
}

/* Called with the head, with each piece of the body, at its end, and when resumed.
 */
static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *path,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **slot)
{
	struct server *s = cls;
	struct request *r = *slot;

	(void)version;
	if (r == NULL) {
		*slot = r = request_new(s);
		r->connection = connection;
		r->route = find_route(path, &r->model);
		if (r->route->api)
			enter(s, r);
		if (r->route->answer == answer_completion)
			cooldown_arrival(&s->cooldown, clock_mono_us());
		return MHD_YES;
	}
	if (*upload_size > 0) {
		take_body(r, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (!r->decided)
		decide(s, r, method, path);
	return answer_now_or_later(s, r);
}

/* ---- the server ---- */

__attribute__((format(printf, 2, 0))) static void
on_log(void *cls, const char *fmt, va_list ap)
{
	char text[512];
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	(void)cls;
	while (n > 0 && n < (int)sizeof(text) && text[n - 1] == '\n')
		text[--n] = '\0';
	msg_debug("%s", text);
}

static struct MHD_Daemon *
start_daemon(struct server *s, int fd)
{
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
				    MHD_USE_ERROR_LOG |
				    MHD_USE_SUPPRESS_DATE_NO_CLOCK,
	    0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
	    s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
	    MHD_OPTION_CONNECTION_LIMIT, 1000000u, MHD_OPTION_CONNECTION_TIMEOUT,
	    0u, MHD_OPTION_END);
}

static uint64_t
connections_most(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1 ||
	    files.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return files.rlim_cur > SPARE_FDS ? files.rlim_cur - SPARE_FDS : 1;
}

struct server *
server_start(const struct server_config *config, struct err *e)
{
	struct server *s = mem_zero(1, sizeof(*s));
	const union MHD_DaemonInfo *info;
	int fd;

	s->config = config;
	if ((fd = listen_open(
		 config->host, config->port, s->url, sizeof(s->url), e)) == -1) {
		free(s);
		return NULL;
	}
	s->daemon = start_daemon(s, fd);
	info = s->daemon == NULL
		   ? NULL
		   : MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL) {
		err_set(e, "cannot start the server");
		close(fd);
		free(s);
		return NULL;
	}
	s->epoll_fd = info->epoll_fd;
	provider_init(&s->provider, &config->provider);
	s->open_most = connections_most();
	return s;
}

const char *
server_url(const struct server *s)
{
	return s->url;
}

/* How long the loop may wait: until an answer is due or libmicrohttpd wants its
 * turn. */
static struct timespec *
next_turn(struct server *s, struct timespec *ts)
{
	MHD_UNSIGNED_LONG_LONG ms;
	int64_t us = -1;

	if (s->nheap > 0) {
		us = s->heap[0]->due - clock_mono_us();
		if (us < 0)
			us = 0;
	}
	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES &&
	    (us < 0 || ms < (uint64_t)us / 1000))
		us = (int64_t)ms * 1000;
	if (us < 0)
		return NULL;
	*ts = (struct timespec){us / 1000000, us % 1000000 * 1000};
	return ts;
}

int
server_run(struct server *s, int wake_fd, bool (*ended)(void), struct err *e)
{
	struct pollfd fds[2] = {{s->epoll_fd, POLLIN, 0}, {wake_fd, POLLIN, 0}};
	struct timespec ts;

	for (;;) {
		if (ppoll(fds, 2, next_turn(s, &ts), NULL) == -1) {
			if (errno != EINTR)
				return err_sys(e, "cannot poll");
			fds[0].revents = fds[1].revents = 0;
		}
		if (fds[1].revents != 0 && ended())
			return 0;
		resume_due(s);
		if (MHD_run(s->daemon) != MHD_YES)
			return err_set(e, "the server has failed");
		if (s->log_failed != 0) {
			errno = s->log_failed;
			return err_sys(e, "cannot write the log");
		}
	}
}

void
server_stop(struct server *s)
{
	struct request *r;

	s->stopping = true;
	while (s->nheap > 0)
		MHD_resume_connection(heap_take(s)->connection);
	for (r = s->hung; r != NULL; r = r->next)
		MHD_resume_connection(r->connection);
	MHD_run(s->daemon);
	MHD_stop_daemon(s->daemon);
	while ((r = s->spare) != NULL) {
		s->spare = r->next;
		request_free(r);
	}
	provider_release(&s->provider);
	cooldown_release(&s->cooldown);
	buf_release(&s->log);
	free(s->heap);
	free(s);
}
