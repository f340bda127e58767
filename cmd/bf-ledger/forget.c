/* bf-ledger forget: withdraws answers, so that they are asked for again. */
#include "change.h"
#include "filter.h"
#include "subcommand.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/cli.h"
#include "io/hash.h"

#include <stdlib.h>

#define CANDIDATES 10   /* of an abbreviated key that are shown */
#define TURN       1000 /* records a commit */

enum {
	OPT_SINCE = CLI_FIRST,
	OPT_UNTIL,
	OPT_MODEL,
	OPT_FINISH_REASON,
	OPT_JQ,
	OPT_ALL,
	OPT_DRY_RUN,
};

static const struct cli_option options[] = {
    LEDGER_OPTION,
    {OPT_SINCE, "since", "TIME", "recorded at that time or later"},
    {OPT_UNTIL, "until", "TIME", "recorded before that time"},
    {OPT_MODEL, "model", "MODEL", "that this model was asked for"},
    {OPT_FINISH_REASON, "finish-reason", "REASON", "that ended so"},
    {OPT_JQ, "jq", "EXPR", "for whose record this expression of jq is true"},
    {OPT_ALL, "all", NULL, "all answers"},
    {OPT_DRY_RUN, "dry-run", NULL, "print their keys, and change nothing"},
    CLI_COMMON_BASIC,
    CLI_END,
};
static const struct cli_command command = {"bf-ledger forget",
    "[-l DIR] [--since TIME] [--until TIME] [--model MODEL] [--finish-reason "
    "REASON] [--jq EXPR] [--all] [--dry-run] [KEY...]",
    "withdraw answers, so that they are asked for again", options};

struct key {
	unsigned char bytes[LEDGER_KEY_SIZE];
};

struct keys {
	struct key *v;
	size_t n, cap;
};

struct work {
	struct ledger *ledger;
	struct filter filter;
	char **wanted;           /* keys as given */
	struct keys *candidates; /* for each of them */
	int nwanted;
	struct keys found;
	struct buf scratch;
	struct err *e;
};

static void
keys_add(struct keys *k, const unsigned char *key)
{
	if (k->n == k->cap) {
		k->cap = k->cap == 0 ? 16 : 2 * k->cap;
		k->v = mem_resize(k->v, k->cap, sizeof(*k->v));
	}
	memcpy(k->v[k->n++].bytes, key, LEDGER_KEY_SIZE);
}

static int
key_order(const void *a, const void *b)
{
	return memcmp(a, b, LEDGER_KEY_SIZE);
}

static void
keys_sort(struct keys *k)
{
	size_t kept = 0;

	if (k->n > 0)
		qsort(k->v, k->n, sizeof(*k->v), key_order);
	for (size_t i = 0; i < k->n; i++)
		if (kept == 0 || key_order(&k->v[i], &k->v[kept - 1]) != 0)
			k->v[kept++] = k->v[i];
	k->n = kept;
}

/* ---- finding ---- */

/* Whether this record is its key's answer, and not an older one. */
static bool
is_answer(struct work *w, const struct record_head *h)
{
	struct ledger_record rec;
	struct err e;

	return ledger_get(w->ledger, h->key, &rec, &e) == 1 && rec.time == h->time;
}

static bool
is_wanted(struct work *w, const struct record_head *h)
{
	bool is = w->nwanted == 0;

	for (int i = 0; i < w->nwanted; i++) {
		if (!filter_key_begins(h->key, w->wanted[i]) || !is_answer(w, h))
			continue;
		is = true;
		keys_add(&w->candidates[i], h->key);
	}
	return is;
}

static int
take_line(void *arg, const struct survey_line *l)
{
	struct work *w = arg;
	struct ledger_record rec;
	int rc;

	if (l->head.status != LEDGER_OK || l->head.time < w->filter.since ||
	    l->head.time >= w->filter.until || !is_wanted(w, &l->head))
		return 0;
	if (ledger_record_read(l->line, &rec, &w->scratch, w->e) != 0)
		return -1;
	rc = filter_matches(&w->filter, l->line, &rec, w->e);
	if (rc < 0) {
		char hex[2 * LEDGER_KEY_SIZE];
		hash_hex(l->head.key, LEDGER_KEY_SIZE, hex);
		return err_prefix(w->e, "record %.*s: --jq", (int)sizeof(hex), hex);
	}
	if (rc == 1 && is_answer(w, &l->head))
		keys_add(&w->found, l->head.key);
	return 0;
}

static void
find(struct work *w, const char *dir)
{
	struct survey *s = change_open(dir);
	char *const *names;
	size_t n = change_names(s, &names);

	for (size_t i = 0; i < n; i++)
		if (survey_take(s, names[i], SURVEY_FREE, w->e) != 1 ||
		    survey_read(s, take_line, w, w->e) != 0) {
			filter_release(&w->filter);
			msg_die(
			    STATUS_CANNOT, "%s; nothing is forgotten", w->e->text);
		}
	survey_close(s);
	keys_sort(&w->found);
}

static void
add_key(struct buf *out, const struct key *k)
{
	char *p = buf_room(out, 2 * LEDGER_KEY_SIZE);

	hash_hex(k->bytes, LEDGER_KEY_SIZE, p);
	out->len += 2 * LEDGER_KEY_SIZE;
}

/* Each key that was given is that of one answer. */
static void
check_wanted(struct work *w)
{
	for (int i = 0; i < w->nwanted; i++) {
		struct keys *c = &w->candidates[i];
		struct buf text = BUF_INIT;

		keys_sort(c);
		if (c->n == 0)
			msg_die(STATUS_CANNOT,
			    "no answer has the key %s; nothing is forgotten",
			    w->wanted[i]);
		for (size_t k = 0; k < c->n && k < CANDIDATES; k++) {
			buf_addc(&text, ' ');
			add_key(&text, &c->v[k]);
		}
		if (c->n > 1)
			msg_die(STATUS_CANNOT,
			    "%s begins %zu keys; nothing is forgotten:%s%s",
			    w->wanted[i], c->n, buf_cstr(&text),
			    c->n > CANDIDATES ? " ..." : "");
		buf_release(&text);
	}
}

/* ---- forgetting ---- */

static void
forget(struct work *w)
{
	struct ledger_record rec = {.status = LEDGER_FORGET};

	for (size_t i = 0; i < w->found.n; i++) {
		memcpy(rec.key, w->found.v[i].bytes, sizeof(rec.key));
		if (ledger_append(w->ledger, &rec, w->e) != 0 ||
		    ((i + 1) % TURN == 0 && ledger_commit(w->ledger, w->e) != 0))
			msg_die(STATUS_CANNOT, "%s", w->e->text);
	}
	if (ledger_commit(w->ledger, w->e) != 0)
		msg_die(STATUS_CANNOT, "%s", w->e->text);
}

static void
print_keys(const struct work *w)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < w->found.n; i++) {
		add_key(&out, &w->found.v[i]);
		buf_addc(&out, '\n');
	}
	change_put(&out);
	buf_release(&out);
}

static void
say(void *arg, const char *text)
{
	(void)arg;
	msg_warn("%s", text);
}

struct choice {
	const char *dir;
	bool all, dry_run;
};

static void
read_options(struct cli *cli, struct work *w, struct choice *c)
{
	int key;

	while ((key = cli_next(cli)) != CLI_DONE) {
		switch (key) {
		case 'l':
			c->dir = cli->arg;
			break;
		case OPT_SINCE:
			w->filter.since = filter_time(cli);
			break;
		case OPT_UNTIL:
			w->filter.until = filter_time(cli);
			break;
		case OPT_MODEL:
			w->filter.model = cli->arg;
			break;
		case OPT_FINISH_REASON:
			w->filter.finish_reason = cli->arg;
			break;
		case OPT_JQ:
			jq_close(w->filter.jq);
			w->filter.jq = jq_open(cli->arg, w->e);
			if (w->filter.jq == NULL)
				msg_die(STATUS_CANNOT, "--jq: %s", w->e->text);
			break;
		case OPT_ALL:
			c->all = true;
			break;
		case OPT_DRY_RUN:
			c->dry_run = true;
			break;
		}
	}
	w->wanted = cli->operands;
	w->nwanted = cli->noperands;
	for (int i = 0; i < w->nwanted; i++)
		if (!filter_is_key(w->wanted[i]))
			cli_usage(cli,
			    "'%s' is no key: 32 hexadecimal digits, or the first "
			    "of them, at least 4",
			    w->wanted[i]);
	if (w->nwanted == 0 && filter_is_empty(&w->filter) && !c->all)
		cli_usage(cli, "which answers? (--all for all of them)");
	if (c->all && (w->nwanted > 0 || !filter_is_empty(&w->filter)))
		cli_usage(cli, "--all takes no other choice beside it");
}

static void
work_release(struct work *w)
{
	for (int i = 0; i < w->nwanted; i++)
		free(w->candidates[i].v);
	free(w->candidates);
	free(w->found.v);
	filter_release(&w->filter);
	buf_release(&w->scratch);
}

int
ledger_forget(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct work w = {.e = &e};
	struct choice c = {.dir = ledger_default()};
	struct ledger_options o = {.report = say};
	struct buf out = BUF_INIT;
	struct cli cli;

	cli_start(&cli, &command, argc, argv);
	filter_init(&w.filter);
	read_options(&cli, &w, &c);
	w.candidates = mem_zero((size_t)w.nwanted + 1, sizeof(*w.candidates));
	survey_close(change_open(c.dir)); /* it is there, and is not made here */
	o.read_only = c.dry_run;
	w.ledger = ledger_open(c.dir, &o, &e);
	if (w.ledger == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	find(&w, c.dir);
	check_wanted(&w);
	if (c.dry_run)
		print_keys(&w);
	else
		forget(&w);
	if (ledger_close(w.ledger, &e) != 0)
		msg_die(STATUS_CANNOT, "%s", e.text);
	if (!c.dry_run) {
		buf_addf(&out, "%zu answer%s forgotten\n", w.found.n,
		    change_many(w.found.n));
		change_put(&out);
	}
	buf_release(&out);
	work_release(&w);
	return STATUS_OK;
}
