#include "pacing/budget.h"

#include "base/mem.h"
#include "io/clock.h"
#include "io/hash.h"
#include "io/rng.h"
#include "io/secret.h"
#include "pacing/budget_file.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STUCK_US INT64_C(100000)  /* a lock is held for a millionth part of this */
#define LOOK_US  INT64_C(1000000) /* at the name */

enum { SPINS = 100, YIELDS = 110, OPENINGS_MOST = 20 };

struct budget {
	uint64_t who;
	char name[33];
	bool alone;
	bool unsafe;
	struct err why;
	struct budget_map map;
	uint64_t
	    word; /* of the file, as the copy has it; with HELD: ours to change */
	bool current; /* the copy is what the file has for word */
	int64_t looked;
	int64_t now;
	bool taken; /* the lock is had; what begin and end touch a map for */
	struct bucket copy;
};

/* ---- made and ended ---- */

static void
hash_part(struct blake2b *h, struct span part)
{
	uint64_t n = part.n;

	blake2b_update(h, &n, sizeof(n));
	blake2b_update(h, part.p, part.n);
}

struct budget *
budget_new(const char *url, const char *key, struct span model)
{
	struct budget *b = mem_zero(1, sizeof(*b));
	unsigned char hash[16];
	struct blake2b h;

	blake2b_init(&h, sizeof(hash));
	hash_part(&h, SPAN("bf-budget"));
	hash_part(&h, span_str(url));
	hash_part(&h, key == NULL ? SPAN_NONE : span_str(key));
	hash_part(&h, model);
	blake2b_final(&h, hash);
	secret_wipe(&h, sizeof(h));
	hash_hex(hash, sizeof(hash), b->name);
	while (b->who == 0)
		b->who = rng_entropy();
	return b;
}

void
budget_free(struct budget *b)
{
	int64_t now;

	if (b == NULL)
		return;
	if (turns_find(&b->copy.turns, b->who) != NULL)
		do
			bucket_leave(budget_begin(b, &now), b->who);
		while (!budget_end(b));
	budget_file_close(&b->map);
	free(b);
}

uint64_t
budget_who(const struct budget *b)
{
	return b->who;
}

const struct bucket *
budget_seen(const struct budget *b)
{
	return &b->copy;
}

enum budget_trouble
budget_trouble(const struct budget *b, struct err *e)
{
	if (!b->alone)
		return BUDGET_SHARED;
	*e = b->why;
	return b->unsafe ? BUDGET_UNSAFE : BUDGET_ALONE;
}

/* From here on it is this process's own. */
static void
keep_alone(struct budget *b)
{
	b->alone = true;
	budget_file_close(&b->map);
}

static void
open_map(struct budget *b)
{
	budget_file_close(&b->map);
	b->current = false;
	if (budget_file_open(&b->map, b->name, &b->copy, &b->unsafe, &b->why) != 0)
		keep_alone(b);
	b->looked = clock_mono_us();
}

/* ---- the lock ---- */

/* Takes the lock if it is free. */
static void
try_lock(void *arg)
{
	struct budget *b = arg;
	_Atomic uint64_t *word = &b->map.file->head.word;
	uint64_t seen = atomic_load_explicit(word, memory_order_relaxed);

	b->taken = (seen & (BUDGET_HELD | BUDGET_CLOSED)) == 0 &&
		   atomic_compare_exchange_strong_explicit(word, &seen,
		       seen | BUDGET_HELD, memory_order_acquire,
		       memory_order_relaxed);
	if ((seen & ~BUDGET_HELD) != b->word)
		b->current = false;
	b->word = b->taken ? seen | BUDGET_HELD : seen;
}

/* Somebody had the lock all the time, and is gone or stopped. */
static void
close_stuck(void *arg)
{
	struct budget *b = arg;
	uint64_t seen = b->word;

	b->taken = atomic_compare_exchange_strong(
	    &b->map.file->head.word, &seen, seen | BUDGET_CLOSED);
}

static void
read_half(void *arg)
{
	struct budget *b = arg;
	const struct bucket *half = &b->map.file->half[BUDGET_HALF(b->word)];

	memcpy(&b->copy, half, offsetof(struct bucket, turns.turn));
	if (b->copy.turns.n > TURNS_MOST)
		b->copy.turns.n = 0;
	memcpy(b->copy.turns.turn, half->turns.turn,
	    (size_t)b->copy.turns.n * sizeof(*half->turns.turn));
}

static void
write_half(void *arg)
{
	struct budget *b = arg;
	struct budget_file *f = b->map.file;
	uint64_t held = b->word, next = (held & ~BUDGET_HELD) + BUDGET_STEP;

	next &= ~BUDGET_CLOSED;
	memcpy(&f->half[BUDGET_HALF(next)], &b->copy, bucket_size(&b->copy));
	atomic_store_explicit(&f->head.matters,
	    bucket_matters_until(&b->copy, b->now), memory_order_relaxed);
	b->taken = atomic_compare_exchange_strong_explicit(
	    &f->head.word, &held, next, memory_order_release, memory_order_relaxed);
	b->word = next;
}

/* A moment, longer from time to time. */
static void
pause_a_little(int tries)
{
	const struct timespec pause = {.tv_nsec = 50000};

	if (tries < SPINS)
		return;
	if (tries < YIELDS)
		sched_yield();
	else
		nanosleep(&pause, NULL);
}

/* Has the lock, or has found the file closed; false if it was cut off. */
static bool
take_lock(struct budget *b)
{
	uint64_t held = 0;
	int64_t since = 0;

	for (int i = 0;; i++) {
		if (!budget_file_touch(try_lock, b))
			return false;
		if (b->taken || (b->word & BUDGET_CLOSED) != 0)
			return true;
		if (b->word != held) {
			held = b->word;
			since = 0;
			i = 0;
		}
		pause_a_little(i);
		if (i < YIELDS)
			continue;
		if (since == 0)
			since = clock_mono_us();
		if (clock_mono_us() - since < STUCK_US)
			continue;
		if (!budget_file_touch(close_stuck, b))
			return false;
	}
}

/* ---- begin and end ---- */

/* Whether the copy is what the file has, and the lock is had. */
static bool
begin_shared(struct budget *b)
{
	if (!take_lock(b) ||
	    (b->taken && !b->current && !budget_file_touch(read_half, b))) {
		err_set(&b->why, "the file of its budget was cut off");
		keep_alone(b);
		return false;
	}
	if (!b->taken)
		return false;
	b->now = clock_mono_us();
	if (!b->current)
		bucket_bound(&b->copy, b->now);
	b->current = true;
	return true;
}

struct bucket *
budget_begin(struct budget *b, int64_t *now)
{
	int openings = 0;

	b->now = clock_mono_us();
	while (!b->alone) {
		if (b->map.file == NULL || (b->word & BUDGET_CLOSED) != 0 ||
		    (b->now - b->looked >= LOOK_US &&
			!budget_file_is_there(&b->map))) {
			if (openings++ == OPENINGS_MOST) {
				err_set(&b->why, "the file of its budget is "
						 "closed again and again");
				keep_alone(b);
				break;
			}
			open_map(b);
			b->word = 0;
			continue;
		}
		if (b->now - b->looked >= LOOK_US)
			b->looked = b->now;
		if (begin_shared(b))
			break;
	}
	*now = b->now;
	return &b->copy;
}

bool
budget_end(struct budget *b)
{
	if (b->alone)
		return true;
	if (!budget_file_touch(write_half, b)) {
		err_set(&b->why, "the file of its budget was cut off");
		keep_alone(b);
		return true; /* the copy has it */
	}
	b->current = b->taken;
	return b->taken;
}
