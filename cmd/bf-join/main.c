/* bf-join: entries by what another file has. */
#include "base/msg.h"
#include "join.h"

#include <inttypes.h>

enum { OPT_WITH = CLI_FIRST, OPT_ON, OPT_INCLUDE, OPT_EXCLUDE, OPT_FIELDS, OPT_AS };

#define MEMORY ((uint64_t)256 << 20)

static const struct cli_option options[] = {
    {OPT_WITH, "with", "FILE", "add the fields of FILE's entry with the same key"},
    {OPT_INCLUDE, "include", "FILE", "only entries whose key is in FILE"},
    {OPT_EXCLUDE, "exclude", "FILE", "only entries whose key is not in FILE"},
    {OPT_ON, "on", "KEY", "the field that is the key, or OURS=THEIRS (default id)"},
    {OPT_FIELDS, "fields", "LIST", "of FILE's fields these: PATH or NAME=PATH,..."},
    {OPT_AS, "as", "NAME", "put FILE's entry into the field NAME"},
    {'m', "memory", "SIZE",
	"a larger FILE goes to a temporary file (default 256M)"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-join",
    "[--with FILE [--fields LIST | --as NAME]] [--include FILE] [--exclude FILE] "
    "[--on KEY] [-m SIZE] [FILE...]",
    "entries by what another file has", options};

struct join {
	struct stage st;
	struct entry en, theirs;
	struct columns on;      /* one: the key there, and maybe ours as its name */
	struct path *ours;      /* NULL: the key is the same there */
	struct columns columns; /* --fields */
	char *as;
	char *with, *include, *exclude; /* NULL: not asked for */
	struct table table;
	struct keys in, out;
	struct buf scratch;
	struct buf name;
	uint64_t without; /* entries that have no key */
};

/* ---- options ---- */

/* One path for both sides, or OURS=THEIRS. */
static void
set_on(struct join *x, const struct cli *cli, const char *text)
{
	struct err e = ERR_INIT;
	struct column *c;

	columns_release(&x->on);
	path_free(x->ours);
	x->on = (struct columns){.v = NULL};
	x->ours = NULL;
	if (columns_parse(&x->on, span_str(text), &e) < 0)
		cli_usage(cli, "--on %s: %s", text, e.text);
	if (x->on.n != 1)
		cli_usage(cli, "--on %s: one key, not several", text);
	c = &x->on.v[0];
	if (span_eq(c->name, path_name(c->path)) ||
	    span_eq(c->name, path_text(c->path)))
		return;
	x->ours = path_parse(c->name, &e);
	if (x->ours == NULL)
		cli_usage(cli, "--on %s: %s", text, e.text);
}

static void
set_option(struct join *x, const struct cli *cli, int key)
{
	struct err e = ERR_INIT;
	char *arg = (char *)(uintptr_t)cli->arg;

	switch (key) {
	case OPT_WITH:
		x->with = arg;
		break;
	case OPT_INCLUDE:
		x->include = arg;
		break;
	case OPT_EXCLUDE:
		x->exclude = arg;
		break;
	case OPT_ON:
		set_on(x, cli, cli->arg);
		break;
	case OPT_FIELDS:
		if (columns_parse(&x->columns, span_str(cli->arg), &e) < 0)
			cli_usage(cli, "--fields: %s", e.text);
		break;
	case OPT_AS:
		if (*arg == '\0')
			cli_usage(cli, "--as wants the name of a field");
		x->as = arg;
		break;
	case 'm':
		x->table.memory = cli_size(cli);
		break;
	}
}

static bool
is_stdin(const char *name)
{
	return name != NULL && strcmp(name, "-") == 0;
}

static void
check_options(const struct join *x, const struct cli *cli)
{
	int n = is_stdin(x->with) + is_stdin(x->include) + is_stdin(x->exclude) +
		(cli->noperands == 0);

	if (x->with == NULL && x->include == NULL && x->exclude == NULL)
		cli_usage(cli, "say --with, --include or --exclude FILE");
	if (x->with == NULL && (x->columns.given || x->as != NULL))
		cli_usage(cli, "--fields and --as are for --with");
	if (x->columns.given && x->as != NULL)
		cli_usage(cli, "either --fields or --as");
	for (int i = 0; i < cli->noperands; i++)
		n += is_stdin(cli->operands[i]);
	if (n > 1)
		cli_usage(cli, "standard input is wanted twice");
}

/* ---- joining ---- */

/* false: the entry has the field already, with another value. */
static bool
add_field(struct join *x, struct span name, struct span value)
{
	struct span ours = entry_getn(&x->en, name);

	if (ours.p != NULL && !span_eq(ours, value)) {
		stage_refuse(&x->st,
		    "both have a field '%.*s': take it under another name with "
		    "--fields, or theirs whole with --as",
		    (int)name.n, name.p);
		return false;
	}
	if (ours.p == NULL)
		entry_setn(&x->en, name, value);
	return true;
}

static bool
add_chosen(struct join *x)
{
	struct column *c;
	struct span value;

	for (size_t i = 0; i < x->columns.n; i++) {
		c = &x->columns.v[i];
		value = column_get(c, &x->theirs);
		if (value.p != NULL && !add_field(x, c->name, value))
			return false;
	}
	return true;
}

/* All but the key. */
static bool
add_all(struct join *x)
{
	struct span key = path_name(x->on.v[0].path), name;

	buf_clear(&x->name);
	for (size_t i = 0; i < x->theirs.n; i++) {
		name = entry_name(&x->theirs, i, &x->name);
		if (key.p != NULL && span_eq(name, key))
			continue;
		/* Of one name twice the last counts. */
		if (!add_field(x, name, entry_getn(&x->theirs, name)))
			return false;
	}
	return true;
}

static bool
add_theirs(struct join *x)
{
	if (x->columns.given)
		return add_chosen(x);
	if (x->as != NULL)
		return add_field(x, span_str(x->as), x->theirs.text);
	return add_all(x);
}

/* Once for each entry there with its key; as it is, where there is none. */
static void
join(struct join *x, struct span key)
{
	struct span line = x->en.text;
	struct err e = ERR_INIT;
	struct json_fault f;
	uint32_t row = 0;
	int r, n = 0;

	while ((r = table_next(&x->table, key, &row, &x->theirs, &e)) > 0) {
		if (n++ > 0)
			entry_parse(&x->en, line, &f); /* forgets the edits */
		if (add_theirs(x))
			stage_emit(&x->st, &x->en);
		if (stage_stopped(&x->st) || stage_interrupted(&x->st))
			return;
	}
	if (r < 0)
		stage_stop(&x->st, STATUS_CANNOT, "%s", e.text);
	else if (n == 0)
		stage_emit_line(&x->st, line);
}

static void
take(struct join *x)
{
	const struct path *p = x->ours != NULL ? x->ours : x->on.v[0].path;
	struct span value = path_find_entry(p, &x->en), key = SPAN_NONE;

	if (value.p == NULL)
		x->without++;
	else
		key = key_text(value, &x->scratch);
	if (x->include != NULL && (key.p == NULL || !keys_have(&x->in, key)))
		return;
	if (x->exclude != NULL && key.p != NULL && keys_have(&x->out, key))
		return;
	if (x->with != NULL && key.p != NULL)
		join(x, key);
	else
		stage_emit_line(&x->st, x->en.text);
}

static void
read_theirs(struct join *x)
{
	const struct path *p = x->on.v[0].path;

	x->table.key = p;
	if (x->include != NULL)
		keys_read(&x->in, &x->st, &x->include, p);
	if (x->exclude != NULL && !stage_is_cut(&x->st))
		keys_read(&x->out, &x->st, &x->exclude, p);
	if (x->with != NULL && !stage_is_cut(&x->st))
		table_read(&x->table, &x->st, &x->with);
}

static void
read_ours(struct join *x, const struct cli *cli)
{
	static char dash[] = "-";
	static char *const only_stdin[] = {dash};
	char *const *files = cli->noperands > 0 ? cli->operands : only_stdin;
	int n = cli->noperands > 0 ? cli->noperands : 1;

	for (int i = 0; i < n && !stage_stopped(&x->st); i++) {
		stage_input(&x->st, &files[i]);
		while (stage_entry(&x->st, &x->en))
			take(x);
	}
}

/* Entries that no key can be compared of: not bad, but maybe not meant. */
static void
tell_without(uint64_t n, const struct path *p, const char *of)
{
	struct span name = path_text(p);

	if (n > 0)
		msg_info("entries%s without the key '%.*s': %" PRIu64, of,
		    (int)name.n, name.p, n);
}

static void
release(struct join *x)
{
	table_release(&x->table);
	keys_release(&x->in);
	keys_release(&x->out);
	columns_release(&x->on);
	columns_release(&x->columns);
	path_free(x->ours);
	entry_release(&x->en);
	entry_release(&x->theirs);
	buf_release(&x->scratch);
	buf_release(&x->name);
}

int
main(int argc, char **argv)
{
	struct join x = {
	    .en = ENTRY_INIT, .theirs = ENTRY_INIT, .table = TABLE_INIT};
	struct cli cli;
	int key, status;

	x.table.memory = MEMORY;
	cli_start(&cli, &command, argc, argv);
	set_on(&x, &cli, "id");
	while ((key = cli_next(&cli)) != CLI_DONE)
		set_option(&x, &cli, key);
	check_options(&x, &cli);
	stage_open(&x.st, &cli);
	read_theirs(&x);
	if (!stage_is_cut(&x.st))
		read_ours(&x, &cli);
	tell_without(x.table.without, x.on.v[0].path, " to join with");
	tell_without(x.without, x.ours != NULL ? x.ours : x.on.v[0].path, "");
	status = stage_close(&x.st);
	release(&x);
	return status;
}
