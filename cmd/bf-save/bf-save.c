/* bf-save: write entries to a file, whole or not at all. */
#include "base/msg.h"
#include "save.h"

#include <inttypes.h>
#include <signal.h>
#include <strings.h>
#include <sys/stat.h>

enum {
	OPT_FIELDS = CLI_FIRST,
	OPT_APPEND,
	OPT_SPLIT,
	OPT_TABLE,
	OPT_KEY,
	OPT_NAME_FIELD,
	OPT_TEE,
	OPT_EXPECT,
};

static const struct cli_option options[] = {
    {'f', "format", "FORMAT",
	"jsonl, json, csv, tsv, md, txt or sqlite (default: by FILE's name)"},
    {OPT_FIELDS, "fields", "LIST", "only these fields: PATH or NAME=PATH,..."},
    {OPT_APPEND, "append", NULL, "keep what FILE holds and add to it"},
    {OPT_SPLIT, "split", "N", "files of N entries each: NAME-00001.EXT, ..."},
    {OPT_TABLE, "table", "NAME", "sqlite: the table (default entries)"},
    {OPT_KEY, "key", "LIST", "sqlite: update rows with the same FIELD,..."},
    {OPT_NAME_FIELD, "name-field", "PATH",
	"folder: the field that names an entry's file (default id)"},
    {OPT_TEE, "tee", NULL, "pass the entries on to standard output"},
    {OPT_EXPECT, "expect", "N", "refuse any other number of entries"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-save",
    "[-f FORMAT] [--fields LIST] [--append] [--split N] [--table NAME] "
    "[--key LIST] [--name-field PATH] [--tee] [--expect N] FILE",
    "write entries to a file, whole or not at all", options};

static const struct format *const formats[] = {&format_jsonl, &format_json,
    &format_csv, &format_tsv, &format_md, &format_txt, &format_sqlite};
#define NFORMATS (sizeof(formats) / sizeof(formats[0]))

static const struct format *
format_by_name(const char *name)
{
	for (size_t i = 0; i < NFORMATS; i++)
		if (strcmp(name, formats[i]->name) == 0)
			return formats[i];
	return NULL;
}

static bool
ends_with(struct span s, const char *end)
{
	size_t n = strlen(end);

	return s.n >= n && memcmp(s.p + s.n - n, end, n) == 0;
}

static const struct format *
format_by_extension(const char *file)
{
	struct span name = pack_stem(span_str(file));

	for (size_t i = 0; i < NFORMATS; i++)
		if (ends_with(name, formats[i]->extension))
			return formats[i];
	if (ends_with(name, ".markdown"))
		return &format_md;
	if (ends_with(name, ".sqlite3") || ends_with(name, ".db"))
		return &format_sqlite;
	return &format_jsonl;
}

struct span
save_text(struct save *s, struct span field, struct span value)
{
	struct span text = SPAN_NONE;

	if (json_type(value) == JSON_STRING) {
		text = span_of(value.p + 1, value.n - 2);
		if (memchr(text.p, '\\', text.n) == NULL)
			return text;
	}
	buf_clear(&s->scratch);
	if (text.p == NULL)
		json_compact(&s->scratch, value);
	else if (json_unescape(&s->scratch, text) > 0)
		s->halved = field;
	return buf_span(&s->scratch);
}

int
save_add(struct save *s, struct err *e)
{
	size_t had = s->out.len;

	s->halved = SPAN_NONE;
	if (s->format->add(s, e) < 0)
		return -1;
	if (s->halved.p == NULL)
		return 0;
	s->out.len = had;
	return err_set(e,
	    "field \"%.*s\" holds half of a surrogate pair, which is no character",
	    (int)s->halved.n, s->halved.p);
}

static void
set_option(struct save *s, const struct cli *cli, int key)
{
	struct err e = ERR_INIT;

	switch (key) {
	case 'f':
		s->format = format_by_name(cli->arg);
		if (s->format == NULL)
			cli_usage(cli,
			    "no format '%s': use jsonl, json, csv, tsv, md, txt or "
			    "sqlite",
			    cli->arg);
		break;
	case OPT_FIELDS:
		if (s->columns.given)
			cli_usage(cli, "--fields is given twice");
		if (columns_parse(&s->columns, span_str(cli->arg), &e) < 0)
			cli_usage(cli, "--fields: %s", e.text);
		break;
	case OPT_APPEND:
		s->append = true;
		break;
	case OPT_SPLIT:
		s->split = cli_u64(cli);
		if (s->split == 0)
			cli_usage(cli, "--split 0: a part has one entry or more");
		break;
	case OPT_TABLE:
		s->table_name = cli->arg;
		if (cli->arg[0] == '\0' || strncasecmp(cli->arg, "sqlite_", 7) == 0)
			cli_usage(
			    cli, "--table: '%s' is no name for a table", cli->arg);
		break;
	case OPT_KEY:
		if (s->key.given)
			cli_usage(cli, "--key is given twice");
		if (columns_parse(&s->key, span_str(cli->arg), &e) < 0)
			cli_usage(cli, "--key: %s", e.text);
		break;
	case OPT_NAME_FIELD:
		if (s->name_field != NULL)
			cli_usage(cli, "--name-field is given twice");
		s->name_field = path_parse(span_str(cli->arg), &e);
		if (s->name_field == NULL)
			cli_usage(cli, "--name-field: %s", e.text);
		break;
	case OPT_TEE:
		s->tee = true;
		break;
	case OPT_EXPECT:
		s->expects = true;
		s->expected = cli_u64(cli);
		break;
	}
}

static void
set_file(struct save *s, struct cli *cli)
{
	if (cli->noperands != 1)
		cli_usage(cli, cli->noperands == 0 ? "where to? name a FILE"
						   : "one FILE, not several");
	s->name = cli->operands[0];
	cli->noperands = 0; /* the entries come from standard input */
	if (s->name[0] == '\0')
		cli_usage(cli, "the name of FILE is empty");
}

static void
check_split(const struct save *s, const struct cli *cli)
{
	if (s->target == &target_stdout)
		cli_usage(cli, "--split wants a FILE, not standard output");
	if (s->target == &target_table)
		cli_usage(cli, "--split and SQLite do not go together");
	if (s->append)
		cli_usage(cli, "--split and --append do not go together");
}

static void
check_table(struct save *s, const struct cli *cli)
{
	if (strcmp(s->name, "-") == 0)
		cli_usage(cli, "SQLite wants a FILE, not standard output");
	if (pack_by_name(span_str(s->name)) != PACK_NONE)
		cli_usage(cli, "%s: an SQLite database is not packed", s->name);
	for (size_t i = 0; s->columns.given && i < s->key.n; i++)
		if (columns_find(&s->columns, s->key.v[i].name) == s->columns.n)
			cli_usage(cli, "--key: '%.*s' is not in --fields",
			    (int)s->key.v[i].name.n, s->key.v[i].name.p);
	if (s->table_name == NULL)
		s->table_name = "entries";
}

static bool
is_folder(const char *name)
{
	struct stat st;

	return name[strlen(name) - 1] == '/' ||
	       (stat(name, &st) == 0 && S_ISDIR(st.st_mode));
}

static void
set_folder(struct save *s, const struct cli *cli)
{
	struct err e = ERR_INIT;

	if (s->format == NULL)
		s->format = &format_txt;
	if (s->format != &format_txt && s->format != &format_md &&
	    s->format != &format_json)
		cli_usage(cli, "%s: a folder takes txt, md or json, not %s",
		    s->name, s->format->name);
	if (s->append)
		cli_usage(cli,
		    "%s: a folder keeps its other files without --append", s->name);
	if (s->name_field == NULL)
		s->name_field = path_parse(SPAN("id"), &e);
	s->by_source = s->format == &format_md &&
		       span_eq(path_name(s->name_field), SPAN("source"));
	s->extension = s->format->extension;
	/* A file with one entry is that entry, no array. */
	if (s->format == &format_json)
		s->format = &format_jsonl;
	s->target = &target_folder;
}

static void
set_target(struct save *s, const struct cli *cli)
{
	bool folder = is_folder(s->name);

	if (s->split > 0 && folder)
		cli_usage(cli, "%s: --split wants the name of a file", s->name);
	if (s->name_field != NULL && !folder)
		cli_usage(cli, "--name-field is for a folder");
	if (folder && (s->table_name != NULL || s->key.given))
		cli_usage(cli, "%s is for SQLite",
		    s->table_name != NULL ? "--table" : "--key");
	if (folder) {
		set_folder(s, cli);
		return;
	}
	if (s->format == NULL)
		s->format = format_by_extension(s->name);
	s->target = strcmp(s->name, "-") == 0 ? &target_stdout : &target_file;
	if (s->target == &target_stdout && s->tee)
		cli_usage(cli, "--tee and FILE '-' both want standard output");
	if (s->format == &format_sqlite) {
		check_table(s, cli);
		s->target = &target_table;
	} else if (s->table_name != NULL || s->key.given)
		cli_usage(cli, "%s is for SQLite",
		    s->table_name != NULL ? "--table" : "--key");
	if (s->split > 0) {
		check_split(s, cli);
		s->target = &target_parts;
	}
}

static void
save_entries(struct save *s)
{
	struct err e = ERR_INIT;
	int r;

	while (stage_entry(&s->st, &s->en)) {
		r = s->target->add(s, &e);
		if (r == SAVE_REFUSED) {
			stage_refuse(&s->st, "%s", e.text);
			continue;
		}
		s->count++;
		s->in_file++;
		if (r == SAVE_FAILED)
			stage_stop_told(&s->st, STATUS_CANNOT, e.text);
		if (s->tee)
			stage_emit(&s->st, &s->en);
	}
	if (!stage_is_cut(&s->st) && s->target->end(s, &e) < 0)
		stage_stop_told(&s->st, STATUS_CANNOT, e.text);
}

/* ---- the end ---- */

static int
commit(struct save *s)
{
	struct err e = ERR_INIT;

	s->changed = true;
	if (s->target->commit(s, &e) < 0) {
		msg_error("%s", e.text);
		return STATUS_CANNOT;
	}
	msg_debug("%s: %" PRIu64 " entries%s", s->name, s->count,
	    s->changed ? "" : ", unchanged");
	return STATUS_OK;
}

/* All stays as it was; what came is kept beside it. */
static int
keep(struct save *s, const char *why)
{
	struct err e = ERR_INIT;
	int r = s->target->keep(s, &e);

	if (r < 0 && strcmp(why, e.text) == 0)
		msg_error("%s", why);
	else if (r < 0)
		msg_error("%s: not saved: %s; %s", s->name, why, e.text);
	else if (s->aside.len == 0)
		msg_error("%s: not all is saved: %s", s->name, why);
	else
		msg_error("%s: not saved: %s; what came is in %s", s->name, why,
		    buf_cstr(&s->aside));
	return r < 0 ? STATUS_CANNOT : STATUS_OK;
}

/* Why the result is not to be put in place; empty where it is. */
static int
find_fault(struct save *s, struct buf *why)
{
	if (stage_is_cut(&s->st)) {
		stage_why(&s->st, why);
		return STATUS_OK; /* stage_close() has its status */
	}
	if (s->expects && s->count != s->expected) {
		buf_addf(why, "%" PRIu64 " entries instead of %" PRIu64, s->count,
		    s->expected);
		return STATUS_CANNOT;
	}
	if (s->tee && jsonl_flush(&s->st.out) < 0) /* stage_close() says how */
		buf_adds(why, "standard output failed");
	return STATUS_OK;
}

/* Puts the result in place, or keeps it aside; the exit status of that. */
static int
finish(struct save *s)
{
	struct buf why = BUF_INIT;
	int status = find_fault(s, &why), done;

	if (s->target == &target_stdout) {
		if (status != STATUS_OK)
			stage_stop(&s->st, status, "%s", buf_cstr(&why));
	} else {
		done = why.len > 0 ? keep(s, buf_cstr(&why)) : commit(s);
		status = done > status ? done : status;
	}
	buf_release(&why);
	return status;
}

static void
release(struct save *s)
{
	columns_release(&s->columns);
	columns_release(&s->key);
	path_free(s->name_field);
	buf_release(&s->out);
	buf_release(&s->scratch);
	buf_release(&s->path);
	buf_release(&s->aside);
	entry_release(&s->en);
}

int
main(int argc, char **argv)
{
	struct save s = {.en = ENTRY_INIT};
	struct err e = ERR_INIT;
	struct cli cli;
	int key, status, stage_status;

	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		set_option(&s, &cli, key);
	set_file(&s, &cli);
	set_target(&s, &cli);
	/* A file half made is to be put aside first: see finish(). */
	if (s.tee)
		signal(SIGPIPE, SIG_IGN);
	stage_open(&s.st, &cli);
	s.st.no_mark = !s.tee && s.target != &target_stdout;
	if (s.target->open(&s, &e) < 0)
		msg_die(STATUS_CANNOT, "%s", e.text);
	save_entries(&s);
	status = finish(&s);
	release(&s);
	stage_status = stage_close(&s.st);
	return status > stage_status ? status : stage_status;
}
