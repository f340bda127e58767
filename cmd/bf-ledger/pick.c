#include "pick.h"

#include "base/mem.h"
#include "base/msg.h"
#include "dialects/dialect.h"
#include "filter.h"
#include "io/hash.h"
#include "io/hashset.h"
#include "ledger/walk.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { CANDIDATES = 10 };

/* ---- options ---- */

void
pick_init(struct pick *p)
{
	*p = (struct pick){.dir = ledger_default(),
	    .since = INT64_MIN,
	    .until = INT64_MAX,
	    .status = -1};
}

static int
record_status(const struct cli *cli)
{
	static const char *const names[] = {"ok", "error", "forget", "batch"};

	for (int i = 0; i < 4; i++)
		if (strcmp(cli->arg, names[i]) == 0)
			return i;
	cli_usage(
	    cli, "--status takes ok, error, forget or batch, not '%s'", cli->arg);
}

bool
pick_option(struct pick *p, const struct cli *cli, int key)
{
	switch (key) {
	case 'l':
		p->dir = cli->arg;
		return true;
	case PICK_SINCE:
		p->since = filter_time(cli);
		return true;
	case PICK_UNTIL:
		p->until = filter_time(cli);
		return true;
	case PICK_MODEL:
		p->model = cli->arg;
		return true;
	case PICK_STATUS:
		p->status = record_status(cli);
		return true;
	case PICK_FINISH:
		p->finish = cli->arg;
		return true;
	case PICK_CURRENT:
		p->current = true;
		return true;
	default:
		return false;
	}
}

void
pick_keys(struct pick *p, const struct cli *cli)
{
	for (int i = 0; i < cli->noperands; i++) {
		const char *key = cli->operands[i];

		if (!filter_is_key(key))
			cli_usage(cli,
			    "a key is 32 hexadecimal digits, or the first few, 4 "
			    "at least: not '%s'",
			    key);
	}
	p->prefixes = cli->operands;
	p->nprefixes = cli->noperands;
}

void
pick_add_time(struct buf *out, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	buf_addf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* ---- the walk ---- */

struct picking {
	struct pick *pick;
	pick_fn *fn;
	void *arg;
	struct hashset heard;  /* marks of records */
	bool several;          /* segments */
	bool looking;          /* only for what keys stand for */
	struct ledger *ledger; /* to tell what is current */
	struct buf scratch, response;
	/* By prefix: the key that it stands for, once one was met. */
	unsigned char (*keys)[LEDGER_KEY_SIZE];
	bool *met;
	unsigned char other[CANDIDATES][LEDGER_KEY_SIZE];
	size_t nother;
	int ambiguous; /* prefix + 1 */
};

static void
note_candidate(struct picking *w, const unsigned char *key)
{
	for (size_t i = 0; i < w->nother; i++)
		if (memcmp(w->other[i], key, LEDGER_KEY_SIZE) == 0)
			return;
	if (w->nother < CANDIDATES)
		memcpy(w->other[w->nother++], key, LEDGER_KEY_SIZE);
}

static bool
takes_key(struct picking *w, const unsigned char *key)
{
	char hex[2 * LEDGER_KEY_SIZE];
	bool taken = w->pick->nprefixes == 0;

	hash_hex(key, LEDGER_KEY_SIZE, hex);
	for (int i = 0; i < w->pick->nprefixes; i++) {
		const char *prefix = w->pick->prefixes[i];

		if (memcmp(hex, prefix, strlen(prefix)) != 0)
			continue;
		if (w->met[i] && memcmp(w->keys[i], key, LEDGER_KEY_SIZE) != 0) {
			w->ambiguous = i + 1;
			note_candidate(w, w->keys[i]);
			note_candidate(w, key);
		}
		w->met[i] = true;
		memcpy(w->keys[i], key, LEDGER_KEY_SIZE);
		taken = true;
	}
	return taken;
}

static bool
is_current(struct picking *w, const struct ledger_record *rec)
{
	struct ledger_record now;
	struct err e = ERR_INIT;

	return rec->status == LEDGER_OK &&
	       ledger_get(w->ledger, rec->key, &now, &e) == 1 &&
	       now.time == rec->time && span_eq(now.response, rec->response);
}

static bool
ends_in(struct span response, const char *reason)
{
	struct span v = response.p == NULL ? SPAN_NONE
					   : json_get(response, "finish_reason");

	return v.p != NULL && json_is(v, reason);
}

/* One segment may be a copy of another, or of a part of it. */
static bool
is_first(struct picking *w, const struct survey_line *l)
{
	uint64_t mark = record_mark(l->line, &l->head);

	return hashset_add(&w->heard, &mark);
}

/* Whether what needs no parsing speaks for it. */
static bool
may_be_meant(struct picking *w, const struct survey_line *l)
{
	const struct pick *p = w->pick;

	return takes_key(w, l->head.key) && l->head.time >= p->since &&
	       l->head.time < p->until &&
	       (p->status < 0 || (int)l->head.status == p->status) &&
	       (!w->several || is_first(w, l));
}

static int
on_line(void *arg, const struct survey_line *l)
{
	struct picking *w = arg;
	struct pick *p = w->pick;
	struct dialect_answer answer;
	struct ledger_record rec;
	struct picked picked = {l->line, &rec, SPAN_NONE};
	struct err e = ERR_INIT;

	if (!may_be_meant(w, l))
		return 0;
	if (record_check(l->line, &e) != 0) {
		msg_warn(
		    "%s: byte %" PRIu64 ": left out: %s", p->dir, l->frame, e.text);
		p->damages++;
		return 0;
	}
	record_parse(l->line, &l->head, &rec, &w->scratch);
	if ((p->model != NULL && !span_eq(rec.model, span_str(p->model))) ||
	    (p->current && !is_current(w, &rec)))
		return 0;
	buf_clear(&w->response);
	if (rec.status == LEDGER_OK && rec.response.p != NULL &&
	    dialect_of_answer(rec.response)
		    ->answer(&w->response, rec.response, rec.model, &answer, &e) ==
		0)
		picked.response = buf_span(&w->response);
	if (p->finish == NULL || ends_in(picked.response, p->finish))
		w->fn(w->arg, &picked);
	return 0;
}

static void
on_segment(void *arg, const struct survey *s)
{
	const struct survey_found *f = survey_found(s);
	struct picking *w = arg;
	struct pick *p = w->pick;

	p->segments++;
	p->bytes += f->size;
	p->tail_bytes += f->tail_size;
	p->tails += f->has_tail;
	p->text += f->text;
	if (survey_damages(s) > 0) {
		p->damages += survey_damages(s);
		if (!w->looking)
			msg_warn("%s/%s: damaged: see bf-ledger verify",
			    survey_path(s), survey_name(s));
	}
}

static void
on_stranger(void *arg, const char *text)
{
	const struct picking *w = arg;

	if (!w->looking)
		msg_warn("%s", text);
}

static void
check_keys(const struct picking *w)
{
	struct buf list = BUF_INIT;
	char hex[2 * LEDGER_KEY_SIZE];

	for (int i = 0; i < w->pick->nprefixes; i++)
		if (!w->met[i])
			msg_die(STATUS_CANNOT,
			    "%s: no record has a key that begins with %s",
			    w->pick->dir, w->pick->prefixes[i]);
	if (w->ambiguous == 0)
		return;
	for (size_t i = 0; i < w->nother; i++) {
		hash_hex(w->other[i], LEDGER_KEY_SIZE, hex);
		buf_addf(&list, " %.*s", (int)sizeof(hex), hex);
	}
	msg_die(STATUS_CANNOT, "%s stands for several keys, give more digits:%s%s",
	    w->pick->prefixes[w->ambiguous - 1], buf_cstr(&list),
	    w->nother == CANDIDATES ? " ..." : "");
}

static bool
has_several(const char *dir)
{
	struct err e = ERR_INIT;
	struct survey *s = survey_open(dir, NULL, NULL, &e);
	char *const *names;
	size_t n = 0;

	if (s == NULL)
		return false; /* the walk will tell */
	if (survey_names(s, &names, &n, &e) != 0)
		n = 0;
	survey_close(s);
	return n > 1;
}

static void
walk_all(struct picking *w)
{
	struct walk walk = {.record = on_line,
	    .segment = on_segment,
	    .stranger = on_stranger,
	    .arg = w};
	struct err e = ERR_INIT;

	if (walk_ledger(w->pick->dir, &walk, &e) != 0)
		msg_die(STATUS_CANNOT, "%s", e.text);
}

static void
nothing(void *arg, const struct picked *p)
{
	(void)arg;
	(void)p;
}

/* An abbreviation is looked up before anything is said of what it stands for. */
static void
look_up_keys(struct picking *w)
{
	struct pick counts = *w->pick;

	w->looking = true;
	walk_all(w);
	w->looking = false;
	check_keys(w);
	*w->pick = counts;
	hashset_clear(&w->heard);
}

int
pick_walk(struct pick *p, pick_fn *fn, void *arg)
{
	struct ledger_options o = {.read_only = true};
	struct picking w = {.pick = p,
	    .fn = nothing,
	    .arg = arg,
	    .heard = HASHSET_INIT(sizeof(uint64_t))};
	struct err e = ERR_INIT;

	w.keys = mem_zero((size_t)p->nprefixes + 1, sizeof(*w.keys));
	w.met = mem_zero((size_t)p->nprefixes + 1, sizeof(*w.met));
	w.several = has_several(p->dir);
	if (p->current && (w.ledger = ledger_open(p->dir, &o, &e)) == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	if (p->nprefixes > 0)
		look_up_keys(&w);
	w.fn = fn;
	walk_all(&w);
	ledger_close(w.ledger, &e);
	buf_release(&w.scratch);
	buf_release(&w.response);
	hashset_release(&w.heard);
	free(w.keys);
	free(w.met);
	return p->damages > 0 ? STATUS_SOME_FAILED : STATUS_OK;
}
