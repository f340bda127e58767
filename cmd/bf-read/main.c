/* bf-read: files and folders to entries. */
#include "read.h"

enum { OPT_AS = CLI_FIRST, OPT_ID };

static const struct cli_option options[] = {
    {OPT_AS, "as", "UNIT", "file (default), lines, sections or paragraphs"},
    {'f', "format", "FORMAT", "text, md, jsonl or json, whatever the names say"},
    {OPT_ID, "id", "FIELD", "the field whose value becomes the id"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-read",
    "[--as file|lines|sections|paragraphs] [-f text|md|jsonl|json] [--id FIELD] "
    "[PATH...]",
    "files and folders to entries", options};

/* The place of the argument in a list of words. */
static int
one_of(const struct cli *cli, const char *const *words, int n, const char *wanted)
{
	for (int i = 0; i < n; i++)
		if (strcmp(cli->arg, words[i]) == 0)
			return i;
	cli_usage(cli, "%s wants %s, not '%s'", cli->name, wanted, cli->arg);
}

static enum unit
unit_of(const struct cli *cli)
{
	static const char *const words[] = {
	    "file", "lines", "sections", "paragraphs"};

	return (enum unit)one_of(
	    cli, words, 4, "file, lines, sections or paragraphs");
}

static enum format
format_of(const struct cli *cli)
{
	static const char *const words[] = {"text", "md", "jsonl", "json"};
	static const enum format formats[] = {
	    FORMAT_TEXT, FORMAT_MD, FORMAT_JSONL, FORMAT_JSON};

	return formats[one_of(cli, words, 4, "text, md, jsonl or json")];
}

static struct path *
id_of(const struct cli *cli)
{
	struct err e = ERR_INIT;
	struct path *p = path_parse(span_str(cli->arg), &e);

	if (p == NULL)
		cli_usage(cli, "%s: %s", cli->name, e.text);
	return p;
}

static const char *
jsonl_where(struct reader *r)
{
	return stage_where(r->st);
}

static void
read_jsonl(struct reader *r, const struct file *f)
{
	r->where = jsonl_where;
	stage_input(r->st, &f->path);
	while (stage_entry(r->st, &r->entry))
		entry_pass(r);
}

static void
read_file(struct reader *r, const struct file *f)
{
	switch (f->format) {
	case FORMAT_JSONL:
		read_jsonl(r, f);
		break;
	case FORMAT_MD:
		read_markdown(r, f);
		break;
	case FORMAT_JSON:
		read_json(r, f);
		break;
	case FORMAT_TEXT:
	case FORMAT_BY_NAME:
		read_text(r, f);
		break;
	}
}

static void
find_files(struct files *files, const struct cli *cli, enum format format,
    struct stage *st)
{
	if (cli->noperands == 0)
		files_add(files, "-", format, st);
	for (int i = 0; i < cli->noperands; i++)
		files_add(files, cli->operands[i], format, st);
}

int
main(int argc, char **argv)
{
	enum format format = FORMAT_BY_NAME;
	struct files files = {NULL, 0, 0};
	struct reader r = {.entry = ENTRY_INIT};
	struct stage st;
	struct cli cli;
	int key;

	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE) {
		if (key == OPT_AS)
			r.unit = unit_of(&cli);
		else if (key == 'f')
			format = format_of(&cli);
		else if (key == OPT_ID)
			r.id = id_of(&cli);
	}
	stage_open(&st, &cli);
	r.st = &st;
	find_files(&files, &cli, format, &st);
	for (size_t i = 0; i < files.n && !stage_stopped(&st); i++)
		read_file(&r, &files.at[i]);
	files_release(&files);
	path_free(r.id);
	buf_release(&r.fields);
	buf_release(&r.scratch);
	buf_release(&r.place);
	entry_release(&r.entry);
	return stage_close(&st);
}
