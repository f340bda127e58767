#include "pacing/bucket.h"

#define SOON_US INT64_C(1000) /* what a timer can tell apart */
#define LATE_US INT64_C(5000) /* one that is so late may be gone */

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- when ---- */

/* From when on its own limits let it go, whoever else waits. */
static int64_t
own_opens(struct bucket *b, const struct bucket_ask *a, int64_t now)
{
	return later(quota_opens(&b->requests, a->rpm, now, 1),
	    quota_opens(&b->tokens, a->tpm, now, a->tokens));
}

/* From when on the provider would take it. */
static int64_t
common_opens(const struct bucket *b, const struct bucket_ask *a)
{
	int64_t told = later(meter_opens(&b->more_requests, 1),
	    meter_opens(&b->more_tokens, a->tokens));

	return later(cooldown_opens(&b->cooldown), told);
}

/* About how long after one call another can follow. */
static int64_t
gap_after(const struct bucket *b, const struct bucket_ask *a, int64_t tokens)
{
	int64_t gap = SOON_US;

	if (a->rpm != 0)
		gap = later(gap, QUOTA_WINDOW_US / a->rpm);
	if (a->tpm != 0)
		gap = later(gap, tokens >= a->tpm
				     ? QUOTA_WINDOW_US
				     : tokens * QUOTA_WINDOW_US / a->tpm);
	if (b->cooldown.resuming)
		gap = later(
		    gap, b->cooldown.step / (int64_t)(b->cooldown.begun + 1));
	return gap;
}

/* ---- taken ---- */

static void
spend(struct bucket *b, const struct bucket_ask *a, int64_t now,
    struct bucket_taken *taken)
{
	taken->epoch = b->cooldown.epoch;
	taken->tokens = a->tokens;
	taken->then = quota_take(&b->requests, now, 1);
	quota_take(&b->tokens, now, a->tokens);
	meter_take(&b->more_requests, 1);
	meter_take(&b->more_tokens, a->tokens);
	cooldown_started(
	    &b->cooldown, now, a->slots + turns_slots(&b->turns, a->who), a->unit);
	b->sent++;
	b->sent_tokens += (uint64_t)a->tokens;
}

/* It goes on as long as something is there, or makes room for the next. */
static void
go_on(struct bucket *b, struct turn *mine, const struct bucket_ask *a, int64_t now)
{
	if (mine == NULL)
		return;
	if (!a->more) {
		turns_remove(&b->turns, a->who);
		return;
	}
	if (mine->began == 0)
		mine->began = now;
	mine->due = now;
	mine->held = 0;
}

/* ---- not yet ---- */

/*
 * It is open, but others are to go first. They may be passed while they are
 * asleep: but not one that needs so much that it would never be let in so.
 */
static bool
pass(struct bucket *b, const struct bucket_ask *a, int64_t now)
{
	struct turns *t = &b->turns;
	struct turn *one, *end = turns_find(t, a->who);

	if (end == NULL)
		end = t->turn + t->n;
	for (one = t->turn; one < end; one++)
		if (turns_blocks(one, a->rpm, a->tpm, now) &&
		    (one->due <= now + SOON_US || one->passed == TURNS_PASSES ||
			quota_opens(&b->requests, one->rpm, now, 1) > now ||
			quota_opens(&b->tokens, one->tpm, now, one->tokens) > now))
			return false;
	for (one = t->turn; one < end; one++)
		one->passed += one->passed < TURNS_PASSES;
	return true;
}

/* A place in the queue, with a promise to look again. */
static int64_t
wait_for(struct bucket *b, struct turn *mine, const struct bucket_ask *a,
    int64_t now, int64_t own, int64_t opens, const struct turn *before)
{
	int64_t due = opens, look = SOON_US;

	if (before != NULL) {
		if (now - before->due > LATE_US)
			look = LATE_US;
		due = later(later(due, now + look),
		    before->due + gap_after(b, a, before->tokens));
	}
	due = sooner(due, now + TURNS_LOOK_US);
	if (mine == NULL)
		mine = turns_add(&b->turns, a->who, now);
	if (mine == NULL)
		return due; /* those that wait are more than can be told apart */
	mine->due = due;
	mine->held = later(own, 0);
	mine->rpm = a->rpm;
	mine->tpm = a->tpm;
	mine->tokens = a->tokens;
	mine->slots = a->slots < TURNS_SLOTS_MOST ? a->slots : TURNS_SLOTS_MOST;
	return due;
}

int64_t
bucket_take(struct bucket *b, const struct bucket_ask *a, int64_t now,
    struct bucket_taken *taken)
{
	int64_t own = own_opens(b, a, now), opens;
	struct turn *before, *mine;

	if (own == QUOTA_NEVER)
		return own;
	opens = later(own, common_opens(b, a));
	turns_drop_gone(&b->turns, now);
	mine = turns_find(&b->turns, a->who);
	if (mine != NULL && mine->began != 0 &&
	    (opens > now || now - mine->began > TURNS_LONG_US))
		mine = turns_requeue(&b->turns, a->who, now);
	before = turns_before(&b->turns, a->who, a->rpm, a->tpm, now);
	if (opens > now || (before != NULL && !pass(b, a, now)))
		return wait_for(b, mine, a, now, own, opens, before);
	spend(b, a, now, taken);
	go_on(b, mine, a, now);
	return opens;
}

void
bucket_give_back(struct bucket *b, const struct bucket_taken *taken)
{
	quota_correct(&b->requests, taken->then, 1, 0);
	quota_correct(&b->tokens, taken->then, taken->tokens, 0);
	meter_take(&b->more_requests, -1);
	meter_take(&b->more_tokens, -taken->tokens);
	b->sent--;
	b->sent_tokens -= (uint64_t)taken->tokens;
}

void
bucket_leave(struct bucket *b, uint64_t who)
{
	turns_remove(&b->turns, who);
}

/* ---- afterwards ---- */

void
bucket_answered(struct bucket *b, const struct bucket_taken *taken, int64_t tokens)
{
	cooldown_answered(&b->cooldown, taken->epoch);
	if (tokens >= 0)
		quota_correct(&b->tokens, taken->then, taken->tokens, tokens);
}

bool
bucket_refused(struct bucket *b, const struct bucket_taken *taken, int64_t now,
    int64_t asked_us, double unit)
{
	return cooldown_refused(&b->cooldown, now, taken->epoch, asked_us, unit);
}

void
bucket_tell(struct bucket *b, int64_t now, const struct rates *r, int64_t requests,
    int64_t tokens)
{
	meter_tell(&b->more_requests, now, &r->requests, requests);
	meter_tell(&b->more_tokens, now, &r->tokens, tokens);
}

bool
bucket_counts_tokens(const struct bucket *b, int64_t now)
{
	return b->more_tokens.told != 0 || quota_is_limited(&b->tokens, now);
}

int64_t
bucket_matters_until(const struct bucket *b, int64_t now)
{
	/* A window is as long as a meter holds anybody back. */
	return later(
	    now + 2 * QUOTA_WINDOW_US, later(b->cooldown.until, b->cooldown.next));
}

size_t
bucket_size(const struct bucket *b)
{
	return offsetof(struct bucket, turns.turn) +
	       (size_t)b->turns.n * sizeof(*b->turns.turn);
}

void
bucket_bound(struct bucket *b, int64_t now)
{
	quota_bound(&b->requests, now);
	quota_bound(&b->tokens, now);
	meter_bound(&b->more_requests, now);
	meter_bound(&b->more_tokens, now);
	cooldown_bound(&b->cooldown, now);
	turns_bound(&b->turns, now);
}
