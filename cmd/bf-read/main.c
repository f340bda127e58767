/* bf-read: files and folders to entries. */
#include "read.h"

enum {
	OPT_AS = CLI_FIRST,
	OPT_DELIMITER,
	OPT_HEADER,
	OPT_INFER,
	OPT_TABLE,
	OPT_QUERY,
	OPT_ID,
	OPT_ID_HASH
};

static const struct cli_option options[] = {
    {OPT_AS, "as", "UNIT", "file (default), lines, sections or paragraphs"},
    {'f', "format", "FORMAT", "text, md, jsonl, json, csv, tsv or sqlite"},
    {OPT_DELIMITER, "delimiter", "C", "what parts the cells of CSV (default ,)"},
    {OPT_HEADER, "header", "A,B,...",
	"the names of columns in files without a header"},
    {OPT_INFER, "infer", NULL, "cells of CSV and TSV that are JSON become that"},
    {OPT_TABLE, "table", "NAME", "the table of SQLite to read"},
    {OPT_QUERY, "query", "SQL", "the rows of SQLite to read, by a SELECT"},
    {OPT_ID, "id", "FIELD", "the field whose value becomes the id, or none"},
    {OPT_ID_HASH, "id-hash", "FIELD,...",
	"the id is the hash of these fields alone"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-read",
    "[--as file|lines|sections|paragraphs] [-f FORMAT] [--id FIELD] [PATH...]",
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
	static const char *const words[] = {
	    "text", "md", "jsonl", "json", "csv", "tsv", "sqlite"};
	static const enum format formats[] = {FORMAT_TEXT, FORMAT_MD, FORMAT_JSONL,
	    FORMAT_JSON, FORMAT_CSV, FORMAT_TSV, FORMAT_SQLITE};

	return formats[one_of(cli, words, sizeof(words) / sizeof(*words),
	    "text, md, jsonl, json, csv, tsv or sqlite")];
}

static char
delimiter_of(const struct cli *cli)
{
	const char *c = strcmp(cli->arg, "\\t") == 0 ? "\t" : cli->arg;

	if (c[0] == '\0' || (unsigned char)c[0] > 127 || c[1] != '\0' ||
	    strchr("\"\r\n", c[0]) != NULL)
		cli_usage(cli,
		    "%s wants one ASCII character that is no quote and no line end",
		    cli->name);
	return c[0];
}

static const char *
header_of(const struct cli *cli)
{
	if (!header_is_good(cli->arg))
		cli_usage(cli,
		    "%s wants names, each of them once, with commas between them",
		    cli->name);
	return cli->arg;
}

static void
set_ids(struct ids *ids, const struct cli *cli, int key)
{
	int (*set)(struct ids *, const char *,
	    struct err *) = key == OPT_ID ? ids_from_field : ids_from_hash;
	struct err e = ERR_INIT;

	if (ids->from != ID_HASH)
		cli_usage(
		    cli, "%s: what the id is has been said already", cli->name);
	if (set(ids, cli->arg, &e) < 0)
		cli_usage(cli, "%s: %s", cli->name, e.text);
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
	case FORMAT_CSV:
	case FORMAT_TSV:
		read_delimited(r, f);
		break;
	case FORMAT_SQLITE:
		read_sqlite(r, f);
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
	struct reader r = {.entry = ENTRY_INIT, .delimiter = ','};
	struct stage st;
	struct cli cli;
	int key;

	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE) {
		if (key == OPT_AS)
			r.unit = unit_of(&cli);
		else if (key == 'f')
			format = format_of(&cli);
		else if (key == OPT_ID || key == OPT_ID_HASH)
			set_ids(&r.ids, &cli, key);
		else if (key == OPT_DELIMITER)
			r.delimiter = delimiter_of(&cli);
		else if (key == OPT_HEADER)
			r.header = header_of(&cli);
		else if (key == OPT_INFER)
			r.infer = true;
		else if (key == OPT_TABLE)
			r.table = cli.arg;
		else if (key == OPT_QUERY)
			r.query = cli.arg;
	}
	if (r.table != NULL && r.query != NULL)
		cli_usage(&cli, "--table and --query: give one of them");
	stage_open(&st, &cli);
	r.st = &st;
	find_files(&files, &cli, format, &st);
	for (size_t i = 0; i < files.n && !stage_stopped(&st); i++)
		read_file(&r, &files.at[i]);
	files_release(&files);
	ids_release(&r.ids);
	buf_release(&r.fields);
	buf_release(&r.scratch);
	buf_release(&r.place);
	entry_release(&r.entry);
	return stage_close(&st);
}
