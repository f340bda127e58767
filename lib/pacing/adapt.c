#include "pacing/adapt.h"

#define CLIMB_GAIN 1.25 /* of doubling */
#define SHARE      0.5  /* of its proportional gain that more must bring */
#define SLOWER     1.5  /* than the base: less is tried */
#define NO_LOSS    0.95 /* of throughput, with less */
#define BASE_RISE  1.01 /* a round: the least latency is forgotten by and by */

enum { ROUND_LEAST = 16, PATIENCE_MOST = 64, CEILING_ROUNDS = 16 };

static void
begin_round(struct adapt *a, enum adapt_phase phase, unsigned limit)
{
	a->phase = phase;
	a->limit = limit < 1 ? 1 : limit > a->most ? a->most : limit;
	a->round++;
	a->full = false;
	a->answered = 0;
	a->latencies = 0;
}

void
adapt_init(struct adapt *a, unsigned found, unsigned most)
{
	*a = (struct adapt){.most = most < 1 ? 1 : most, .patience = 1};
	begin_round(a, found > 0 ? ADAPT_HOLDS : ADAPT_CLIMBS,
	    found > 0 ? found : ADAPT_START);
}

unsigned
adapt_limit(const struct adapt *a)
{
	return a->limit;
}

uint32_t
adapt_stamp(const struct adapt *a)
{
	return a->round;
}

void
adapt_full(struct adapt *a)
{
	if (a->full)
		return;
	begin_round(a, a->phase, a->limit);
	a->full = true;
}

static void
hold(struct adapt *a, unsigned limit)
{
	a->held = 0;
	begin_round(a, ADAPT_HOLDS, limit);
}

static void
keep(struct adapt *a, double rate)
{
	a->kept = a->limit;
	a->kept_rate = rate;
}

/* What was tried is no better: it is tried again later. */
static void
take_back(struct adapt *a)
{
	if (a->patience < PATIENCE_MOST)
		a->patience *= 2;
	hold(a, a->kept);
}

static void
try_something(struct adapt *a, double mean)
{
	unsigned more = a->limit + (a->limit + 3) / 4;
	unsigned below = a->ceiling - a->ceiling / 8;

	if (mean > SLOWER * a->base && a->limit > 1) {
		begin_round(a, ADAPT_TRIES_LESS, a->limit - (a->limit + 3) / 4);
		return;
	}
	if (a->ceiling != 0 && more >= a->ceiling) {
		if (a->limit < below && below < a->ceiling) {
			more = below;
		} else {
			/* Refused before: only after a long time once more. */
			if (a->held < CEILING_ROUNDS)
				return;
			a->ceiling = 0;
		}
	}
	if (a->limit < a->most)
		begin_round(a, ADAPT_TRIES_MORE, more);
}

static void
climb(struct adapt *a, double rate)
{
	if (a->kept != 0 && rate < CLIMB_GAIN * a->kept_rate) {
		hold(a, a->kept);
		return;
	}
	keep(a, rate);
	if (a->limit == a->most)
		hold(a, a->limit);
	else
		begin_round(a, ADAPT_CLIMBS, 2 * a->limit);
}

/* The limit that was tried stays where the rate with it is no less than that. */
static void
judge(struct adapt *a, double rate, double least)
{
	if (rate < least) {
		take_back(a);
		return;
	}
	a->patience = 1;
	keep(a, rate);
	hold(a, a->limit);
}

static void
end_round(struct adapt *a)
{
	double mean = a->latencies / a->answered, rate = a->limit / mean;
	double more;
	enum adapt_phase phase = a->phase;

	a->base = a->base == 0 || mean < a->base ? mean : a->base * BASE_RISE;
	switch (phase) {
	case ADAPT_CLIMBS:
		climb(a, rate);
		return;
	case ADAPT_TRIES_MORE:
		more = (double)a->limit / (double)a->kept - 1;
		judge(a, rate, a->kept_rate * (1 + SHARE * more));
		return;
	case ADAPT_TRIES_LESS:
		judge(a, rate, a->kept_rate * NO_LOSS);
		return;
	case ADAPT_HOLDS:
		break;
	}
	keep(a, rate);
	begin_round(a, ADAPT_HOLDS, a->limit);
	if (++a->held >= a->patience)
		try_something(a, mean);
}

void
adapt_answered(struct adapt *a, uint32_t stamp, int64_t micros)
{
	unsigned enough = 2 * a->limit > ROUND_LEAST ? 2 * a->limit : ROUND_LEAST;

	if (stamp != a->round || !a->full)
		return;
	a->latencies += micros > 0 ? (double)micros : 1;
	if (++a->answered >= enough)
		end_round(a);
}

void
adapt_refused(struct adapt *a, uint32_t stamp)
{
	if (stamp < a->heard)
		return;
	a->ceiling = a->limit;
	a->kept = a->limit / 2 < 1 ? 1 : a->limit / 2;
	a->kept_rate = 0;
	a->patience = 1;
	hold(a, a->kept);
	a->heard = a->round;
}

unsigned
adapt_found(const struct adapt *a)
{
	return a->kept;
}

bool
adapt_settled(const struct adapt *a)
{
	return a->kept != 0 && a->phase != ADAPT_CLIMBS;
}
