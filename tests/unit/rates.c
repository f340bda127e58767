/* What a provider's headers say, and what follows from it. */
#include "pacing/rates.h"

#include "io/rng.h"
#include "pacing/retry.h"
#include "tap.h"

#define SECOND ((int64_t)1000000)

static struct rates
read_rates(const char *limit, const char *remaining, const char *reset, size_t at)
{
	struct span values[RATES_HEADERS] = {{NULL, 0}};
	struct rates r;

	values[at] = span_str(limit);
	values[at + 1] = span_str(remaining);
	values[at + 2] = span_str(reset);
	rates_read(&r, values, INT64_C(1763675400000)); /* 2025-11-20T21:50:00Z */
	return r;
}

static void
reset_is(const char *text, int64_t us)
{
	is_int(read_rates("10", "1", text, 0).requests.reset_us, us, text);
}

static void
test_headers(void)
{
	struct rates r = read_rates("500", "499", "6m0s", 3);

	ok(r.tokens.limit == 500 && r.tokens.remaining == 499 &&
		r.tokens.reset_us == 360 * SECOND && r.requests.remaining == -1,
	    "OpenAI's, of tokens alone");
	r = read_rates("50", "0", "2025-11-20T21:50:30.250Z", 6);
	ok(r.requests.limit == 50 && r.requests.remaining == 0 &&
		r.requests.reset_us == 30250000 && r.tokens.remaining == -1,
	    "Anthropic's, of requests alone");
	r = read_rates("50", "0", "2025-11-20T22:49:00+01:00", 9);
	is_int(r.tokens.reset_us, 0, "a reset that is over");
	r = read_rates("many", "-1", "soon", 0);
	ok(r.requests.limit == -1 && r.requests.remaining == -1 &&
		r.requests.reset_us == -1,
	    "rubbish says nothing");
	reset_is("1s", SECOND);
	reset_is("500ms", SECOND / 2);
	reset_is("1h2m3.5s", 3723 * SECOND + SECOND / 2);
	reset_is("7", 7 * SECOND);
	reset_is("", -1);
	reset_is("1s,", -1);
	reset_is("s", -1);
	reset_is("99999999h", -1);
}

static void
date_is(const char *text, bool good, int64_t want)
{
	int64_t ms = 0;

	ok(retry_rfc3339(span_str(text), &ms) == good && ms == want, "RFC 3339: %s",
	    text);
}

static void
test_dates(void)
{
	date_is("1970-01-01T00:00:00Z", true, 0);
	date_is("2026-11-20T21:50:00.5+01:00", true, INT64_C(1795207800500));
	date_is("2024-02-29t23:59:60z", true, INT64_C(1709251200000));
	date_is("2026-11-20T21:50:00", false, 0);
	date_is("2026-11-20T21:50:00.Z", false, 0);
	date_is("2026-13-20T21:50:00Z", false, 0);
	date_is("2026-11-20T21:50:00Zz", false, 0);
	date_is("", false, 0);
}

static void
tell(struct meter *m, int64_t now, int64_t limit, int64_t remaining, int64_t reset,
    int64_t in_flight)
{
	struct rate r = {limit, remaining, reset};

	meter_tell(m, now, &r, in_flight);
}

static void
test_meter(void)
{
	struct meter m = {.told = 0};

	is_int(meter_opens(&m, 1), 0, "nothing known, nothing held back");
	tell(&m, SECOND, 60, -1, SECOND, 0);
	tell(&m, SECOND, 0, 0, SECOND, 0);
	tell(&m, SECOND, -1, 5, -1, 0);
	is_int(m.told, 0, "what says nothing changes nothing");
	tell(&m, SECOND, 60, 3, 57 * SECOND, 1);
	meter_take(&m, 1);
	is_int(meter_opens(&m, 1), 0, "what remains may be taken");
	meter_take(&m, 1);
	ok(meter_opens(&m, 1) > 2 * SECOND - 10 &&
		meter_opens(&m, 1) < 2 * SECOND + 10,
	    "then what is refilled, and what is in flight is gone");
	tell(&m, SECOND, 60, 0, 3600 * SECOND, 0);
	is_int(meter_opens(&m, 1), 61 * SECOND,
	    "a minute is the longest it holds back");
	meter_take(&m, 1000);
	is_int(meter_opens(&m, 1), 61 * SECOND, "whatever is lacking");
	tell(&m, SECOND, 100, 100, 0, 0);
	is_int(meter_opens(&m, 1000), 0,
	    "what is larger than the limit goes when all of it is there");
	tell(&m, SECOND, -1, 0, 2 * SECOND, 0);
	ok(meter_opens(&m, 1) >= 3 * SECOND && meter_opens(&m, 1) < 3 * SECOND + 10,
	    "without a limit: after the reset");
}

/* A provider with a bucket that refills, which tells what is left in it. */
static void
test_steering(void)
{
	enum { SLOTS = 50, LIMIT = 600, CALLS = 200000 };
	int64_t lands[SLOTS], left[SLOTS], now = SECOND, last = now, opens;
	double bucket = LIMIT;
	struct meter m = {.told = 0};
	struct rng r;
	size_t n = 0, first, sent = 0, refused = 0;

	rng_seed(&r, 3);
	while (sent < CALLS) {
		for (first = 0, opens = 1; (size_t)opens < n; opens++)
			if (lands[opens] < lands[first])
				first = (size_t)opens;
		opens = meter_opens(&m, 1);
		if (n < SLOTS && opens <= now) {
			bucket += (double)(now - last) * LIMIT / (60.0 * SECOND);
			last = now;
			bucket = bucket > LIMIT ? LIMIT : bucket;
			refused += bucket < 1;
			bucket -= bucket < 1 ? 0 : 1;
			left[n] = (int64_t)bucket;
			lands[n++] = now + 1000 + (int64_t)rng_below(&r, 2000000);
			meter_take(&m, 1);
			sent++;
		} else if (n > 0 && (n == SLOTS || lands[first] <= opens)) {
			now = lands[first] > now ? lands[first] : now;
			tell(&m, now, LIMIT, left[first],
			    (LIMIT - left[first]) * SECOND / 10, (int64_t)n - 1);
			lands[first] = lands[--n];
			left[first] = left[n];
		} else
			now = opens;
	}
	ok(refused * 100 < sent, "of %d calls %d are refused", (int)sent,
	    (int)refused);
	ok((double)sent / ((double)now / (60.0 * SECOND)) > 0.9 * LIMIT,
	    "%.1f%% of the rate is used",
	    100 * (double)sent / ((double)now / (60.0 * SECOND)) / LIMIT);
}

int
main(void)
{
	test_headers();
	test_dates();
	test_meter();
	test_steering();
	return done();
}
