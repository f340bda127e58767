/* limits: token buckets and the headers that tell of them. */
#include "limits.h"

#include "io/clock.h"

#include <inttypes.h>
#include <time.h>

/* Lets in what has flowed since. */
static void
flow(struct limits_bucket *b, uint64_t most, int64_t window_us, int64_t now_us)
{
	if (b->at != 0)
		b->used -= (double)(now_us - b->at) * (double)most /
			   (double)window_us;
	if (b->used < 0)
		b->used = 0;
	b->at = now_us;
}

/* How long until so much is there. */
static int64_t
wait_for(const struct limits_bucket *b, uint64_t most, int64_t window_us, double n)
{
	double missing = b->used + n - (double)most;

	if (most == 0 || missing <= 1e-6)
		return 0;
	return (int64_t)(missing * (double)window_us / (double)most) + 1;
}

int64_t
limits_take(struct limits *l, uint64_t tokens, int64_t now_us)
{
	const struct limits_config *c = l->config;
	double n = (double)(tokens < c->tokens ? tokens : c->tokens);
	int64_t wait, more;

	flow(&l->requests, c->requests, c->window_us, now_us);
	flow(&l->tokens, c->tokens, c->window_us, now_us);
	wait = wait_for(&l->requests, c->requests, c->window_us, 1);
	more = wait_for(&l->tokens, c->tokens, c->window_us, n);
	if (wait < more)
		wait = more;
	if (wait > 0)
		return wait;
	l->requests.used += 1;
	l->tokens.used += n;
	return 0;
}

/* As providers write it: 250ms, 1.5s, 6m0s. */
static void
add_duration(struct buf *out, int64_t us)
{
	int64_t ms = (us + 999) / 1000;

	if (ms < 1000)
		buf_addf(out, "%" PRId64 "ms", ms);
	else if (ms < 60000)
		buf_addf(out, "%" PRId64 ".%03" PRId64 "s", ms / 1000, ms % 1000);
	else
		buf_addf(
		    out, "%" PRId64 "m%" PRId64 "s", ms / 60000, ms % 60000 / 1000);
}

/* RFC 3339, in whole seconds and never too early. */
static void
add_time(struct buf *out, int64_t us)
{
	time_t at = (time_t)((clock_wall_ms() + us / 1000 + 999) / 1000);
	char text[32];
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_adds(out, text);
}

static void
add_bucket(struct buf *out, enum limits_style style, const char *what,
    struct limits_bucket *b, uint64_t most, int64_t window_us, int64_t now_us)
{
	double left;
	int64_t wait;

	if (most == 0)
		return;
	flow(b, most, window_us, now_us);
	left = (double)most - b->used;
	if (left < 0)
		left = 0;
	wait = wait_for(b, most, window_us, (double)most);
	if (style == LIMITS_OPENAI) {
		buf_addf(out,
		    "x-ratelimit-limit-%s: %" PRIu64 "\r\n"
		    "x-ratelimit-remaining-%s: %" PRIu64
		    "\r\nx-ratelimit-reset-%s: ",
		    what, most, what, (uint64_t)left, what);
		add_duration(out, wait);
	} else {
		buf_addf(out,
		    "anthropic-ratelimit-%s-limit: %" PRIu64 "\r\n"
		    "anthropic-ratelimit-%s-remaining: %" PRIu64
		    "\r\nanthropic-ratelimit-%s-reset: ",
		    what, most, what, (uint64_t)left, what);
		add_time(out, wait);
	}
	buf_adds(out, "\r\n");
}

void
limits_add_headers(
    struct limits *l, enum limits_style style, struct buf *headers, int64_t now_us)
{
	const struct limits_config *c = l->config;

	if (style == LIMITS_UNTOLD)
		return;
	add_bucket(headers, style, "requests", &l->requests, c->requests,
	    c->window_us, now_us);
	add_bucket(
	    headers, style, "tokens", &l->tokens, c->tokens, c->window_us, now_us);
}
