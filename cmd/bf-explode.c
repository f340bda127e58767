/* bf-explode: the elements of an array field as entries of their own. */
#include "base/msg.h"
#include "io/utf8.h"
#include "json/children.h"
#include "json/path.h"
#include "json/stage.h"

#include <inttypes.h>

enum { OPT_AS = CLI_FIRST };

static const struct cli_option options[] = {
    {OPT_AS, "as", "NAME", "put the element into NAME, take FIELD out"},
    {CLI_ERRORS, "errors", "FILE", "write failed entries to FILE"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-explode",
    "[--as NAME] [--errors FILE] FIELD [FILE...]",
    "the elements of an array as entries of their own", options};

struct explode {
	struct path *path;
	struct span field; /* as the user wrote it */
	const char *as;    /* NULL: the element goes where the array was */
	const char *errors;
	struct buf top; /* the name of the entry's own field that holds the array */
	struct children children;
	struct buf value; /* of that field, with something else for the array */
	uint64_t empty;   /* arrays */
};

/* The array, and what stands around it in the field of the entry. */
struct place {
	struct span array;
	struct span before, after;
};

static void
demand_free(const struct cli *cli, struct span name)
{
	if (children_own(name))
		cli_usage(cli, "the field '%.*s' is set by bf-explode itself",
		    (int)name.n, name.p);
}

static void
set_as(struct explode *x, const struct cli *cli)
{
	struct span name = span_str(cli->arg);

	if (name.n == 0 || utf8_valid(name) != name.n)
		cli_usage(cli, "%s wants the name of a field", cli->name);
	demand_free(cli, name);
	x->as = cli->arg;
}

/* The first operand, which is taken off. */
static void
take_field(struct explode *x, struct cli *cli)
{
	struct err e = ERR_INIT;
	struct span top;

	if (cli->noperands == 0)
		cli_usage(cli, "no FIELD: which one holds the array?");
	x->field = span_str(cli->operands[0]);
	x->path = path_parse(x->field, &e);
	if (x->path == NULL)
		cli_usage(cli, "FIELD %s: %s", cli->operands[0], e.text);
	top = path_top(x->path);
	if (top.p == NULL || memchr(top.p, '\0', top.n) != NULL)
		cli_usage(
		    cli, "FIELD %s: no entry has such a field", cli->operands[0]);
	demand_free(cli, top);
	buf_addspan(&x->top, top);
	cli->operands++;
	cli->noperands--;
}

static void
read_options(struct explode *x, struct cli *cli)
{
	int key;

	while ((key = cli_next(cli)) != CLI_DONE) {
		if (key == OPT_AS)
			set_as(x, cli);
		else if (key == CLI_ERRORS)
			x->errors = cli->arg;
	}
	take_field(x, cli);
}

/* false: there is no array, and the entry has failed. */
static bool
find_array(
    const struct explode *x, struct stage *st, struct entry *en, struct place *at)
{
	struct span around = entry_getn(en, buf_span(&x->top)), a;

	a = path_find_entry(x->path, en);
	if (a.p == NULL) {
		stage_fail(st, en, "missing_field", "no field '%.*s'",
		    (int)x->field.n, x->field.p);
		return false;
	}
	if (json_type(a) != JSON_ARRAY) {
		stage_fail(st, en, "not_an_array", "'%.*s' is no array (%s)",
		    (int)x->field.n, x->field.p, json_type_name(json_type(a)));
		return false;
	}
	at->array = a;
	at->before = span_of(around.p, (size_t)(a.p - around.p));
	at->after = span_of(a.p + a.n, around.n - at->before.n - a.n);
	return true;
}

/* Into the array's place. */
static void
put(struct explode *x, struct entry *en, const struct place *at, struct span value)
{
	buf_clear(&x->value);
	buf_addspan(&x->value, at->before);
	buf_addspan(&x->value, value);
	buf_addspan(&x->value, at->after);
	entry_set(en, buf_cstr(&x->top), buf_span(&x->value));
}

/* With --as: the array goes, null marks its place inside a value. */
static void
take_out(struct explode *x, struct entry *en, const struct place *at)
{
	if (at->before.n + at->after.n == 0)
		entry_del(en, buf_cstr(&x->top));
	else
		put(x, en, at, SPAN("null"));
}

static bool
emit_children(
    struct explode *x, struct stage *st, struct entry *en, const struct place *at)
{
	struct json_iter it = json_iter(at->array);
	struct json_member m;

	if (x->as != NULL)
		take_out(x, en, at);
	for (uint64_t i = 0; json_next(&it, &m); i++) {
		if (x->as != NULL)
			entry_set(en, x->as, m.value);
		else
			put(x, en, at, m.value);
		children_number(&x->children, en, i);
		if (stage_interrupted(st) || !stage_emit(st, en))
			return false;
	}
	return true;
}

static bool
explode(struct explode *x, struct stage *st, struct entry *en)
{
	struct err e = ERR_INIT;
	struct place at;

	if (!find_array(x, st, en, &at))
		return true;
	if (children_begin(&x->children, en, json_count(at.array), &e) < 0) {
		stage_fail(st, en, "bad_id", "%s", e.text);
		return true;
	}
	if (json_is_empty(at.array))
		x->empty++;
	return emit_children(x, st, en, &at);
}

static void
release(struct explode *x)
{
	path_free(x->path);
	buf_release(&x->top);
	buf_release(&x->value);
	children_release(&x->children);
}

int
main(int argc, char **argv)
{
	struct explode x = {.children = CHILDREN_INIT};
	struct entry en = ENTRY_INIT;
	struct stage st;
	struct cli cli;
	int status;

	cli_start(&cli, &command, argc, argv);
	read_options(&x, &cli);
	stage_open(&st, &cli);
	if (x.errors != NULL)
		stage_errors(&st, x.errors);
	while (stage_entry(&st, &en))
		if (!explode(&x, &st, &en))
			break;
	if (x.empty > 0)
		msg_info("empty arrays, which gave no entry: %" PRIu64, x.empty);
	status = stage_close(&st);
	entry_release(&en);
	release(&x);
	return status;
}
