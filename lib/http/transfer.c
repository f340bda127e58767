/* A transfer: an easy handle, and what comes of its call. */
#include "http/private.h"

#include "base/mem.h"
#include "io/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADERS_MOST ((size_t)256 << 10) /* bytes of an answer's that are kept */

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	(void)size;
	t->begun = true;
	t->last_byte = clock_mono_us();
	if (t->call->first_micros == 0)
		t->call->first_micros = t->last_byte - t->started;
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

void
transfer_forget_headers(struct transfer *t)
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
	if (t->http->options.headers && buf_fits(&t->headers, n))
		buf_add(&t->headers, p, n);
	switch (*p | 0x20) {
	case 'h': /* a new answer begins, perhaps after a 100 */
		if (!span_starts(line, SPAN("HTTP/")))
			break;
		buf_clear(&t->headers);
		transfer_forget_headers(t);
		t->target->http1 = span_starts(line, SPAN("HTTP/1"));
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

const struct span *
transfer_kept_headers(struct transfer *t)
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
 *
 * Without an error there is one reason to send again over HTTP/2: the server
 * closed the stream as refused, by itself or as one of those that came after
 * the last that it took (RFC 9113, 6.8 and 8.7).  Over HTTP/1 a connection that
 * ends between two requests is no error either; but then an answer came before.
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
	libcurl.easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
	if (!t->sent)
		t->preamble = sent;
	t->sent = true;
	t->again = sent > t->preamble;
	t->refused = t->again && t->error[0] == '\0' && !t->target->http1;
	return t->again ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* NULL where it is not set, or to nothing. */
static const char *
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

/*
 * Whose certificates are taken.  libcurl keeps those that it has read from a
 * file for the next connection, but not where there is a folder besides; with
 * the system's of both each connection would cost 30 ms of CPU.
 */
static void
trust(struct transfer *t)
{
	const char *file = t->http->options.cacert, *dir = NULL;

	if (file == NULL) {
		file = variable("SSL_CERT_FILE");
		dir = variable("SSL_CERT_DIR");
	}
	if (file != NULL || dir != NULL) {
		libcurl.easy_setopt(t->easy, CURLOPT_CAINFO, file);
		libcurl.easy_setopt(t->easy, CURLOPT_PROXY_CAINFO, file);
	}
	if (file != NULL || dir != NULL || curl_knows_cas()) {
		libcurl.easy_setopt(t->easy, CURLOPT_CAPATH, dir);
		libcurl.easy_setopt(t->easy, CURLOPT_PROXY_CAPATH, dir);
	}
}

/* Host names and TLS sessions serve all connections; one thread needs no locks. */
static CURLSH *
share_new(void)
{
	CURLSH *share = libcurl.share_init();

	if (share == NULL)
		return NULL;
	libcurl.share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	libcurl.share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	return share;
}

struct transfer *
transfer_new(struct http *h)
{
	struct transfer *t = mem_zero(1, sizeof *t);

	t->http = h;
	if (h->share == NULL)
		h->share = share_new();
	t->easy = libcurl.easy_init();
	if (t->easy == NULL) {
		free(t);
		return NULL;
	}
	buf_init(&t->body, h->options.body_max);
	buf_init(&t->headers, HEADERS_MOST);
	t->keep = mem_zero(h->options.nkeep + 1, sizeof *t->keep);
	trust(t);
	libcurl.easy_setopt(t->easy, CURLOPT_SHARE, h->share);
	libcurl.easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	libcurl.easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
	libcurl.easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	libcurl.easy_setopt(t->easy, CURLOPT_TCP_KEEPALIVE, 1L);
	libcurl.easy_setopt(t->easy, CURLOPT_BUFFERSIZE, 16384L);
	/* Not asked for, but unpacked where a server compresses all the same. */
	libcurl.easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, "identity");
	/* The key is for the server alone. */
	libcurl.easy_setopt(t->easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	libcurl.easy_setopt(t->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	libcurl.easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS,
	    (long)((h->options.connect_timeout_us + 999) / 1000));
	if (h->options.user_agent != NULL)
		libcurl.easy_setopt(
		    t->easy, CURLOPT_USERAGENT, h->options.user_agent);
	libcurl.easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	libcurl.easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	libcurl.easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
	libcurl.easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	libcurl.easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, on_request);
	libcurl.easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
	libcurl.easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, multi_socket_new);
	libcurl.easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
	libcurl.easy_setopt(t->easy, CURLOPT_SOCKOPTFUNCTION, multi_socket_open);
	libcurl.easy_setopt(t->easy, CURLOPT_SOCKOPTDATA, t);
	libcurl.easy_setopt(
	    t->easy, CURLOPT_CLOSESOCKETFUNCTION, multi_socket_close);
	libcurl.easy_setopt(t->easy, CURLOPT_CLOSESOCKETDATA, h);
	libcurl.easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	libcurl.easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	return t;
}

void
transfer_free(struct transfer *t)
{
	libcurl.easy_cleanup(t->easy);
	buf_release(&t->body);
	buf_release(&t->headers);
	free(t->keep);
	free(t);
}

/* What a proxy that was asked to connect has answered; 0: nothing, or that it did.
 */
static long
proxy_status(const struct transfer *t)
{
	long status = 0;

	if (!t->sent)
		libcurl.easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return status / 100 == 2 ? 0 : status;
}

static enum http_outcome
outcome_of(const struct transfer *t, CURLcode code)
{
	long proxy;

	if (t->too_large)
		return HTTP_TOO_LARGE;
	if (t->refused)
		return HTTP_REFUSED;
	if (t->forbidden && code == CURLE_COULDNT_CONNECT)
		return HTTP_FORBIDDEN;
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
		proxy = proxy_status(t);
		return proxy / 100 == 4 && proxy != 408 && proxy != 429
			   ? HTTP_CONFIG
			   : HTTP_TRANSPORT;
	}
}

/* What could not be connected to may be a proxy that nobody thinks of. */
static void
add_proxy(struct transfer *t)
{
	static const char *const http[] = {
	    "http_proxy", "all_proxy", "ALL_PROXY", NULL};
	static const char *const https[] = {
	    "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
	const char *const *name = t->target->https ? https : http;
	size_t n = strlen(t->error);

	while (*name != NULL && variable(*name) == NULL)
		name++;
	if (*name != NULL)
		snprintf(t->error + n, sizeof t->error - n, "; %s is set", *name);
}

static void
explain(struct transfer *t, CURLcode code)
{
	const char *why = NULL;

	if (t->error[0] == '\0')
		snprintf(
		    t->error, sizeof t->error, "%s", libcurl.easy_strerror(code));
	if (t->too_large)
		why = "the answer is too large";
	else if (t->refused)
		why = "the server took no more requests on this connection";
	else if (t->again)
		why = "the connection broke before an answer came";
	else if (t->forbidden)
		why = "its address is none of the public internet";
	else if (code == CURLE_OUT_OF_MEMORY)
		/* What libcurl says of a header that is longer than it takes. */
		why = "a header of the answer is too long, or memory is short";
	else if (code == CURLE_COULDNT_CONNECT)
		add_proxy(t);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		snprintf(t->error, sizeof t->error,
		    "not connected within %g s, proxy and TLS included",
		    (double)t->http->options.connect_timeout_us / 1e6);
	else if (proxy_status(t) != 0)
		snprintf(t->error, sizeof t->error,
		    "the proxy refuses the connection (HTTP %ld)", proxy_status(t));
	if (why != NULL)
		snprintf(t->error, sizeof t->error, "%s", why);
}

enum http_outcome
transfer_judge(struct transfer *t, CURLcode code)
{
	enum http_outcome outcome = outcome_of(t, code);

	if (outcome != HTTP_ANSWERED)
		explain(t, code);
	return outcome;
}
