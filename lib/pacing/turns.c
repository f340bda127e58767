#include "pacing/turns.h"

#include <string.h>

struct turn *
turns_find(struct turns *t, uint64_t who)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->turn[i].who == who)
			return &t->turn[i];
	return NULL;
}

static void
remove_at(struct turns *t, size_t i)
{
	t->n--;
	memmove(&t->turn[i], &t->turn[i + 1], (t->n - i) * sizeof(*t->turn));
}

static void
drop_late(struct turns *t, int64_t now, int64_t late)
{
	size_t i = 0;

	while (i < t->n)
		if (t->turn[i].due + late < now)
			remove_at(t, i);
		else
			i++;
}

void
turns_drop_gone(struct turns *t, int64_t now)
{
	drop_late(t, now, TURNS_GONE_US);
}

/* Limits: 0 is none, and more than any. */
static bool
is_lower(int64_t a, int64_t b)
{
	return a != 0 && (b == 0 || a < b);
}

bool
turns_blocks(const struct turn *one, int64_t rpm, int64_t tpm, int64_t now)
{
	if (one->due + TURNS_GRACE_US < now)
		return false;
	return one->held <= now ||
	       (!is_lower(one->rpm, rpm) && !is_lower(one->tpm, tpm));
}

struct turn *
turns_before(struct turns *t, uint64_t who, int64_t rpm, int64_t tpm, int64_t now)
{
	struct turn *last = NULL, *one;

	for (one = t->turn; one < t->turn + t->n && one->who != who; one++)
		if (turns_blocks(one, rpm, tpm, now))
			last = one;
	return last;
}

struct turn *
turns_add(struct turns *t, uint64_t who, int64_t now)
{
	if (t->n == TURNS_MOST)
		drop_late(t, now, TURNS_GRACE_US);
	if (t->n == TURNS_MOST)
		return NULL;
	t->turn[t->n] = (struct turn){.who = who};
	return &t->turn[t->n++];
}

void
turns_remove(struct turns *t, uint64_t who)
{
	struct turn *one = turns_find(t, who);

	if (one != NULL)
		remove_at(t, (size_t)(one - t->turn));
}

struct turn *
turns_requeue(struct turns *t, uint64_t who, int64_t now)
{
	turns_remove(t, who);
	return turns_add(t, who, now);
}

uint64_t
turns_slots(const struct turns *t, uint64_t who)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->turn[i].who != who)
			sum += t->turn[i].slots;
	return sum;
}

static bool
is_sound(const struct turn *one, int64_t now)
{
	return one->who != 0 && one->due >= 0 &&
	       one->due <= now + TURNS_LOOK_US + TURNS_GRACE_US &&
	       one->began >= 0 && one->began <= now + TURNS_LOOK_US &&
	       one->held >= 0 && one->rpm >= 0 && one->tpm >= 0 &&
	       one->tokens >= 0 && one->slots <= TURNS_SLOTS_MOST &&
	       one->passed <= TURNS_PASSES;
}

void
turns_bound(struct turns *t, int64_t now)
{
	size_t i = 0;

	if (t->n > TURNS_MOST)
		t->n = 0;
	while (i < t->n)
		if (!is_sound(&t->turn[i], now))
			remove_at(t, i);
		else
			i++;
}
