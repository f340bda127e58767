/* What must hold of pacing whatever happens: random events over simulated time. */
#include "pacing/adapt.h"
#include "pacing/bucket.h"
#include "pacing/retry.h"

#include "pacing_help.h"

/* ---- cooldowns ---- */

/* What is known of one from outside. */
struct watched {
	struct cooldown c;
	int64_t now, began; /* the time, and when the last one began */
	int64_t until;      /* as long as somebody asked for, at least */
	uint64_t started;   /* since its end */
	int64_t last;       /* of these */
	size_t inside, stale, twice, shorter, longer, abrupt, back;
	size_t cooldowns, fast,
	    slow; /* gaps that are shorter, longer than the mean */
};

static void
watch_start(struct watched *w, struct rng *r)
{
	int64_t opens = cooldown_opens(&w->c), step = w->c.step, gap;
	bool resuming = w->c.resuming != 0;

	/* At the very time, or some time later. */
	if (opens > w->now)
		w->now = opens;
	if (rng_below(r, 4) == 0)
		w->now += (int64_t)rng_below(r, SECOND / 20);
	w->inside += w->now < w->until;
	cooldown_started(&w->c, w->now, 500, rng_unit(r));
	if (resuming && w->started > 0) {
		/* The k-th comes about a k-th of a step after the one before. */
		gap = (w->now - w->last) * (int64_t)w->started;
		w->abrupt += gap < step / 2 - (int64_t)w->started;
		w->fast += gap < step;
		w->slow += gap > step;
	}
	w->started++;
	w->last = w->now;
}

static void
watch_refusal(struct watched *w, struct rng *r, uint32_t epoch)
{
	const struct cooldown before = w->c;
	int64_t asked = rng_below(r, 3) == 0
			    ? -1
			    : (int64_t)rng_below(r, 20 * (uint64_t)SECOND),
		most;
	bool lasts = w->now < before.until, held;

	held = cooldown_refused(&w->c, w->now, epoch, asked, rng_unit(r));
	w->back += w->c.until < before.until;
	w->twice += w->c.epoch - before.epoch > 1;
	if (w->c.epoch != before.epoch) {
		w->stale += epoch != before.epoch;
		w->cooldowns++;
		w->began = w->now;
		w->started = 0;
		w->until = before.until;
	} else
		w->stale += epoch == before.epoch || held != lasts;
	most = asked < 0 ? w->c.epoch != before.epoch ? 60 * SECOND : 0
			 : asked + (asked / 4 < SECOND ? asked / 4 : SECOND);
	if (held && asked >= 0 && w->now + asked > w->until)
		w->until = w->now + asked;
	w->shorter += w->c.until < w->until;
	w->longer += w->c.until > before.until && w->c.until > w->now + most;
}

static void
test_cooldowns(uint64_t seed, size_t events)
{
	struct watched w = {.now = MINUTE};
	uint32_t epochs[64];
	size_t n = 0, k;
	struct rng r;

	rng_seed(&r, seed);
	while (events-- > 0) {
		w.now += (int64_t)rng_below(&r, SECOND / 4);
		if (n < 64 && rng_below(&r, 2) == 0) {
			watch_start(&w, &r);
			epochs[n++] = w.c.epoch;
			continue;
		}
		if (n == 0)
			continue;
		k = (size_t)rng_below(&r, n);
		if (rng_below(&r, 20) == 0)
			watch_refusal(&w, &r, epochs[k]);
		else
			cooldown_answered(&w.c, epochs[k]);
		epochs[k] = epochs[--n];
	}
	holds(w.cooldowns > 100, seed, "there were %zu cooldowns", w.cooldowns);
	holds(w.inside == 0, seed, "nothing starts inside one");
	holds(w.stale + w.twice == 0, seed,
	    "each refusal of a call that was sent since begins one, no other does");
	holds(w.shorter + w.back == 0, seed, "the longest Retry-After wins");
	holds(w.longer == 0, seed, "and hardly more is waited than was asked for");
	holds(w.abrupt == 0, seed, "then calls start one by one");
	holds(w.fast > 0 && w.slow > 0, seed,
	    "at random times (%zu sooner, %zu later than on average)", w.fast,
	    w.slow);
}

/* Of any bytes: it opens some time, and is as good as another afterwards. */
static void
test_cooldown_bound(uint64_t seed)
{
	const int64_t now = 100 * MINUTE, year = 367 * 24 * 60 * MINUTE;
	size_t bad = 0, i, j;
	struct cooldown c;
	struct rng r;

	rng_seed(&r, seed);
	for (i = 0; i < many(100000); i++) {
		for (j = 0; j < sizeof(c) / 8; j++)
			((uint64_t *)(void *)&c)[j] = rng_next(&r) >>
						      rng_below(&r, 64);
		cooldown_bound(&c, now);
		bad += cooldown_opens(&c) > now + year || c.until > now + year ||
		       (c.resuming && c.next < c.until);
		(void)cooldown_refused(&c, now, c.epoch, SECOND, 0.5);
		bad += c.until < now + SECOND;
		cooldown_started(&c, c.next, 1, 0.5);
		bad += cooldown_opens(&c) != 0;
	}
	holds(bad == 0, seed, "a cooldown of any bytes can be used");
}

/* ---- meters ---- */

/*
 * A provider with a bucket that refills, which counts a request when it arrives,
 * and several processes that share what it tells.
 */
struct provider {
	double level, limit, per_us;
	int64_t at;
	uint64_t seen, refused;
};

/* What remains; -1: it is refused. */
static int64_t
arrive(struct provider *p, int64_t now)
{
	p->level += (double)(now - p->at) * p->per_us;
	p->level = p->level > p->limit ? p->limit : p->level;
	p->at = now;
	p->seen++;
	if (p->level < 1) {
		p->refused++;
		return -1;
	}
	p->level--;
	return (int64_t)p->level;
}

enum { PROCESSES = 4, SLOTS = 25, CALLS = PROCESSES * SLOTS };

/* Of one call, on its way and back. */
struct trip {
	size_t process;
	int64_t arrives, lands; /* arrives: -1 once it has */
	int64_t left;
	uint64_t others; /* sent by others when it was sent */
};

struct steering {
	struct provider p;
	struct bucket b;
	struct rng r;
	int64_t now, wakes[PROCESSES];
	uint64_t sent[PROCESSES];
	size_t flying[PROCESSES];
	struct trip trips[CALLS];
	size_t n;
};

static void
send_some(struct steering *s, size_t k)
{
	struct bucket_ask a = {k + 1, 0, 0, 10, SLOTS, true, 0.5};
	struct bucket_taken taken;
	int64_t opens;

	s->wakes[k] = INT64_MAX;
	while (s->flying[k] < SLOTS) {
		opens = bucket_take(&s->b, &a, s->now, &taken);
		if (opens > s->now) {
			s->wakes[k] = opens;
			return;
		}
		s->sent[k]++;
		s->flying[k]++;
		s->trips[s->n++] = (struct trip){k,
		    s->now + 500 + (int64_t)rng_below(&s->r, 20000), INT64_MAX, 0,
		    s->b.sent - s->sent[k]};
	}
}

static void
move_trip(struct steering *s, size_t i)
{
	struct trip t = s->trips[i];
	int64_t limit = (int64_t)s->p.limit;
	struct rates r = {{-1, -1, -1}, {-1, -1, -1}};
	size_t k = t.process;

	if (t.arrives >= 0) {
		s->trips[i].arrives = -1;
		s->trips[i].left = arrive(&s->p, s->now);
		s->trips[i].lands = s->now + 1000 +
				    (int64_t)rng_below(&s->r, 2 * SECOND);
		return;
	}
	s->trips[i] = s->trips[--s->n];
	s->flying[k]--;
	t.left = t.left < 0 ? 0 : t.left;
	r.requests = (struct rate){
	    limit, t.left, (int64_t)((double)(limit - t.left) / s->p.per_us)};
	bucket_tell(&s->b, s->now, &r,
	    (int64_t)(s->flying[k] + s->b.sent - s->sent[k] - t.others), 0);
	send_some(s, k);
}

static void
test_steering(uint64_t seed, uint64_t calls)
{
	struct steering *s = mem_zero(1, sizeof(*s));
	int64_t at, when;
	size_t next = 0, i;
	double rate;

	rng_seed(&s->r, seed);
	s->now = s->p.at = MINUTE;
	s->p.limit = s->p.level = 600;
	s->p.per_us = 600.0 / (double)MINUTE;
	for (i = 0; i < PROCESSES; i++)
		s->wakes[i] = s->now;
	while (s->p.seen < calls) {
		for (at = INT64_MAX, i = 0; i < PROCESSES + s->n; i++) {
			when = i < PROCESSES ? s->wakes[i]
			       : s->trips[i - PROCESSES].arrives >= 0
				   ? s->trips[i - PROCESSES].arrives
				   : s->trips[i - PROCESSES].lands;
			if (when < at) {
				at = when;
				next = i;
			}
		}
		s->now = at > s->now ? at : s->now;
		if (next < PROCESSES)
			send_some(s, next);
		else
			move_trip(s, next - PROCESSES);
	}
	rate = (double)s->p.seen / ((double)(s->now - MINUTE) / (double)MINUTE);
	holds(s->p.refused * 100 < s->p.seen, seed,
	    "four that share what a provider tells: %" PRIu64 " of %" PRIu64
	    " are refused",
	    s->p.refused, s->p.seen);
	holds(rate > 0.9 * s->p.limit, seed, "%.1f%% of the rate is used",
	    100 * rate / s->p.limit);
	free(s);
}

static void
test_meters(uint64_t seed, size_t n)
{
	size_t late = 0, closed = 0, unordered = 0;
	struct meter m = {.told = 0};
	int64_t now = MINUTE, cost, opens;
	struct rng r;

	rng_seed(&r, seed);
	while (n-- > 0) {
		now += (int64_t)rng_below(&r, SECOND);
		if (rng_below(&r, 3) == 0) {
			struct rate told = {(int64_t)rng_below(&r, 2000) - 1,
			    (int64_t)rng_below(&r, 2000) - 1,
			    (int64_t)rng_below(&r, 3 * MINUTE) - 1};
			meter_tell(&m, now, &told, (int64_t)rng_below(&r, 100));
		}
		cost = (int64_t)rng_below(&r, 3000);
		opens = meter_opens(&m, cost);
		late += opens > m.told + MINUTE;
		unordered += meter_opens(&m, cost + 1) < opens;
		if (rng_below(&r, 2) == 0)
			meter_take(&m, cost);
		/* Something is always let in within a minute of what was told. */
		closed += meter_opens(&m, 1) > m.told + MINUTE;
	}
	holds(late + closed == 0, seed,
	    "a meter holds nobody back for more than a minute");
	holds(unordered == 0, seed, "and lets in less before more");
}

static void
test_meter_bound(uint64_t seed)
{
	const int64_t now = 100 * MINUTE;
	size_t bad = 0, i, j;
	struct meter m;
	struct rng r;

	rng_seed(&r, seed);
	for (i = 0; i < many(100000); i++) {
		for (j = 0; j < sizeof(m) / 8; j++)
			((uint64_t *)(void *)&m)[j] = rng_next(&r) >>
						      rng_below(&r, 64);
		meter_bound(&m, now);
		bad += meter_opens(&m, 5) > now + MINUTE + SECOND;
		meter_take(&m, QUOTA_LIMIT_MAX);
		bad += meter_opens(&m, 5) > now + MINUTE + SECOND;
	}
	holds(bad == 0, seed, "a meter of any bytes can be used");
}

/* ---- how many in flight ---- */

static void
test_adapt(uint64_t seed, size_t n)
{
	unsigned most = 1 + (unsigned)(seed * 7919 % 300), before, kept = 0;
	size_t outside = 0, wrong = 0, stale = 0;
	uint32_t stamps[64], heard = 0, round;
	struct adapt a;
	struct rng r;

	rng_seed(&r, seed);
	adapt_init(&a, (unsigned)rng_below(&r, 400), most);
	for (size_t i = 0; i < 64; i++)
		stamps[i] = adapt_stamp(&a);
	while (n-- > 0) {
		uint32_t *stamp = &stamps[rng_below(&r, 64)];

		before = adapt_limit(&a);
		round = adapt_stamp(&a);
		switch (rng_below(&r, 8)) {
		case 0:
			adapt_full(&a);
			wrong += adapt_limit(&a) != before;
			break;
		case 1:
			if (rng_below(&r, 500) != 0)
				break;
			adapt_refused(&a, *stamp);
			if (*stamp < heard)
				stale += adapt_limit(&a) != before;
			else {
				kept = before / 2 < 1 ? 1 : before / 2;
				wrong += adapt_limit(&a) != kept;
				heard = adapt_stamp(&a);
			}
			break;
		case 2:
		case 3:
			*stamp = adapt_stamp(&a);
			break;
		default:
			adapt_answered(&a, *stamp,
			    (int64_t)rng_below(&r, 1000) * (1 + before / 16));
			/* A call of another round says nothing. */
			stale += *stamp != round && adapt_limit(&a) != before;
			wrong += adapt_limit(&a) > 2 * before + 1;
			break;
		}
		outside += adapt_limit(&a) < 1 || adapt_limit(&a) > most ||
			   adapt_found(&a) > most;
	}
	holds(outside == 0, seed, "adapt: from 1 to %u, whatever comes", most);
	holds(stale == 0, seed, "what is no news changes nothing");
	holds(wrong == 0, seed,
	    "a refusal halves it, and nothing more than doubles it");
}

/* ---- retries ---- */

static const char *const codes[] = {"", "insufficient_quota", "rate_limit_exceeded",
    "content_filter", "invalid_api_key", "429", "insufficient_quota "};
static const char *const shoulds[] = {"", "true", "false", "maybe"};

static bool
is_right(const struct retry_facts *f, const struct retry_ruling *r, bool gone)
{
	bool money = f->outcome == RETRY_GOT_STATUS &&
		     (f->status == 402 || (f->status == 429 && gone));
	bool want = span_eq(f->should_retry, SPAN("true")),
	     not = span_eq(f->should_retry, SPAN("false"));

	if ((r->verdict == RETRY_ANSWER) != (f->outcome == RETRY_GOT_ANSWER) ||
	    (*r->class == '\0') != (r->verdict == RETRY_ANSWER))
		return false;
	if (r->free && f->outcome != RETRY_REFUSED &&
	    (f->status != 429 || f->outcome != RETRY_GOT_STATUS))
		return false;
	if (money)
		return r->verdict == RETRY_STOP;
	if (f->outcome == RETRY_GOT_STATUS || f->outcome == RETRY_GOT_RUBBISH) {
		if (want)
			return r->verdict == RETRY_AGAIN;
		if (not )
			return r->verdict != RETRY_AGAIN;
	}
	if (f->outcome == RETRY_GOT_STATUS && f->status >= 500)
		return r->verdict == RETRY_AGAIN;
	if (r->verdict == RETRY_STOP)
		return f->outcome == RETRY_MISCONFIGURED || f->status == 401 ||
		       f->status == 403;
	return true;
}

static void
test_rules(void)
{
	size_t wrong = 0, n = 0;

	for (int outcome = RETRY_GOT_ANSWER; outcome <= RETRY_MISCONFIGURED;
	     outcome++)
		for (int status = 100; status < 600; status++)
			for (size_t code = 0; code < 7; code++)
				for (size_t should = 0; should < 4; should++) {
					struct retry_facts f = {
					    (enum retry_outcome)outcome, status,
					    span_str(codes[code]), SPAN_NONE,
					    span_str(shoulds[should])};
					struct retry_ruling r = retry_rule(&f);
					wrong += !is_right(&f, &r, code == 1);
					n++;
				}
	ok(wrong == 0, "%zu of %zu rulings are as they should be", n - wrong, n);
}

static void
test_delays(uint64_t seed)
{
	size_t outside = 0;
	int64_t most, us, asked;
	double sum = 0;
	struct rng r;

	rng_seed(&r, seed);
	for (size_t i = 0; i < many(1000000); i++) {
		unsigned failures = (unsigned)rng_below(&r, 40);

		most = failures < 7 ? (SECOND / 2) << failures : MINUTE;
		most = most > MINUTE ? MINUTE : most;
		us = retry_backoff_us(failures, rng_unit(&r));
		outside += us < 0 || us >= most;
		sum += (double)us / (double)most;
		asked = (int64_t)(rng_next(&r) >> (20 + rng_below(&r, 40)));
		us = retry_spread_us(asked, rng_unit(&r));
		outside += us < asked || us > asked + SECOND ||
			   us > asked + asked / 4 + 1;
	}
	sum /= (double)many(1000000);
	holds(outside == 0, seed,
	    "a delay is never too long, nor what was asked cut");
	holds(sum > 0.49 && sum < 0.51, seed, "and evenly spread (%.3f on average)",
	    sum);
}

/* A time as a date, by way of the calendar's rules. */
struct date {
	int64_t year;
	int month, day, weekday, hour, minute, second;
};

static struct date
date_of(int64_t t)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	struct date d = {.year = 1970, .month = 1};
	int64_t day = t / 86400, rest = t % 86400, n;
	bool leap;

	d.weekday = (int)((day + 4) % 7);
	for (;; d.year++, day -= n) {
		leap = d.year % 4 == 0 && (d.year % 100 != 0 || d.year % 400 == 0);
		n = 365 + leap;
		if (day < n)
			break;
	}
	for (;; d.month++, day -= n) {
		n = days[d.month - 1] + (d.month == 2 && leap);
		if (day < n)
			break;
	}
	d.day = (int)day + 1;
	d.hour = (int)(rest / 3600);
	d.minute = (int)(rest / 60 % 60);
	d.second = (int)(rest % 60);
	return d;
}

static const char *const weekdays[] = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static void
test_dates(uint64_t seed, size_t n)
{
	size_t wrong = 0;
	char text[100];
	int64_t t, got, us;
	struct rng r;

	rng_seed(&r, seed);
	for (size_t i = 0; i < n; i++) {
		t = (int64_t)rng_below(&r, INT64_C(253402300800)); /* to 9999 */
		struct date d = date_of(t);
		const char *day = weekdays[d.weekday], *month = months[d.month - 1];

		snprintf(text, sizeof(text),
		    "%.3s, %02d %s %04d %02d:%02d:%02d GMT", day, d.day, month,
		    (int)d.year, d.hour, d.minute, d.second);
		wrong += !retry_http_date(span_str(text), &got) || got != t;
		wrong += !retry_asked_us(SPAN_NONE, span_str(text),
			     (t - 5) * 1000 + 250, &us) ||
			 us != 4750000;
		snprintf(text, sizeof(text), "%.3s %s %2d %02d:%02d:%02d %04d", day,
		    month, d.day, d.hour, d.minute, d.second, (int)d.year);
		wrong += !retry_http_date(span_str(text), &got) || got != t;
		snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.125Z",
		    (int)d.year, d.month, d.day, d.hour, d.minute, d.second);
		wrong += !retry_rfc3339(span_str(text), &got) ||
			 got != t * 1000 + 125;
		if (d.year >= 2070 || d.year < 1970)
			continue;
		snprintf(text, sizeof(text), "%s, %02d-%s-%02d %02d:%02d:%02d GMT",
		    day, d.day, month, (int)(d.year % 100), d.hour, d.minute,
		    d.second);
		wrong += !retry_http_date(span_str(text), &got) || got != t;
	}
	holds(wrong == 0, seed, "dates are read as they were written");
}

/* Anything may stand in a header. */
static void
test_asked(uint64_t seed, size_t n)
{
	static const char letters[] = "0123456789.-+eE, :TZGMnoivdecfab";
	size_t outside = 0, understood = 0;
	char text[40];
	int64_t us;
	struct rng r;

	rng_seed(&r, seed);
	while (n-- > 0) {
		size_t len = (size_t)rng_below(&r, 12);
		struct span s = span_of(text, len);

		for (size_t i = 0; i < len; i++)
			text[i] = letters[rng_below(&r, sizeof(letters) - 1)];
		us = 0;
		if (rng_below(&r, 2) == 0 ? retry_asked_us(s, SPAN_NONE, 5000, &us)
					  : retry_asked_us(SPAN_NONE, s, 5000, &us))
			understood++;
		outside += us < 0 || us > INT64_C(31536000000000);
	}
	holds(outside == 0 && understood > 100, seed,
	    "whatever a server asks for is a wait of up to a year (%zu understood)",
	    understood);
}

int
main(void)
{
	for (size_t i = 0; i < many(3); i++) {
		test_cooldowns(seed_of(i), 400000);
		test_meters(seed_of(i), 300000);
		test_steering(seed_of(i), 20000);
	}
	for (size_t i = 0; i < many(10); i++)
		test_adapt(seed_of(i), 100000);
	test_cooldown_bound(seed_of(0));
	test_meter_bound(seed_of(0));
	test_rules();
	test_delays(seed_of(0));
	test_dates(seed_of(0), many(50000));
	test_asked(seed_of(0), many(200000));
	return done();
}
