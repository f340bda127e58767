/* cooldown: counts arrivals inside and after what was announced. */
#include "cooldown.h"

#include "base/mem.h"

#include <stdlib.h>

void
cooldown_announce(struct cooldown *c, int64_t wait_us, int64_t now_us)
{
	if (now_us >= c->until) {
		c->began = now_us;
		c->count++;
		c->n = 0;
	}
	if (now_us + wait_us > c->until)
		c->until = now_us + wait_us;
}

static void
grow(struct cooldown *c)
{
	size_t cap = c->cap == 0 ? 1024 : 2 * c->cap;
	int64_t *ring = mem_zero(cap, sizeof(*ring));

	for (size_t i = 0; i < c->n; i++)
		ring[i] = c->recent[(c->first + i) % c->cap];
	free(c->recent);
	c->recent = ring;
	c->cap = cap;
	c->first = 0;
}

static void
count_after(struct cooldown *c, int64_t now_us)
{
	while (c->n > 0 && c->recent[c->first] <= now_us - COOLDOWN_SLICE_US) {
		c->first = (c->first + 1) % c->cap;
		c->n--;
	}
	if (c->n == c->cap)
		grow(c);
	c->recent[(c->first + c->n++) % c->cap] = now_us;
	if (c->n > c->peak_after)
		c->peak_after = c->n;
}

void
cooldown_arrival(struct cooldown *c, int64_t now_us)
{
	if (c->until == 0)
		return;
	if (now_us < c->until)
		c->arrivals += now_us - c->began >= COOLDOWN_GRACE_US;
	else if (now_us - c->until < COOLDOWN_AFTER_US)
		count_after(c, now_us);
}

void
cooldown_release(struct cooldown *c)
{
	free(c->recent);
	*c = (struct cooldown){.recent = NULL};
}
