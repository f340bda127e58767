#include "pacing/quota.h"

#include <stddef.h>

#define AT_ONCE_US (QUOTA_WINDOW_US / 60)
#define SLOT_MOST  INT64_C(1000000000000000)

enum { SLOTS = QUOTA_SLOTS + 1 };

static int64_t
slot_at(int64_t t)
{
	return t / QUOTA_SLOT_US;
}

/* How long spending this takes, evenly; rounded up. */
static int64_t
span_of_cost(int64_t limit, int64_t cost)
{
	return cost >= limit ? QUOTA_WINDOW_US
			     : (cost * QUOTA_WINDOW_US + limit - 1) / limit;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Empties the slots that have left the window. */
static void
advance(struct quota *q, int64_t now)
{
	int64_t n = slot_at(now), *slot;

	if (n - q->newest > SLOTS)
		q->newest = n - SLOTS;
	while (q->newest < n) {
		slot = &q->slots[++q->newest % SLOTS];
		q->sum -= *slot;
		*slot = 0;
	}
}

/* What is owed for longer than a minute is forgotten, as the slots forget it. */
static int64_t
ahead_at_most(const struct quota *q, int64_t even)
{
	return least(even, (q->newest + 1) * QUOTA_SLOT_US + QUOTA_WINDOW_US);
}

/* ---- paces ---- */

/* How far it would be spent evenly, each slot's at its end. */
static int64_t
even_of_slots(const struct quota *q, int64_t limit)
{
	int64_t even = 0, n = q->newest - QUOTA_SLOTS, end;

	for (n = n < 0 ? 0 : n; n <= q->newest; n++) {
		if (q->slots[n % SLOTS] == 0)
			continue;
		end = (n + 1) * QUOTA_SLOT_US;
		even = (even < end ? end : even) +
		       span_of_cost(limit, q->slots[n % SLOTS]);
	}
	return ahead_at_most(q, even);
}

/* That of this limit, in the place of the one that was asked about least lately. */
static struct quota_pace *
pace_of(struct quota *q, int64_t limit, int64_t now)
{
	struct quota_pace *p = q->paces;
	size_t i;

	for (i = 0; i < QUOTA_PACES && q->paces[i].limit != limit; i++)
		if (q->paces[i].asked < p->asked)
			p = &q->paces[i];
	if (i < QUOTA_PACES)
		p = &q->paces[i];
	else
		*p = (struct quota_pace){limit, even_of_slots(q, limit), 0};
	p->asked = now;
	return p;
}

/* ---- asked and taken ---- */

/* When enough of what was spent has left the window. */
static int64_t
window_opens(const struct quota *q, int64_t limit, int64_t cost)
{
	int64_t sum = q->sum, n;

	for (n = q->newest - QUOTA_SLOTS; n <= q->newest; n++) {
		if (sum + cost <= limit)
			break;
		if (n >= 0)
			sum -= q->slots[n % SLOTS];
	}
	/* The last slot to leave is n - 1. */
	return (n + QUOTA_SLOTS) * QUOTA_SLOT_US;
}

int64_t
quota_opens(struct quota *q, int64_t limit, int64_t now, int64_t cost)
{
	int64_t even, opens;

	if (limit == 0)
		return 0;
	if (cost > limit)
		return QUOTA_NEVER;
	advance(q, now);
	even = pace_of(q, limit, now)->even - AT_ONCE_US;
	if (q->sum + cost <= limit)
		return even;
	opens = window_opens(q, limit, cost);
	return opens > even ? opens : even;
}

/* More, or less, was spent in a slot that is in the window. */
static void
spend(struct quota *q, int64_t n, int64_t more)
{
	int64_t *slot = &q->slots[n % SLOTS];

	if (more < -*slot)
		more = -*slot;
	more = least(more, SLOT_MOST - *slot);
	*slot += more;
	q->sum += more;
}

int64_t
quota_take(struct quota *q, int64_t now, int64_t cost)
{
	struct quota_pace *p;

	advance(q, now);
	spend(q, q->newest, cost);
	for (p = q->paces; p < q->paces + QUOTA_PACES; p++) {
		if (p->limit == 0)
			continue;
		if (p->even < now)
			p->even = now;
		p->even = ahead_at_most(q, p->even + span_of_cost(p->limit, cost));
	}
	return slot_at(now) < q->newest ? q->newest * QUOTA_SLOT_US : now;
}

void
quota_correct(struct quota *q, int64_t then, int64_t cost, int64_t real)
{
	int64_t n = slot_at(then), more = real - cost;
	struct quota_pace *p;

	if (n >= q->newest - QUOTA_SLOTS && n <= q->newest)
		spend(q, n, more);
	for (p = q->paces; p < q->paces + QUOTA_PACES; p++) {
		if (p->limit == 0)
			continue;
		p->even = more >= 0 ? p->even + span_of_cost(p->limit, more)
				    : p->even - span_of_cost(p->limit, -more);
		p->even = ahead_at_most(q, p->even < 0 ? 0 : p->even);
	}
}

bool
quota_is_limited(const struct quota *q, int64_t now)
{
	for (size_t i = 0; i < QUOTA_PACES; i++)
		if (q->paces[i].limit != 0 &&
		    now - q->paces[i].asked <= QUOTA_WINDOW_US)
			return true;
	return false;
}

void
quota_bound(struct quota *q, int64_t now)
{
	struct quota_pace *p;
	size_t i;

	if (q->newest < 0 || q->newest > slot_at(now) + 1)
		*q = (struct quota){.newest = 0};
	q->sum = 0;
	for (i = 0; i < SLOTS; i++) {
		if (q->slots[i] < 0)
			q->slots[i] = 0;
		q->slots[i] = least(q->slots[i], SLOT_MOST);
		q->sum += q->slots[i];
	}
	for (p = q->paces; p < q->paces + QUOTA_PACES; p++) {
		if (p->limit < 0 || p->limit > QUOTA_LIMIT_MAX || p->even < 0 ||
		    p->asked < 0)
			*p = (struct quota_pace){.limit = 0};
		p->asked = least(p->asked, now);
		p->even = ahead_at_most(q, p->even);
	}
}
