#include "pacing/cooldown.h"

#include "pacing/retry.h"

#define PAUSE_BASE_US ((int64_t)1000000)
#define PAUSE_MOST_US ((int64_t)60000000)
#define STEP_MOST_US  ((int64_t)1000000)
#define YEAR_US       ((int64_t)366 * 86400 * 1000000)

int64_t
cooldown_opens(const struct cooldown *c)
{
	return c->resuming ? c->next : 0;
}

void
cooldown_started(struct cooldown *c, int64_t now, uint64_t slots, double unit)
{
	if (!c->resuming)
		return;
	c->begun++;
	if (c->begun >= slots || c->step == 0) {
		c->resuming = false;
		return;
	}
	c->next = now +
		  (int64_t)((double)c->step / (double)c->begun * (0.5 + unit));
}

static int64_t
pause_us(unsigned level, int64_t asked_us, double unit)
{
	int64_t most = PAUSE_MOST_US;

	if (asked_us >= 0)
		return retry_spread_us(asked_us, unit);
	if (level < 6)
		most = PAUSE_BASE_US << level;
	return most - (int64_t)(unit * (double)(most / 2));
}

static void
prolong(struct cooldown *c, int64_t now, int64_t pause)
{
	if (now + pause < c->until)
		return;
	c->until = c->next = now + pause;
	c->step = pause / 4 < STEP_MOST_US ? pause / 4 : STEP_MOST_US;
}

bool
cooldown_refused(
    struct cooldown *c, int64_t now, uint32_t epoch, int64_t asked_us, double unit)
{
	if (epoch == c->epoch) {
		c->epoch++;
		c->begun = 0;
		c->resuming = true;
		prolong(c, now, pause_us(c->level, asked_us, unit));
		c->level++;
		return true;
	}
	if (now >= c->until)
		return false;
	if (asked_us >= 0)
		prolong(c, now, pause_us(c->level, asked_us, unit));
	return true;
}

void
cooldown_answered(struct cooldown *c, uint32_t epoch)
{
	if (epoch == c->epoch)
		c->level = 0;
}

static int64_t
between(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

void
cooldown_bound(struct cooldown *c, int64_t now)
{
	c->until = between(c->until, 0, now + YEAR_US);
	c->step = between(c->step, 0, STEP_MOST_US);
	/* The widest gap after the end is one and a half steps. */
	c->next = between(c->next, c->until, now + YEAR_US);
	if (c->next > c->until && c->next > now + 2 * STEP_MOST_US)
		c->next = between(c->until, now, now + YEAR_US);
	if (c->begun > UINT32_MAX)
		c->begun = UINT32_MAX;
}
