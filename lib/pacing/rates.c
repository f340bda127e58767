#include "pacing/rates.h"

#include "io/num.h"
#include "pacing/retry.h"

#include <stdbool.h>

#define MINUTE_US     ((int64_t)60000000)
#define RESET_MOST_US ((int64_t)86400000000 * 31)
#define COUNT_MOST    INT64_C(1000000000000)

const char *const rates_headers[RATES_HEADERS] = {
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
    "anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-requests-remaining",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-tokens-limit",
    "anthropic-ratelimit-tokens-remaining",
    "anthropic-ratelimit-tokens-reset",
};

static int64_t
count(struct span text)
{
	int64_t n;

	return num_i64(text, &n) != 0 || n < 0 || n > COUNT_MOST ? -1 : n;
}

/* The first piece of a duration: digits, a fraction, letters. */
static size_t
piece(struct span text)
{
	size_t i = 0;

	while (i < text.n &&
	       (text.p[i] == '.' || (text.p[i] >= '0' && text.p[i] <= '9')))
		i++;
	while (i < text.n && text.p[i] >= 'a' && text.p[i] <= 'z')
		i++;
	return i;
}

/* 1h2m3.5s */
static int64_t
duration(struct span text)
{
	int64_t sum = 0, us;
	size_t n;

	if (text.n == 0)
		return -1;
	for (; text.n > 0; text = span_of(text.p + n, text.n - n)) {
		n = piece(text);
		if (n == 0 || num_duration(span_of(text.p, n), &us) != 0)
			return -1;
		if (us > RESET_MOST_US || (sum += us) > RESET_MOST_US)
			return -1;
	}
	return sum;
}

static struct rate
rate_of(const struct span *values, int64_t reset_us)
{
	struct rate r = {count(values[0]), count(values[1]), reset_us};

	return r;
}

static int64_t
until(struct span text, int64_t now_ms)
{
	int64_t ms;

	if (!retry_rfc3339(text, &ms) || ms - now_ms > RESET_MOST_US / 1000)
		return -1;
	return ms <= now_ms ? 0 : (ms - now_ms) * 1000;
}

void
rates_read(struct rates *r, const struct span *values, int64_t now_ms)
{
	r->requests = rate_of(values, duration(values[2]));
	if (r->requests.remaining < 0)
		r->requests = rate_of(values + 6, until(values[8], now_ms));
	r->tokens = rate_of(values + 3, duration(values[5]));
	if (r->tokens.remaining < 0)
		r->tokens = rate_of(values + 9, until(values[11], now_ms));
}

void
meter_tell(struct meter *m, int64_t now, const struct rate *r, int64_t in_flight)
{
	int64_t used;

	if (r->remaining < 0 || r->limit == 0 || (r->limit < 0 && r->reset_us < 0))
		return;
	*m = (struct meter){.told = now,
	    .full = r->limit > 0 ? r->limit : 0,
	    .level = (double)(r->remaining - in_flight)};
	used = r->limit - r->remaining;
	if (r->limit > 0 && used > 0 && r->reset_us > 0)
		m->refill = (double)used / (double)r->reset_us;
	else if (r->limit > 0)
		m->refill = (double)r->limit / (double)MINUTE_US;
	else
		m->refill = (double)(in_flight + 1) / (double)(r->reset_us + 1);
}

int64_t
meter_opens(const struct meter *m, int64_t cost)
{
	double lacking;
	int64_t wait;

	if (m->told == 0)
		return 0;
	if (m->full > 0 && cost > m->full)
		cost = m->full;
	lacking = (double)cost - m->level;
	if (lacking <= 0)
		return 0;
	if (lacking >= m->refill * (double)MINUTE_US)
		return m->told + MINUTE_US;
	wait = (int64_t)(lacking / m->refill) + 1;
	return m->told + (wait < MINUTE_US ? wait : MINUTE_US);
}

void
meter_take(struct meter *m, int64_t cost)
{
	if (m->told != 0)
		m->level -= (double)cost;
}

void
meter_bound(struct meter *m, int64_t now)
{
	/* What is no number fails every comparison. */
	bool sound = m->told >= 0 && m->told <= now + 1000000 && m->full >= 0 &&
		     m->full <= COUNT_MOST && m->level >= -1e18 &&
		     m->level <= 1e12 && m->refill >= 0 && m->refill <= 1e15;

	if (!sound)
		*m = (struct meter){.told = 0};
}
