/* bf-read: files and folders to entries. */
#include "read.h"

enum {
	OPT_AS = CLI_FIRST,
	OPT_INCLUDE,
	OPT_EXCLUDE,
	OPT_RECURSIVE,
	OPT_NO_RECURSIVE,
	OPT_DELIMITER,
	OPT_HEADER,
	OPT_INFER,
	OPT_TABLE,
	OPT_QUERY,
	OPT_ID,
	OPT_ID_HASH,
};

static const struct cli_option options[] = {
    {OPT_AS, "as", "UNIT", "file (default), lines, sections or paragraphs"},
    {'f', "format", "FORMAT", "text, md, jsonl, json, csv, tsv or sqlite"},
    {OPT_INCLUDE, "include", "GLOB", "of folders, read only what matches"},
    {OPT_EXCLUDE, "exclude", "GLOB", "of folders, leave out what matches"},
    {OPT_RECURSIVE, "recursive", NULL, "read the folders in folders (default)"},
    {OPT_NO_RECURSIVE, "no-recursive", NULL, "leave them out"},
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

static enum unit
unit_of(const struct cli *cli)
{
	static const char *const words[] = {
	    "file", "lines", "sections", "paragraphs"};

	for (int i = 0; i < 4; i++)
		if (strcmp(cli->arg, words[i]) == 0)
			return (enum unit)i;
	cli_usage(cli, "%s wants file, lines, sections or paragraphs, not '%s'",
	    cli->name, cli->arg);
}

static const struct format_word {
	const char *word;
	enum format format;
	const char *name;
} format_words[] = {
    {"text", FORMAT_TEXT, "text"},
    {"md", FORMAT_MD, "Markdown"},
    {"jsonl", FORMAT_JSONL, "JSON Lines"},
    {"json", FORMAT_JSON, "JSON"},
    {"csv", FORMAT_CSV, "CSV"},
    {"tsv", FORMAT_TSV, "TSV"},
    {"sqlite", FORMAT_SQLITE, "SQLite"},
};

#define NFORMATS (sizeof(format_words) / sizeof(*format_words))

static enum format
format_of(const struct cli *cli)
{
	for (size_t i = 0; i < NFORMATS; i++)
		if (strcmp(cli->arg, format_words[i].word) == 0)
			return format_words[i].format;
	cli_usage(cli,
	    "%s wants text, md, jsonl, json, csv, tsv or sqlite, not '%s'",
	    cli->name, cli->arg);
}

static const char *
format_name(enum format format)
{
	size_t i = 0;

	while (i < NFORMATS - 1 && format_words[i].format != format)
		i++;
	return format_words[i].name;
}

/* Formats that --as has nothing to say to.  JSON Lines are entries already. */
static bool
has_own_entries(enum format format)
{
	return format == FORMAT_JSON || format == FORMAT_CSV ||
	       format == FORMAT_TSV || format == FORMAT_SQLITE;
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
	places_by(r, jsonl_where, NULL);
	stage_input(r->st, &f->path);
	while (stage_entry(r->st, &r->entry))
		entry_pass(r);
}

static void
read_file(struct reader *r, const struct file *f)
{
	struct err e = ERR_INIT;

	if (r->unit_given && has_own_entries(f->format)) {
		err_set(&e,
		    "--as is for texts, not for %s; --exclude leaves it out of a "
		    "folder, -f text takes it for a text",
		    format_name(f->format));
		stage_lost(r->st, file_name(f), e.text);
		return;
	}
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
find_files(struct files *files, const struct cli *cli, struct stage *st)
{
	if (cli->noperands == 0)
		files_add(files, "-", st);
	for (int i = 0; i < cli->noperands; i++)
		files_add(files, cli->operands[i], st);
}

/* Options of CSV, TSV and SQLite. */
static void
set_row_option(struct reader *r, const struct cli *cli, int key)
{
	if (key == OPT_DELIMITER)
		r->delimiter = delimiter_of(cli);
	else if (key == OPT_HEADER)
		r->header = header_of(cli);
	else if (key == OPT_INFER)
		r->infer = true;
	else if (key == OPT_TABLE)
		r->table = cli->arg;
	else if (key == OPT_QUERY)
		r->query = cli->arg;
}

static void
set_option(struct reader *r, struct files *files, const struct cli *cli, int key)
{
	switch (key) {
	case OPT_AS:
		r->unit = unit_of(cli);
		r->unit_given = true;
		break;
	case 'f':
		files->format = format_of(cli);
		break;
	case OPT_INCLUDE:
		globs_add(&files->include, cli->arg);
		break;
	case OPT_EXCLUDE:
		globs_add(&files->exclude, cli->arg);
		break;
	case OPT_RECURSIVE:
	case OPT_NO_RECURSIVE:
		files->flat = key == OPT_NO_RECURSIVE;
		break;
	case OPT_ID:
	case OPT_ID_HASH:
		set_ids(&r->ids, cli, key);
		break;
	default:
		set_row_option(r, cli, key);
	}
}

/* What would do nothing is a mistake. */
static void
check_options(const struct reader *r, enum format format, const struct cli *cli)
{
	bool any = format == FORMAT_BY_NAME;
	bool rows = format == FORMAT_CSV || format == FORMAT_TSV;

	if (r->table != NULL && r->query != NULL)
		cli_usage(cli, "--table and --query: give one of them");
	if ((r->table != NULL || r->query != NULL) && !any &&
	    format != FORMAT_SQLITE)
		cli_usage(cli, "--table and --query are for SQLite");
	if (r->delimiter != '\0' && !any && format != FORMAT_CSV)
		cli_usage(cli, "--delimiter is for CSV");
	if ((r->header != NULL || r->infer) && !any && !rows)
		cli_usage(cli, "--header and --infer are for CSV and TSV");
	if (r->unit_given && has_own_entries(format))
		cli_usage(
		    cli, "--as is for texts, not for %s", format_name(format));
}

int
main(int argc, char **argv)
{
	struct files files = {.format = FORMAT_BY_NAME};
	struct reader r = {.entry = ENTRY_INIT};
	struct stage st;
	struct cli cli;
	int key;

	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		set_option(&r, &files, &cli, key);
	check_options(&r, files.format, &cli);
	stage_open(&st, &cli);
	r.st = &st;
	find_files(&files, &cli, &st);
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
