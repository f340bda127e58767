/*
 * Prompt prefixes that several requests share: with --warm-prefix one call with
 * each goes first, so that the provider has the prefix in its cache for the rest.
 *
 * A prefix is led by a call, behind which the others with it are held, until
 * that is answered or has had its time; then it is warm.  Where it is neither it
 * is not known.
 */
#include "engine/private.h"

#include "base/mem.h"
#include "io/clock.h"
#include "io/hash.h"

#include <stdlib.h>

enum {
	PREFIX_LEAST = 4096,  /* bytes; what is shorter is in no provider's cache */
	PREFIXES_MOST = 4096, /* that are warm */
	BUCKETS = 1024,
	LEAD_MOST = 60000000, /* microseconds from when the leader was first sent */
};

struct prefix {
	struct prefix *same_bucket;
	unsigned char hash[REQUEST_KEY_SIZE];
	struct engine *en;
	struct call *leader; /* NULL: it is warm */
	struct call_list held;
	struct loop_timer timer;
};

/* ---- which they are ---- */

/* All messages but the last. */
static struct span
before_last(struct span messages)
{
	struct json_iter it = json_iter(messages);
	struct json_member m, last = {.value = messages};

	while (json_next(&it, &m))
		last = m;
	return span_of(messages.p, (size_t)(last.value.p - messages.p));
}

/*
 * Tools and all messages but the last where they are long enough, else so many
 * bytes of tools and messages.  false: it is shorter than that.
 */
static bool
hash_prefix(const struct call *c, unsigned char *hash)
{
	static const struct span names[] = {
	    SPAN_INIT("tools"), SPAN_INIT("messages")};
	struct span in[2], part;
	struct blake2b b;

	json_pick(buf_span(&c->body), names, in, 2);
	part = before_last(in[1]);
	if (in[0].n + part.n < PREFIX_LEAST) {
		if (in[0].n + in[1].n < PREFIX_LEAST)
			return false;
		part = span_of(in[1].p, PREFIX_LEAST - in[0].n);
	}
	blake2b_init(&b, REQUEST_KEY_SIZE);
	blake2b_update(&b, c->provider->name, strlen(c->provider->name) + 1);
	blake2b_update(&b, c->model.data, c->model.len);
	blake2b_update(&b, "", 1);
	blake2b_update(&b, in[0].p, in[0].n);
	blake2b_update(&b, "", 1);
	blake2b_update(&b, part.p, part.n);
	blake2b_final(&b, hash);
	return true;
}

static struct prefix **
bucket_of(struct engine *en, const unsigned char *hash)
{
	uint64_t h; /* of a hash any bytes will do */

	if (en->prefixes == NULL)
		en->prefixes = mem_zero(BUCKETS, sizeof *en->prefixes);
	memcpy(&h, hash, sizeof h);
	return &en->prefixes[h % BUCKETS];
}

static struct prefix *
find(struct engine *en, const unsigned char *hash)
{
	struct prefix *p = *bucket_of(en, hash);

	while (p != NULL && memcmp(p->hash, hash, sizeof p->hash) != 0)
		p = p->same_bucket;
	return p;
}

static void
forget(struct prefix *p)
{
	struct prefix **at = bucket_of(p->en, p->hash);

	while (*at != p)
		at = &(*at)->same_bucket;
	*at = p->same_bucket;
	loop_timer_clear(p->en->loop, &p->timer);
	free(p);
}

/* ---- led ---- */

static void on_time_up(void *arg);

static void
lead(struct engine *en, struct call *c, const unsigned char *hash)
{
	struct prefix *p = mem_zero(1, sizeof *p), **bucket = bucket_of(en, hash);

	memcpy(p->hash, hash, sizeof p->hash);
	p->en = en;
	p->timer.fn = on_time_up;
	p->timer.arg = p;
	p->same_bucket = *bucket;
	*bucket = p;
	p->leader = c;
	c->prefix = p;
}

static void
hold(struct prefix *p, struct call *c)
{
	c->prefix = p;
	c->place = CALL_HELD;
	call_list_add(&p->held, c);
	p->en->nheld++;
}

/* The first of those that are held, which is so no longer. */
static struct call *
unhold(struct prefix *p)
{
	struct call *c = p->held.first;

	call_list_take(&p->held, c);
	p->en->nheld--;
	return c;
}

/* What was warm so long ago is begun anew. */
static void
limit_warm(struct engine *en)
{
	struct prefix *p, *next;
	size_t i;

	if (++en->nwarm <= PREFIXES_MOST)
		return;
	en->nwarm = 0;
	for (i = 0; i < BUCKETS; i++)
		for (p = en->prefixes[i]; p != NULL; p = next) {
			next = p->same_bucket;
			if (p->leader == NULL)
				forget(p);
		}
}

/* From here on all with it may be sent. */
static void
make_warm(struct prefix *p)
{
	struct call *c;

	loop_timer_clear(p->en->loop, &p->timer);
	p->leader->prefix = NULL;
	p->leader = NULL;
	while (p->held.first != NULL) {
		c = unhold(p);
		c->prefix = NULL;
		calls_ready(c);
	}
	limit_warm(p->en);
}

static void
on_time_up(void *arg)
{
	make_warm(arg);
}

/* ---- what happens to calls ---- */

void
warm_add(struct engine *en, struct call *c)
{
	unsigned char hash[REQUEST_KEY_SIZE];
	struct prefix *p = NULL;

	if (en->o->warm_prefix && hash_prefix(c, hash)) {
		p = find(en, hash);
		if (p == NULL)
			lead(en, c, hash);
	}
	if (p != NULL && p->leader != NULL)
		hold(p, c);
	else
		calls_ready(c);
}

void
warm_started(struct engine *en, struct call *c)
{
	struct prefix *p = c->prefix;

	if (p != NULL && p->timer.slot == 0)
		loop_timer_set(en->loop, &p->timer, clock_mono_us() + LEAD_MOST);
}

void
warm_ended(struct call *c, bool answered)
{
	struct prefix *p = c->prefix;

	if (p == NULL)
		return;
	if (p->leader != c) {
		call_list_take(&p->held, c);
		p->en->nheld--;
	} else if (answered) {
		make_warm(p);
	} else if (p->held.first != NULL) {
		p->leader = unhold(p);
		calls_ready(p->leader);
	} else {
		forget(p);
	}
	c->prefix = NULL;
}

void
warm_drop(struct engine *en)
{
	struct prefix *p;
	size_t i;

	for (i = 0; i < BUCKETS && en->nheld > 0; i++)
		for (p = en->prefixes[i]; p != NULL; p = p->same_bucket)
			while (p->held.first != NULL)
				calls_end(en, p->held.first, NULL);
}

void
warm_close(struct engine *en)
{
	size_t i;

	for (i = 0; i < BUCKETS && en->prefixes != NULL; i++)
		while (en->prefixes[i] != NULL)
			forget(en->prefixes[i]);
	free(en->prefixes);
}
