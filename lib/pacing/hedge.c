#include "pacing/hedge.h"

void
hedge_init(struct hedge *h, double part)
{
	uint64_t least = (uint64_t)(1 / (1 - part) + 0.5);

	*h = (struct hedge){.part = part,
	    .least = least < HEDGE_LEAST ? HEDGE_LEAST : least,
	    .credit = HEDGE_SAVED};
}

static void
add_credit(struct hedge *h, double credit)
{
	h->credit += credit;
	if (h->credit > HEDGE_SAVED)
		h->credit = HEDGE_SAVED;
}

void
hedge_sent(struct hedge *h)
{
	add_credit(h, HEDGE_TIMES * (1 - h->part));
}

void
hedge_answered(struct hedge *h, int64_t micros)
{
	histogram_add(&h->latency, micros > 0 ? (uint64_t)micros : 0);
}

void
hedge_doubled(struct hedge *h)
{
	h->credit--;
}

void
hedge_spared(struct hedge *h)
{
	add_credit(h, 1);
}

/* One answer more moves it little, and finding it is a walk through all slots. */
static void
find_limit(struct hedge *h)
{
	if (h->known > 0 && h->latency.count <= h->known + h->known / 32)
		return;
	h->known = h->latency.count;
	h->limit = histogram_quantile(&h->latency, h->part);
}

int64_t
hedge_due(struct hedge *h, int64_t sent)
{
	if (h->latency.count < h->least || h->credit < 1)
		return HEDGE_NEVER;
	find_limit(h);
	return sent + (int64_t)h->limit;
}
