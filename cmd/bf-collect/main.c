/* bf-collect: children put together to their parents again. */
#include "base/mem.h"
#include "base/msg.h"
#include "collect.h"

#include <inttypes.h>
#include <stdlib.h>

enum { OPT_JOIN = CLI_FIRST, OPT_PARTIAL };

#define MEMORY  ((uint64_t)256 << 20)
#define NAMED   10   /* missing children in a message */
#define LISTED  1000 /* in the field "missing" */
#define MISSING "missing_children"

static const struct cli_option options[] = {
    {OPT_JOIN, "join", "SEP",
	"texts put together, SEP between, instead of an array"},
    {OPT_PARTIAL, "partial", NULL, "put out parents that lack children, too"},
    {'m', "memory", "SIZE", "more than this goes to a file (default 256M)"},
    {CLI_ERRORS, "errors", "FILE", "write failed entries to FILE"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-collect",
    "[--join SEP] [--partial] [-m SIZE] [--errors FILE] FIELD[,FIELD] [FILE...]",
    "children put together to their parents again", options};

struct collect {
	struct stage st;
	struct entry en;
	struct parents parents;
	struct maker maker;
	struct buf join;
	struct buf memory; /* the lines of a parent */
	bool partial;
	const char *errors;
};

/* ---- options ---- */

static void
set_join(struct collect *x, const struct cli *cli)
{
	const char *s = cli->arg;
	struct buf text = BUF_INIT;

	for (; *s != '\0'; s++) {
		if (*s != '\\')
			buf_addc(&text, *s);
		else if (*++s == 'n' || *s == 't' || *s == '\\')
			buf_addc(&text, *s == 'n' ? '\n' : *s == 't' ? '\t' : '\\');
		else
			cli_usage(cli, "%s %s: a backslash makes \\n, \\t or \\\\",
			    cli->name, cli->arg);
	}
	buf_clear(&x->join);
	json_escape(&x->join, buf_span(&text));
	x->maker.join = buf_span(&x->join);
	buf_release(&text);
}

/* The first operand, which is taken off. */
static void
take_fields(struct collect *x, struct cli *cli)
{
	struct columns *c = &x->maker.columns;
	struct err e = ERR_INIT;

	if (cli->noperands == 0)
		cli_usage(cli, "no FIELD: which one is to be gathered?");
	if (columns_parse(c, span_str(cli->operands[0]), &e) < 0)
		cli_usage(cli, "FIELD %s: %s", cli->operands[0], e.text);
	for (size_t i = 0; i < c->n; i++) {
		if (children_own(c->v[i].name))
			cli_usage(cli, "the field '%.*s' is the parent's own",
			    (int)c->v[i].name.n, c->v[i].name.p);
		if (span_eq(c->v[i].name, path_text(c->v[i].path)) &&
		    path_name(c->v[i].path).p == NULL)
			cli_usage(cli,
			    "FIELD %.*s: say NAME=%.*s for the field it goes to",
			    (int)c->v[i].name.n, c->v[i].name.p,
			    (int)c->v[i].name.n, c->v[i].name.p);
	}
	cli->operands++;
	cli->noperands--;
}

static void
read_options(struct collect *x, struct cli *cli)
{
	int key;

	while ((key = cli_next(cli)) != CLI_DONE)
		switch (key) {
		case OPT_JOIN:
			set_join(x, cli);
			break;
		case OPT_PARTIAL:
			x->partial = true;
			break;
		case 'm':
			x->parents.memory = cli_size(cli);
			break;
		case CLI_ERRORS:
			x->errors = cli->arg;
			break;
		}
	take_fields(x, cli);
	x->maker.max = (size_t)cli->max_line;
}

/* ---- parents ---- */

/* They are put out as they came, to be tried again with those that are missing. */
static void
fail_children(
    struct collect *x, const struct line *lines, size_t n, const char *why)
{
	struct json_fault f;

	stage_some_failed(&x->st);
	for (size_t i = 0; i < n && x->st.errors != NULL; i++) {
		entry_parse(&x->en, lines[i].text, &f);
		stage_fail(&x->st, &x->en, MISSING, "%s", why);
	}
}

/* As the field "missing": the first of those that are not there. */
static void
list_missing(const struct parent *p, struct buf *out)
{
	uint64_t left = p->count - p->have;

	buf_addc(out, '[');
	for (uint64_t i = p->in_order, n = 0; left > 0 && n < LISTED; i++)
		if (!parent_has(p, i)) {
			buf_addf(out, "%s%" PRIu64, n++ > 0 ? "," : "", i);
			left--;
		}
	buf_addc(out, ']');
}

/* For people: parent "a" lacks 2 of 5 children: 1, 3 */
static void
tell_missing(const struct parent *p, struct span id, struct buf *out)
{
	uint64_t left = p->count - p->have;

	buf_addf(out,
	    "parent %.*s lacks %" PRIu64 " of %" PRIu64 " children: ", (int)id.n,
	    id.p, left, p->count);
	for (uint64_t i = p->in_order, n = 0; left > 0 && n < NAMED; i++)
		if (!parent_has(p, i)) {
			buf_addf(out, "%s%" PRIu64, n++ > 0 ? ", " : "", i);
			left--;
		}
	if (left > 0)
		buf_addf(out, " and %" PRIu64 " more", left);
}

static void
emit_parent(
    struct collect *x, const struct line *lines, size_t n, struct span missing)
{
	struct err e = ERR_INIT;
	struct span id;

	if (maker_make(&x->maker, lines, n, missing, &e) == 0) {
		stage_emit(&x->st, &x->maker.base);
		return;
	}
	id = entry_get(&x->maker.base, "parent");
	msg_error("parent %.*s: %s", (int)id.n, id.p, e.text);
	fail_children(x, lines, n, e.text);
}

static void
put_out_partial(struct collect *x, const struct parent *p, const struct line *lines)
{
	struct err e = ERR_INIT;
	struct json_fault f;
	struct buf why = BUF_INIT, missing = BUF_INIT;
	struct child c;

	entry_parse(&x->en, lines[0].text, &f);
	if (child_read(&c, &x->en, &e) == 0)
		tell_missing(p, c.id, &why);
	msg_error("%s", buf_cstr(&why));
	if (x->partial) {
		list_missing(p, &missing);
		emit_parent(x, lines, (size_t)p->have, buf_span(&missing));
		fail_children(x, lines, 0, "");
	} else
		fail_children(x, lines, (size_t)p->have, buf_cstr(&why));
	buf_release(&why);
	buf_release(&missing);
}

/* Puts out a parent that has all its children, or never will. */
static void
put_out(struct collect *x, struct parent *p)
{
	struct err e = ERR_INIT;
	struct line *lines;

	if (parents_lines(&x->parents, p, &x->memory, &lines, &e) < 0) {
		stage_stop(&x->st, STATUS_CANNOT, "%s", e.text);
		return;
	}
	if (p->have == p->count)
		emit_parent(x, lines, (size_t)p->have, SPAN_NONE);
	else
		put_out_partial(x, p, lines);
	free(lines);
	parents_forget(&x->parents, p);
}

/* ---- children ---- */

/* Whether an entry failed in a command before this one: not for lack of siblings.
 */
static bool
has_failed(const struct entry *en, struct span *error)
{
	*error = entry_get(en, "error");
	return error->p != NULL && json_type(*error) != JSON_NULL &&
	       !json_is(json_get(*error, "class"), MISSING);
}

static void
take(struct collect *x)
{
	struct err e = ERR_INIT;
	struct span error;
	struct parent *p;
	struct child c;

	if (has_failed(&x->en, &error)) {
		stage_fail_json(&x->st, &x->en, error);
	} else if (child_read(&c, &x->en, &e) < 0) {
		stage_fail(&x->st, &x->en, "no_child", "%s", e.text);
	} else if (!maker_takes(&x->maker, &x->en, &e)) {
		stage_fail(&x->st, &x->en, "missing_field", "%s", e.text);
	} else if ((p = parents_find(&x->parents, &c))->count != c.count) {
		stage_fail(&x->st, &x->en, "no_child",
		    "'count' is %" PRIu64 ", but %" PRIu64 " in another child",
		    c.count, p->count);
	} else if (parent_has(p, c.index)) {
		stage_fail(&x->st, &x->en, "duplicate_child",
		    "child %" PRIu64 " of parent %.*s comes twice", c.index,
		    (int)c.id.n, c.id.p);
	} else if (parents_hold(&x->parents, p, c.index, x->en.text, &e) < 0) {
		stage_stop(&x->st, STATUS_CANNOT, "%s", e.text);
	} else if (p->have == p->count) {
		put_out(x, p);
	}
}

static void
tell_left_out(const struct maker *m)
{
	struct buf names = BUF_INIT;

	for (size_t i = 0; i < m->nleft_out; i++) {
		buf_adds(&names, i > 0 ? ", " : "");
		buf_addspan(&names, m->left_out[i]);
	}
	if (names.len > 0)
		msg_info(
		    "left out, as children differ in them: %s", buf_cstr(&names));
	buf_release(&names);
}

static void
release(struct collect *x)
{
	parents_release(&x->parents);
	maker_release(&x->maker);
	entry_release(&x->en);
	buf_release(&x->join);
	buf_release(&x->memory);
}

int
main(int argc, char **argv)
{
	struct collect x = {.en = ENTRY_INIT, .parents = PARENTS_INIT};
	struct cli cli;
	int status;

	x.parents.memory = MEMORY;
	buf_init(&x.memory, SIZE_MAX / 2);
	cli_start(&cli, &command, argc, argv);
	read_options(&x, &cli);
	stage_open(&x.st, &cli);
	if (x.errors != NULL)
		stage_errors(&x.st, x.errors);
	while (stage_entry(&x.st, &x.en))
		take(&x);
	/* Of a stream that was cut, what is missing may be in the rest. */
	while (x.parents.first != NULL && !stage_is_cut(&x.st) &&
	       !stage_interrupted(&x.st))
		put_out(&x, x.parents.first);
	tell_left_out(&x.maker);
	status = stage_close(&x.st);
	release(&x);
	return status;
}
