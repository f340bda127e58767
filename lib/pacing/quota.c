#include "pacing/quota.h"

enum { AT_ONCE = 60, SLOTS = QUOTA_SLOTS + 1 };

void
quota_init(struct quota *q, int64_t limit, int64_t window_us)
{
	*q = (struct quota){.limit = limit, .window = window_us};
}

static int64_t
slot_at(const struct quota *q, int64_t t)
{
	return t / (q->window / QUOTA_SLOTS);
}

/* How long spending this takes, evenly; rounded up. */
static int64_t
span_of_cost(const struct quota *q, int64_t cost)
{
	return (cost * q->window + q->limit - 1) / q->limit;
}

/* Empties the slots that have left the window. */
static void
advance(struct quota *q, int64_t now)
{
	int64_t n = slot_at(q, now), *slot;

	if (n - q->newest > SLOTS)
		q->newest = n - SLOTS;
	while (q->newest < n) {
		slot = &q->slots[++q->newest % SLOTS];
		q->sum -= *slot;
		*slot = 0;
	}
}

/* When enough of what was spent has left the window. */
static int64_t
window_opens(const struct quota *q, int64_t cost)
{
	int64_t sum = q->sum, n;

	for (n = q->newest - QUOTA_SLOTS; n <= q->newest; n++) {
		if (sum + cost <= q->limit)
			break;
		if (n >= 0)
			sum -= q->slots[n % SLOTS];
	}
	/* The last slot to leave is n - 1. */
	return (n + QUOTA_SLOTS) * (q->window / QUOTA_SLOTS);
}

int64_t
quota_opens(struct quota *q, int64_t now, int64_t cost)
{
	int64_t even, opens;

	if (q->limit == 0)
		return 0;
	if (cost > q->limit)
		return QUOTA_NEVER;
	advance(q, now);
	even = q->even - q->window / AT_ONCE;
	if (q->sum + cost <= q->limit)
		return even;
	opens = window_opens(q, cost);
	return opens > even ? opens : even;
}

void
quota_take(struct quota *q, int64_t now, int64_t cost)
{
	if (q->limit == 0)
		return;
	advance(q, now);
	q->slots[q->newest % SLOTS] += cost;
	q->sum += cost;
	if (q->even < now)
		q->even = now;
	q->even += span_of_cost(q, cost);
}

void
quota_correct(struct quota *q, int64_t then, int64_t cost, int64_t real)
{
	int64_t n = slot_at(q, then), more = real - cost;

	if (q->limit == 0)
		return;
	if (real > q->limit)
		more = q->limit - cost;
	if (n >= q->newest - QUOTA_SLOTS && n <= q->newest) {
		q->slots[n % SLOTS] += more;
		q->sum += more;
	}
	q->even += more >= 0 ? span_of_cost(q, more) : -span_of_cost(q, -more);
}
