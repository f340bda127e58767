#include "pick.h"

#include "base/mem.h"
#include "base/msg.h"
#include "dialects/dialect.h"
#include "io/clock.h"
#include "io/hash.h"
#include "io/num.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { PREFIX_LEAST = 4, CANDIDATES = 10 };

/* ---- options ---- */

void
pick_init(struct pick *p)
{
	*p = (struct pick){.dir = change_default_ledger(),
	    .since = INT64_MIN,
	    .until = INT64_MAX,
	    .status = -1};
}

/* Digits of a fixed count at *s, which moves on; -1 if they are not there. */
static int
digits(const char **s, int count)
{
	int v = 0;

	for (; count > 0; count--, (*s)++) {
		if (**s < '0' || **s > '9')
			return -1;
		v = v * 10 + (**s - '0');
	}
	return v;
}

/* What RFC 3339 (5.6) has after a date: a time, and Z or an offset. */
static bool
time_of_day(const char *s, int64_t *seconds)
{
	int h, m, sec = 0, oh, om, sign;

	if (*s == '\0')
		return true;
	if (*s != 'T' && *s != 't' && *s != ' ')
		return false;
	s++;
	if ((h = digits(&s, 2)) < 0 || h > 23 || *s++ != ':' ||
	    (m = digits(&s, 2)) < 0 || m > 59)
		return false;
	if (*s == ':') {
		s++;
		if ((sec = digits(&s, 2)) < 0 || sec > 60)
			return false;
	}
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9';)
			s++;
	*seconds += h * 3600 + m * 60 + sec;
	if (*s == '\0' || ((*s == 'Z' || *s == 'z') && s[1] == '\0'))
		return true;
	if (*s != '+' && *s != '-')
		return false;
	sign = *s++ == '+' ? -1 : 1;
	if ((oh = digits(&s, 2)) < 0 || *s++ != ':' || (om = digits(&s, 2)) < 0 ||
	    *s != '\0')
		return false;
	*seconds += sign * (oh * 3600 + om * 60);
	return true;
}

/* A date or a time of RFC 3339, UTC where it names no offset, or an age. */
static int64_t
when(const struct cli *cli)
{
	const char *s = cli->arg;
	struct tm tm = {.tm_isdst = 0};
	int64_t age, seconds;
	int y, m, d;

	y = digits(&s, 4);
	if (y >= 0 && *s++ == '-' && (m = digits(&s, 2)) >= 1 && m <= 12 &&
	    *s++ == '-' && (d = digits(&s, 2)) >= 1 && d <= 31) {
		tm.tm_year = y - 1900;
		tm.tm_mon = m - 1;
		tm.tm_mday = d;
		seconds = (int64_t)timegm(&tm);
		if (time_of_day(s, &seconds))
			return seconds * 1000;
	} else if (num_duration(span_str(cli->arg), &age) == 0)
		return clock_wall_ms() - age / 1000;
	cli_usage(cli,
	    "%s takes a date as 2026-11-20, a time as 2026-11-20T18:00:00Z, or an "
	    "age "
	    "as 24h or 7d, not '%s'",
	    cli->name, cli->arg);
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
		p->since = when(cli);
		return true;
	case PICK_UNTIL:
		p->until = when(cli);
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
		size_t n = strlen(key);

		if (n < PREFIX_LEAST || n > 2 * LEDGER_KEY_SIZE ||
		    strspn(key, "0123456789abcdef") != n)
			cli_usage(cli,
			    "a key is 32 hexadecimal digits, or the first few, %d "
			    "at "
			    "least: not '%s'",
			    PREFIX_LEAST, key);
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

/* ---- records heard of once ---- */

/* A survey of a segment that somebody writes to may tell a record twice. */
struct heard {
	uint64_t *slots; /* 0 is free */
	size_t size, n;
};

static bool
heard_add(struct heard *h, uint64_t mark)
{
	size_t i;

	mark += mark == 0;
	if (h->n >= h->size / 2) {
		struct heard more = {.size = h->size == 0 ? 1024 : 2 * h->size};

		more.slots = mem_zero(more.size, sizeof(*more.slots));
		for (i = 0; i < h->size; i++)
			if (h->slots[i] != 0)
				heard_add(&more, h->slots[i]);
		free(h->slots);
		*h = more;
	}
	for (i = mark & (h->size - 1); h->slots[i] != 0;
	     i = (i + 1) & (h->size - 1))
		if (h->slots[i] == mark)
			return false;
	h->slots[i] = mark;
	h->n++;
	return true;
}

/* ---- the walk ---- */

struct walk {
	struct pick *pick;
	pick_fn *fn;
	void *arg;
	struct heard heard;
	struct ledger *ledger; /* to tell what is current */
	struct entry members;
	struct buf scratch, response;
	/* By prefix: the key that it stands for, once one was met. */
	unsigned char (*keys)[LEDGER_KEY_SIZE];
	bool *met;
	unsigned char other[CANDIDATES][LEDGER_KEY_SIZE];
	size_t nother;
	int ambiguous; /* prefix + 1 */
};

static void
note_candidate(struct walk *w, const unsigned char *key)
{
	for (size_t i = 0; i < w->nother; i++)
		if (memcmp(w->other[i], key, LEDGER_KEY_SIZE) == 0)
			return;
	if (w->nother < CANDIDATES)
		memcpy(w->other[w->nother++], key, LEDGER_KEY_SIZE);
}

static bool
takes_key(struct walk *w, const unsigned char *key)
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
is_current(struct walk *w, const struct record_head *h)
{
	struct ledger_record now;
	struct err e = ERR_INIT;

	return h->status == LEDGER_OK &&
	       ledger_get(w->ledger, h->key, &now, &e) == 1 && now.time == h->time;
}

static bool
ends_in(struct span response, const char *reason)
{
	struct span v = response.p == NULL ? SPAN_NONE
					   : json_get(response, "finish_reason");

	return v.p != NULL && json_is(v, reason);
}

static int
on_line(void *arg, const struct survey_line *l)
{
	struct walk *w = arg;
	const struct pick *p = w->pick;
	struct dialect_answer answer;
	struct ledger_record rec;
	struct picked picked = {l->line, &rec, SPAN_NONE};
	struct err e = ERR_INIT;

	if (!takes_key(w, l->head.key) || l->head.time < p->since ||
	    l->head.time >= p->until ||
	    (p->status >= 0 && (int)l->head.status != p->status) ||
	    !heard_add(&w->heard, record_mark(l->line, &l->head)) ||
	    record_parse(l->line, &l->head, &w->members, &rec, &w->scratch, &e) !=
		0 ||
	    (p->model != NULL && !span_eq(rec.model, span_str(p->model))) ||
	    (p->current && !is_current(w, &l->head)))
		return 0;
	buf_clear(&w->response);
	if (rec.status == LEDGER_OK && rec.response.p != NULL &&
	    dialect_openai_chat.answer(
		&w->response, rec.response, rec.model, &answer, &e) == 0)
		picked.response = buf_span(&w->response);
	if (p->finish == NULL || ends_in(picked.response, p->finish))
		w->fn(w->arg, &picked);
	return 0;
}

static void
walk_segment(struct walk *w, struct survey *s, const char *name)
{
	struct pick *p = w->pick;
	const struct survey_found *f;
	struct err e = ERR_INIT;

	if (survey_take(s, name, SURVEY_FREE, &e) != 1 ||
	    survey_read(s, on_line, w, &e) != 0)
		msg_die(STATUS_CANNOT, "%s", e.text);
	f = survey_found(s);
	p->segments++;
	p->bytes += f->size;
	p->tail_bytes += f->tail_size;
	p->tails += f->has_tail;
	p->text += f->text;
	if (survey_damages(s) > 0) {
		p->damages += survey_damages(s);
		msg_warn("%s/%s: damaged: see bf-ledger verify", p->dir, name);
	}
	survey_drop(s);
}

static void
check_keys(const struct walk *w)
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

static void
walk_all(struct walk *w, struct survey *s)
{
	char *const *names;
	size_t n = change_names(s, &names);

	for (size_t i = 0; i < n; i++)
		walk_segment(w, s, names[i]);
}

static void
nothing(void *arg, const struct picked *p)
{
	(void)arg;
	(void)p;
}

int
pick_walk(struct pick *p, pick_fn *fn, void *arg)
{
	struct ledger_options o = {.read_only = true};
	struct walk w = {
	    .pick = p, .fn = nothing, .arg = arg, .members = ENTRY_INIT};
	struct survey *s = change_open(p->dir);
	struct err e = ERR_INIT;
	struct pick counts = *p;

	w.keys = mem_zero((size_t)p->nprefixes + 1, sizeof(*w.keys));
	w.met = mem_zero((size_t)p->nprefixes + 1, sizeof(*w.met));
	if (p->current && (w.ledger = ledger_open(p->dir, &o, &e)) == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	/* An abbreviation is looked up before anything is said of what it stands
	 * for. */
	if (p->nprefixes > 0) {
		walk_all(&w, s);
		check_keys(&w);
		*p = counts;
		free(w.heard.slots);
		w.heard = (struct heard){NULL, 0, 0};
	}
	w.fn = fn;
	walk_all(&w, s);
	ledger_close(w.ledger, &e);
	entry_release(&w.members);
	buf_release(&w.scratch);
	buf_release(&w.response);
	free(w.heard.slots);
	free(w.keys);
	free(w.met);
	survey_close(s);
	return p->damages > 0 ? STATUS_SOME_FAILED : STATUS_OK;
}
