/* bf-chunk: a text in chunks, each an entry of its own. */
#include "base/msg.h"
#include "chunk.h"
#include "json/children.h"
#include "json/path.h"
#include "json/stage.h"

enum { OPT_BY = CLI_FIRST, OPT_SIZE, OPT_OVERLAP, OPT_FIELD };

static const struct cli_option options[] = {
    {OPT_BY, "by", "UNIT",
	"chars (default), words, lines, sentences, paragraphs, tokens or sections"},
    {OPT_SIZE, "size", "N", "units of a chunk (default 2000 chars)"},
    {OPT_OVERLAP, "overlap", "N", "units repeated in the next chunk (default 0)"},
    {OPT_FIELD, "field", "FIELD", "the field that holds the text (default text)"},
    {CLI_ERRORS, "errors", "FILE", "write failed entries to FILE"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-chunk",
    "[--by UNIT] [--size N] [--overlap N] [--field FIELD] [FILE...]",
    "a text in chunks, each an entry of its own", options};

static const struct {
	const char *name;
	uint64_t size; /* unless told */
} units[] = {
    [CHARS] = {"chars", 2000},
    [WORDS] = {"words", 400},
    [LINES] = {"lines", 40},
    [SENTENCES] = {"sentences", 20},
    [PARAGRAPHS] = {"paragraphs", 5},
    [TOKENS] = {"tokens", 500},
    [SECTIONS] = {"sections", 1},
};

struct chunk {
	struct chunker chunker;
	struct buf field; /* its name */
	const char *errors;
	struct children children;
	struct buf text;  /* decoded */
	struct buf value; /* a chunk as JSON */
};

static enum unit
unit_of(const struct cli *cli)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(cli->arg, units[i].name) == 0)
			return (enum unit)i;
	cli_usage(cli,
	    "%s wants chars, words, lines, sentences, paragraphs, tokens or "
	    "sections, not '%s'",
	    cli->name, cli->arg);
}

static void
set_field(struct chunk *x, const struct cli *cli)
{
	struct err e = ERR_INIT;
	struct path *path = path_parse(span_str(cli->arg), &e);
	struct span name;

	if (path == NULL)
		cli_usage(cli, "%s %s: %s", cli->name, cli->arg, e.text);
	name = path_name(path);
	if (name.p == NULL || memchr(name.p, '\0', name.n) != NULL)
		cli_usage(cli, "%s %s: it must be a field of the entry itself",
		    cli->name, cli->arg);
	if (children_own(name))
		cli_usage(
		    cli, "the field '%s' is set by bf-chunk itself", cli->arg);
	buf_clear(&x->field);
	buf_addspan(&x->field, name);
	path_free(path);
}

static void
read_options(struct chunk *x, struct cli *cli)
{
	struct chunker *c = &x->chunker;
	int key;

	while ((key = cli_next(cli)) != CLI_DONE)
		switch (key) {
		case OPT_BY:
			c->unit = unit_of(cli);
			break;
		case OPT_SIZE:
			c->size = cli_u64(cli);
			if (c->size == 0)
				cli_usage(cli, "%s must be at least 1", cli->name);
			break;
		case OPT_OVERLAP:
			c->overlap = cli_u64(cli);
			break;
		case OPT_FIELD:
			set_field(x, cli);
			break;
		case CLI_ERRORS:
			x->errors = cli->arg;
			break;
		}
	if (c->size == 0)
		c->size = units[c->unit].size;
	if (c->overlap >= c->size)
		cli_usage(cli, "--overlap must be less than --size");
}

/* false: there is no text to take apart, and the entry has failed. */
static bool
begin(struct chunk *x, struct stage *st, struct entry *en)
{
	struct span value = entry_getn(en, buf_span(&x->field)), text, chunk;
	const char *name = buf_cstr(&x->field);
	struct err e = ERR_INIT;
	uint64_t count = 0;

	if (value.p == NULL)
		stage_fail(st, en, "missing_field", "no field '%s'", name);
	else if (!json_text(value, &x->text, &text))
		stage_fail(st, en, "not_a_string", "'%s' is no string (%s)", name,
		    json_type_name(json_type(value)));
	else if (chunker_begin(&x->chunker, text, &e) < 0)
		stage_fail(st, en, "too_large", "'%s': %s", name, e.text);
	else {
		while (chunker_next(&x->chunker, &chunk))
			count++;
		chunker_rewind(&x->chunker);
		if (children_begin(&x->children, en, count, &e) == 0)
			return true;
		stage_fail(st, en, "bad_id", "%s", e.text);
	}
	return false;
}

static bool
emit_chunks(struct chunk *x, struct stage *st, struct entry *en)
{
	struct span chunk;

	for (uint64_t i = 0; chunker_next(&x->chunker, &chunk); i++) {
		buf_clear(&x->value);
		json_add_string(&x->value, chunk);
		entry_set(en, buf_cstr(&x->field), buf_span(&x->value));
		children_number(&x->children, en, i);
		if (stage_interrupted(st) || !stage_emit(st, en))
			return false;
	}
	return true;
}

static void
release(struct chunk *x)
{
	chunker_release(&x->chunker);
	children_release(&x->children);
	buf_release(&x->field);
	buf_release(&x->text);
	buf_release(&x->value);
}

int
main(int argc, char **argv)
{
	struct chunk x = {.children = CHILDREN_INIT};
	struct entry en = ENTRY_INIT;
	struct stage st;
	struct cli cli;
	int status;

	cli_start(&cli, &command, argc, argv);
	buf_adds(&x.field, "text");
	read_options(&x, &cli);
	stage_open(&st, &cli);
	if (x.errors != NULL)
		stage_errors(&st, x.errors);
	while (stage_entry(&st, &en))
		if (begin(&x, &st, &en) && !emit_chunks(&x, &st, &en))
			break;
	status = stage_close(&st);
	entry_release(&en);
	release(&x);
	return status;
}
