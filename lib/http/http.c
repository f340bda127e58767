#include "http/private.h"

#include "base/mem.h"
#include "io/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* Gives it to libcurl. */
static CURLMcode
join(struct transfer *t)
{
	struct multi *m = multi_with_room(t->http, t->target);
	CURLMcode code = libcurl.multi_add_handle(m->curl, t->easy);

	if (code == CURLM_OK) {
		t->multi = m;
		m->in_flight++;
	}
	return code;
}

static void
part(struct transfer *t)
{
	if (t->multi == NULL)
		return;
	(void)libcurl.multi_remove_handle(t->multi->curl, t->easy);
	t->multi->in_flight--;
	t->multi = NULL;
}

/* Takes it from libcurl and from those at work. */
static void
leave(struct transfer *t)
{
	part(t);
	/* Without having got as far as a name: then each tries by itself. */
	if (t->target->scout == t)
		http_name_known(t->target, t->http);
	t->http->in_flight--;
	list_take(t);
	loop_timer_clear(t->http->loop, &t->timer);
	t->call->transfer = NULL;
	t->call = NULL;
}

static void
rest(struct transfer *t)
{
	/* libcurl counts what it wanted to send again as long as the handle lives.
	 */
	if (t->again) {
		transfer_free(t);
		return;
	}
	if (t->body.cap > (size_t)1 << 20)
		buf_release(&t->body);
	buf_clear(&t->body);
	buf_clear(&t->headers);
	list_put(&t->http->resting, t);
}

/*
 * Tells the caller, who may start another from done, and puts the handle to rest.
 * Why it failed is in t->error.
 */
static void
finish(struct transfer *t, enum http_outcome outcome)
{
	struct http_call *c = t->call;
	long status = 0;

	c->error[0] = '\0';
	if (outcome != HTTP_ANSWERED)
		memcpy(c->error, t->error, sizeof c->error);
	if (t->sent)
		libcurl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	leave(t);
	c->outcome = outcome;
	c->status = (int)status;
	c->answer = buf_span(&t->body);
	c->headers = buf_span(&t->headers);
	c->kept = transfer_kept_headers(t);
	c->micros = clock_mono_us() - t->started;
	c->done(c);
	rest(t);
}

void
http_collect(struct multi *m)
{
	CURLMsg *msg;
	struct transfer *t;
	enum http_outcome outcome;
	int left;

	while ((msg = libcurl.multi_info_read(m->curl, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		t = NULL;
		libcurl.easy_getinfo(
		    msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		outcome = transfer_judge(t, msg->data.result);
		finish(t, outcome);
	}
}

/*
 * Of many calls that start at once the first looks the host's name up, the
 * others wait until it has: libcurl would start a thread and ask for each.
 */
void
http_name_known(struct http_target *t, struct http *h)
{
	if (t->known)
		return;
	t->known = true;
	t->scout = NULL;
	loop_timer_set(h->loop, &h->join_timer, clock_mono_us());
}

static void
on_join_timer(void *arg)
{
	struct http *h = arg;
	struct transfer *waiting = NULL, *t, *next;
	CURLMcode code;

	for (t = h->working; t != NULL; t = next) {
		next = t->next;
		if (t->multi != NULL || !t->target->known)
			continue;
		list_take(t);
		list_put(&waiting, t);
	}
	while ((t = waiting) != NULL) { /* the one that came first */
		list_take(t);
		list_put(&h->working, t);
		if ((code = join(t)) == CURLM_OK)
			continue;
		snprintf(t->error, sizeof t->error, "libcurl: %s",
		    libcurl.multi_strerror(code));
		finish(t, HTTP_TRANSPORT);
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

	allow_for_lost(t);
	if (next_due(t) == 0)
		return;
	if (next_due(t) > now) {
		loop_timer_set(t->http->loop, &t->timer, next_due(t));
		return;
	}
	if (!t->begun && t->due_first != 0 && t->due_first <= now)
		snprintf(t->error, sizeof t->error,
		    "no byte of an answer within %g s",
		    (double)o->first_byte_us / 1e6);
	else
		snprintf(t->error, sizeof t->error, "no whole answer within %g s",
		    (double)o->timeout_us / 1e6);
	finish(t, HTTP_TIMED_OUT);
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
			snprintf(t->error, sizeof t->error,
			    "the answer began and then stopped coming");
			finish(t, HTTP_TIMED_OUT);
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
	h->join_timer.fn = on_join_timer;
	h->join_timer.arg = h;
	return h;
}

static void
target_free(struct http_target *t)
{
	libcurl.url_cleanup(t->url);
	libcurl.slist_free_all(t->headers);
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
	loop_timer_clear(h->loop, &h->join_timer);
	while ((t = h->working) != NULL) {
		part(t);
		loop_timer_clear(h->loop, &t->timer);
		list_take(t);
		transfer_free(t);
	}
	while ((t = h->resting) != NULL) {
		list_take(t);
		transfer_free(t);
	}
	for (i = 0; i < h->nmultis; i++)
		multi_free(h->multis[i]);
	if (h->share != NULL)
		(void)libcurl.share_cleanup(h->share);
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
	struct curl_slist *list = libcurl.slist_append(t->headers, line);

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

	if (curl_load(e) != 0)
		return NULL;
	t = mem_zero(1, sizeof *t);
	t->url = libcurl.url();
	code = libcurl.url_set(t->url, CURLUPART_URL, url, 0);
	if (code != CURLUE_OK) {
		err_set(e, "%s: %s", url, libcurl.url_strerror(code));
		target_free(t);
		return NULL;
	}
	t->https = strncasecmp(url, "https:", 6) == 0;
	t->http2 = t->https && !h->options.http1_only && curl_has_http2();
	/* No "Expect: 100-continue": it costs a round trip. */
	(void)add_header(t, "Expect:");
	for (i = 0; i < n; i++)
		if (add_header(t, headers[i]) != 0) {
			err_set(e, "libcurl takes no more headers");
			target_free(t);
			return NULL;
		}
	t->serial = ++h->serial;
	t->next = h->targets;
	h->targets = t;
	return t;
}

void
http_target_guard(struct http_target *t)
{
	t->guarded = true;
}

void
http_target_free(struct http *h, struct http_target *target)
{
	struct http_target **at = &h->targets;

	while (*at != target)
		at = &(*at)->next;
	*at = target->next;
	target_free(target);
}

/* Without PIPEWAIT all that start at once would have a connection each. */
static void
aim(struct transfer *t, struct http_target *target)
{
	t->target = target;
	if (t->aimed == target->serial)
		return;
	t->aimed = target->serial;
	libcurl.easy_setopt(t->easy, CURLOPT_CURLU, target->url);
	libcurl.easy_setopt(t->easy, CURLOPT_HTTPHEADER, target->headers);
	libcurl.easy_setopt(t->easy, CURLOPT_HTTP_VERSION,
	    (long)(target->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
	libcurl.easy_setopt(t->easy, CURLOPT_PIPEWAIT, target->http2 ? 1L : 0L);
	libcurl.easy_setopt(t->easy, CURLOPT_NOPROXY, target->guarded ? "*" : NULL);
}

/* What libcurl is to do; each of these may set the method too, the last one counts.
 */
static void
set_method(struct transfer *t, const struct http_call *c)
{
	const char *method = c->method != NULL ? c->method : "POST";
	bool posts = c->body.p != NULL || strcmp(method, "POST") == 0;
	bool heads = !posts && strcmp(method, "HEAD") == 0;
	const char *own = posts ? "POST" : heads ? "HEAD" : "GET";

	libcurl.easy_setopt(
	    t->easy, CURLOPT_POSTFIELDS, c->body.p != NULL ? c->body.p : "");
	libcurl.easy_setopt(
	    t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.n);
	libcurl.easy_setopt(t->easy, CURLOPT_NOBODY, heads ? 1L : 0L);
	if (!heads)
		libcurl.easy_setopt(
		    t->easy, posts ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
	libcurl.easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST,
	    strcmp(method, own) == 0 ? NULL : method);
}

/* When a time that begins now is over; none is 0. */
static int64_t
due_after(const struct transfer *t, int64_t us)
{
	return us > 0 ? t->started + us : 0;
}

int
http_start(struct http *h, struct http_call *c, struct err *e)
{
	const struct http_options *o = &h->options;
	struct transfer *t = h->resting;
	CURLMcode code;

	if (t != NULL)
		list_take(t);
	else if ((t = transfer_new(h)) == NULL)
		return err_set(e, "libcurl makes no more handles");
	aim(t, c->target);
	set_method(t, c);
	t->call = c;
	t->multi = NULL;
	t->started = clock_mono_us();
	t->due = due_after(t, o->timeout_us);
	t->due_first = due_after(t, o->first_byte_us);
	t->last_byte = 0;
	c->first_micros = 0;
	t->lost = loop_lost_us(h->loop);
	t->sent = t->begun = t->too_large = t->again = t->refused = t->forbidden =
	    false;
	t->error[0] = '\0';
	transfer_forget_headers(t);
	if (t->target->scout == NULL) {
		code = join(t);
		if (code != CURLM_OK) {
			list_put(&h->resting, t);
			return err_set(
			    e, "libcurl: %s", libcurl.multi_strerror(code));
		}
		if (!t->target->known)
			t->target->scout = t;
	}
	c->transfer = t;
	list_put(&h->working, t);
	t->timer.fn = on_due;
	t->timer.arg = t;
	if (next_due(t) != 0)
		loop_timer_set(h->loop, &t->timer, next_due(t));
	h->in_flight++;
	if (o->stall_us > 0 && h->stall_timer.slot == 0)
		loop_timer_set(h->loop, &h->stall_timer,
		    t->started + o->stall_us / STALL_LOOKS);
	return 0;
}

void
http_cancel(struct http_call *c)
{
	struct transfer *t = c->transfer;

	if (t == NULL)
		return;
	leave(t);
	c->outcome = HTTP_CANCELLED;
	rest(t);
}

size_t
http_in_flight(const struct http *h)
{
	return h->in_flight;
}
