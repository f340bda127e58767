/*
 * bf-extract: takes out of each answer what was asked for.
 */
#include "answer/checked.h"
#include "answer/find.h"
#include "base/msg.h"
#include "io/utf8.h"
#include "turn.h"
#include "json/columns.h"
#include "json/stage.h"

#include <inttypes.h>

enum {
	OPT_TEXT = CLI_FIRST,
	OPT_JSON,
	OPT_CODE,
	OPT_TAG,
	OPT_REGEX,
	OPT_LIST,
	OPT_INTEGERS,
	OPT_TOOL_CALL,
	OPT_FIRST,
	OPT_LAST,
	OPT_ALL,
	OPT_FIELDS,
	OPT_SCHEMA,
	OPT_COERCE,
	OPT_CHECK_FORMATS,
	OPT_REASONING,
	OPT_ACCEPT,
	OPT_TO_HISTORY,
	OPT_AS,
	OPT_KEEP
};

static const struct cli_option options[] = {
    {OPT_TEXT, "text", NULL, "the answer's text (the default)"},
    {OPT_JSON, "json", NULL, "the JSON value in it"},
    {OPT_CODE, "code", "[LANG]", "a fenced code block in it (of that language)"},
    {OPT_TAG, "tag", "NAME", "what stands between <NAME> and </NAME>"},
    {OPT_REGEX, "regex", "RE", "what a Perl-compatible expression matches"},
    {OPT_LIST, "list", NULL, "the items of a list, as an array of strings"},
    {OPT_INTEGERS, "integers", NULL,
	"the whole numbers in it, 1, 3-5, as an array"},
    {OPT_TOOL_CALL, "tool-call", "[NAME]",
	"the arguments of its call of a tool (of that name)"},
    {OPT_FIRST, "first", NULL, "of several the first (the default)"},
    {OPT_LAST, "last", NULL, "of several the last"},
    {OPT_ALL, "all", NULL, "all of them, as an array"},
    {OPT_FIELDS, "fields", "LIST", "of JSON these, each into a field: [NAME=]PATH"},
    {OPT_SCHEMA, "schema", "FILE",
	"the JSON must be what the JSON Schema in FILE says"},
    {OPT_COERCE, "coerce", NULL,
	"mend \"3\" for 3, and a value for an array of one"},
    {OPT_CHECK_FORMATS, "check-formats", NULL,
	"the schema's \"format\" counts, too"},
    {OPT_REASONING, "reasoning", "FIELD", "put what the model thought into FIELD"},
    {OPT_ACCEPT, "accept", "LIST",
	"take answers that ended in length, content_filter, refusal"},
    {'o', "output", "FIELD", "put it into FIELD (default text)"},
    {OPT_TO_HISTORY, "to-history", "FIELD", "add it to the conversation in FIELD"},
    {OPT_AS, "as", "ROLE", "who has said it, in that conversation"},
    {OPT_KEEP, "keep", NULL, "keep request and response"},
    {CLI_ERRORS, "errors", "FILE", "write failed entries to FILE"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-extract",
    "[--text|--json|--code[=LANG]|--tag NAME|--regex RE|--list|--integers|"
    "--tool-call[=NAME]] [--last|--all] [-o FIELD|--fields LIST] [--schema FILE] "
    "[--to-history FIELD --as ROLE] [FILE...]",
    "take what was asked for out of answers", options};

/* What each of the options looks for; NULL: the text itself. */
static const struct mode {
	int key;
	search_next *next;
	bool single;  /* there is one, and --last and --all mean nothing */
	bool indents; /* the first line's indentation has a meaning */
	bool json;    /* what is found may be any JSON: --fields */
} modes[] = {
    {OPT_TEXT, NULL, true, false, false},
    {OPT_JSON, next_json, false, false, true},
    {OPT_CODE, next_code, false, true, false},
    {OPT_TAG, next_tag, false, false, false},
    {OPT_REGEX, next_regex, false, false, false},
    {OPT_LIST, find_list, true, true, false},
    {OPT_INTEGERS, find_integers, true, false, false},
    {OPT_TOOL_CALL, next_call, false, false, true},
};

struct extract {
	const struct mode *mode;
	struct search search;
	struct buf field; /* its name */
	bool field_given;
	struct columns columns;     /* --fields */
	struct buf reasoning_field; /* empty: not asked for */
	struct turn turn;           /* --to-history */
	bool accepts[MISS_REFUSAL + 1];
	const char *schema; /* NULL: any JSON will do */
	bool formats;
	struct checked checked;
	const char *errors;
	bool which_given, keep;
	struct buf text;      /* the answer, decoded */
	struct buf value;     /* JSON, what is put in */
	struct buf reasoning; /* JSON */
};

static bool
is_tag_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			      c == '_' || (c & 0x80) != 0;

		if (!letter &&
		    (i == 0 || c == '\0' || strchr("0123456789-.:", c) == NULL))
			return false;
	}
	return s.n > 0;
}

static void
mode_set(struct extract *x, const struct cli *c, int key)
{
	struct span name = span_str(c->arg);
	struct err e = ERR_INIT;

	if (x->mode != NULL)
		cli_usage(c,
		    "%s: one of --text, --json, --code, --tag, --regex, --list, "
		    "--integers, --tool-call",
		    c->name);
	for (x->mode = modes; x->mode->key != key;)
		x->mode++;
	x->search.name = key == OPT_JSON ? SPAN_NONE : name;
	if (key == OPT_TAG && !is_tag_name(name))
		cli_usage(
		    c, "%s takes the tag's bare name, as in --tag answer", c->name);
	if (name.p != NULL && name.n == 0 && key != OPT_REGEX)
		cli_usage(c, "%s: the name is empty", c->name);
	if (key != OPT_REGEX)
		return;
	x->search.regex = regex_new(c->arg, false, &e);
	if (x->search.regex == NULL)
		cli_usage(c, "%s: %s", c->name, e.text);
	x->search.named = regex_has_names(x->search.regex);
}

static void
field_set(struct buf *field, const char *option, const char *text)
{
	struct err e = ERR_INIT;
	struct path *path = path_parse(span_str(text), &e);
	struct span name;

	if (path == NULL)
		msg_die(STATUS_CANNOT, "%s %s: %s", option, text, e.text);
	name = path_name(path);
	if (name.p == NULL || memchr(name.p, '\0', name.n) != NULL)
		msg_die(STATUS_CANNOT,
		    "%s %s: only a field of the entry itself can be put in", option,
		    text);
	buf_clear(field);
	buf_addspan(field, name);
	path_free(path);
}

/* A list of words, with commas between them. */
static void
accept_set(struct extract *x, const struct cli *c)
{
	static const enum miss all[] = {MISS_LENGTH, MISS_FILTER, MISS_REFUSAL};
	struct span rest = span_str(c->arg), word;
	bool known;

	do {
		word = span_of(rest.p, strcspn(rest.p, ","));
		known = false;
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			if (span_eq(word, span_str(miss_class(all[i]))))
				x->accepts[all[i]] = known = true;
		if (!known)
			cli_usage(c,
			    "%s takes length, content_filter, refusal, not '%.*s'",
			    c->name, (int)word.n, word.p);
		rest.p += word.n + (rest.n > word.n);
		rest.n -= word.n + (rest.n > word.n);
	} while (rest.n > 0);
}

static void
which_set(struct extract *x, const struct cli *c, int key)
{
	if (x->which_given)
		cli_usage(c, "%s: one of --first, --last, --all", c->name);
	x->which_given = true;
	x->search.which = key == OPT_ALL    ? WHICH_ALL
			  : key == OPT_LAST ? WHICH_LAST
					    : WHICH_FIRST;
}

static void
fields_set(struct extract *x, const struct cli *c)
{
	struct err e = ERR_INIT;

	if (x->columns.given)
		cli_usage(c, "--fields is given twice");
	if (columns_parse(&x->columns, span_str(c->arg), &e) < 0)
		cli_usage(c, "--fields: %s", e.text);
}

static void
role_set(struct extract *x, const struct cli *c)
{
	struct span role = span_str(c->arg);

	if (role.n == 0 || utf8_valid(role) != role.n)
		cli_usage(c, "%s takes a name, in UTF-8", c->name);
	if (span_eq(role, SPAN("system")))
		cli_usage(c, "%s: system is nobody who speaks", c->name);
	x->turn.role = role;
}

static void
option_set(struct extract *x, const struct cli *c, int key)
{
	switch (key) {
	case 'o':
		field_set(&x->field, "-o", c->arg);
		x->field_given = true;
		break;
	case OPT_REASONING:
		field_set(&x->reasoning_field, "--reasoning", c->arg);
		break;
	case OPT_FIELDS:
		fields_set(x, c);
		break;
	case OPT_SCHEMA:
		if (x->schema != NULL)
			cli_usage(c, "--schema is given twice");
		x->schema = c->arg;
		break;
	case OPT_COERCE:
		x->checked.coerce = true;
		break;
	case OPT_CHECK_FORMATS:
		x->formats = true;
		break;
	case OPT_ACCEPT:
		accept_set(x, c);
		break;
	case OPT_TO_HISTORY:
		field_set(&x->turn.field, c->name, c->arg);
		break;
	case OPT_AS:
		role_set(x, c);
		break;
	case OPT_FIRST:
	case OPT_LAST:
	case OPT_ALL:
		which_set(x, c, key);
		break;
	case OPT_KEEP:
		x->keep = true;
		break;
	case CLI_ERRORS:
		x->errors = c->arg;
		break;
	default:
		mode_set(x, c, key);
		break;
	}
}

/* Of --json, which it stands for, or of a tool call. */
static void
schema_read(struct extract *x, struct cli *c)
{
	struct schema_options o = {
	    .formats = x->formats, .refuse_duplicates = true};
	struct err e = ERR_INIT;

	if (x->schema == NULL && (x->formats || x->checked.coerce))
		cli_usage(c, "--coerce and --check-formats are for --schema");
	if (x->schema == NULL)
		return;
	if (x->mode == NULL)
		mode_set(x, c, OPT_JSON);
	if (!x->mode->json || x->search.which == WHICH_ALL)
		cli_usage(c, "--schema is for one --json or --tool-call");
	if (!x->field_given)
		field_set(&x->field, "-o", "parsed");
	x->search.alone = true;
	x->checked.schema = schema_load(x->schema, &o, NULL, &e);
	if (x->checked.schema == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
}

static void
history_check(const struct extract *x, const struct cli *c)
{
	bool asked = x->turn.field.len > 0;

	if (asked != (x->turn.role.p != NULL))
		cli_usage(c, "--to-history and --as go together");
	if (asked && x->search.named)
		cli_usage(c, "--to-history takes no groups with names");
	if (asked && x->field_given &&
	    span_eq(buf_span(&x->turn.field), buf_span(&x->field)))
		cli_usage(c, "--to-history and -o name the same field");
}

static void
options_read(struct extract *x, struct cli *c)
{
	int key;

	field_set(&x->field, "-o", "text");
	while ((key = cli_next(c)) != CLI_DONE)
		option_set(x, c, key);
	schema_read(x, c);
	if (x->mode == NULL)
		x->mode = modes;
	if (x->which_given && x->mode->single)
		cli_usage(c,
		    "--first, --last and --all are for --json, --code, --tag, "
		    "--regex and --tool-call");
	if (x->columns.given && (!x->mode->json || x->search.which == WHICH_ALL))
		cli_usage(c, "--fields is for one --json or --tool-call");
	if (x->columns.given && x->field_given)
		cli_usage(c, "either --fields or -o");
	history_check(x, c);
}

/* ---- answers ---- */

/* The decoded answer's part that was asked for, as JSON in x->value. */
static enum miss
answer_search(struct extract *x, struct span text)
{
	struct span thought = SPAN_NONE;
	enum miss miss = reasoning_strip(&text, &thought);

	if (thought.p != NULL && x->reasoning.len == 0)
		json_add_string(&x->reasoning, thought);
	if (!x->mode->indents)
		text = text_trim(text);
	if (miss == MISS_NONE && text_trim(text).n == 0)
		miss = MISS_EMPTY;
	if (miss != MISS_NONE)
		return miss;
	if (x->mode->next == NULL) {
		json_add_string(&x->value, text);
		return MISS_NONE;
	}
	search_begin(&x->search, text);
	return search_run(&x->search, x->mode->next, &x->value);
}

static enum miss
text_extract(struct extract *x, struct span value)
{
	struct span text;

	if (value.p == NULL || json_type(value) != JSON_STRING)
		return MISS_RESPONSE;
	text = span_of(value.p + 1, value.n - 2);
	if (x->mode->next == NULL && raw_trim(&text)) {
		buf_addc(&x->value, '"');
		buf_addspan(&x->value, text);
		buf_addc(&x->value, '"');
		return text.n == 0 ? MISS_EMPTY : MISS_NONE;
	}
	json_text(value, &x->text, &text);
	return answer_search(x, text);
}

static enum miss
answer_extract(struct extract *x, struct span response)
{
	struct span thought, calls;
	enum miss miss;

	if (response.p == NULL)
		return MISS_RESPONSE;
	miss = response_end(response);
	if (miss != MISS_NONE && !x->accepts[miss])
		return miss;
	buf_clear(&x->value);
	buf_clear(&x->reasoning);
	thought = json_get(response, "reasoning");
	if (thought.p != NULL && json_type(thought) == JSON_STRING)
		buf_addspan(&x->reasoning, thought);
	if (x->mode->next == next_call) {
		calls = json_get(response, "tool_calls");
		x->search.calls = json_iter(calls.p == NULL ? SPAN("[]") : calls);
		return search_run(&x->search, next_call, &x->value);
	}
	return text_extract(x, json_get(response, "text"));
}

/* ---- what is put in ---- */

/* The first of --fields that the JSON found has not, or NULL. */
static const struct column *
missing_field(const struct extract *x)
{
	for (size_t i = 0; i < x->columns.n; i++)
		if (path_find(x->columns.v[i].path, buf_span(&x->value)).p == NULL)
			return &x->columns.v[i];
	return NULL;
}

static void
put_fields(struct extract *x, struct entry *en)
{
	struct column *c;

	for (size_t i = 0; i < x->columns.n; i++) {
		c = &x->columns.v[i];
		entry_setn(en, c->name, path_find(c->path, buf_span(&x->value)));
	}
}

/* Named groups, each into its field; their names hold nothing to be escaped. */
static void
put_groups(struct extract *x, struct entry *en)
{
	struct json_iter it = json_iter(buf_span(&x->value));
	struct json_member m;

	while (json_next(&it, &m))
		entry_setn(en, m.key, m.value);
}

static void
put(struct extract *x, struct entry *en)
{
	if (!x->keep) {
		entry_del(en, "request");
		entry_del(en, "response");
	}
	if (x->columns.given)
		put_fields(x, en);
	else if (!x->field_given && x->search.which != WHICH_ALL && x->search.named)
		put_groups(x, en);
	else if (x->field_given || x->turn.field.len == 0)
		entry_set(en, buf_cstr(&x->field), buf_span(&x->value));
	if (x->reasoning_field.len > 0 && x->reasoning.len > 0)
		entry_set(
		    en, buf_cstr(&x->reasoning_field), buf_span(&x->reasoning));
	if (x->turn.field.len > 0)
		entry_set(en, buf_cstr(&x->turn.field), buf_span(&x->turn.turns));
}

static void
fail_miss(struct stage *st, struct entry *en, enum miss miss)
{
	stage_fail(st, en, miss_class(miss), "%s", miss_message(miss));
}

/* false: it is no turn of the conversation, and the entry has failed. */
static bool
is_turn(struct extract *x, struct stage *st, struct entry *en)
{
	struct err e = ERR_INIT;
	int rc;

	rc = turn_add(&x->turn, entry_get(en, buf_cstr(&x->turn.field)),
	    buf_span(&x->value), &e);
	if (rc < 0)
		stage_fail(st, en, "bad_history", "%s", e.text);
	else if (rc == 1)
		fail_miss(st, en, MISS_EMPTY);
	return rc == 0;
}

/* false: the JSON is not what the schema says, and the entry has failed. */
static bool
is_valid(struct extract *x, struct stage *st, struct entry *en)
{
	struct err e = ERR_INIT;
	int rc = checked_value(&x->checked, &x->value, &e);

	if (rc < 0)
		stage_fail(st, en, "gave_up", "%s", e.text);
	else if (rc == 0)
		stage_fail_json(st, en, buf_span(&x->checked.error));
	return rc == 1;
}

static bool
entry_extract(struct extract *x, struct stage *st, struct entry *en)
{
	enum miss miss = answer_extract(x, entry_get(en, "response"));
	const struct column *c;
	struct span path;

	if (miss != MISS_NONE) {
		fail_miss(st, en, miss);
		return true;
	}
	if (!is_valid(x, st, en))
		return true;
	c = missing_field(x);
	if (c != NULL) {
		path = path_text(c->path);
		stage_fail(st, en, "not_found", "no '%.*s' in the answer's JSON",
		    (int)path.n, path.p);
		return true;
	}
	if (x->turn.field.len > 0 && !is_turn(x, st, en))
		return true;
	put(x, en);
	return stage_emit(st, en);
}

static void
extract_release(struct extract *x)
{
	regex_free(x->search.regex);
	checked_release(&x->checked);
	buf_release(&x->search.body);
	columns_release(&x->columns);
	buf_release(&x->field);
	buf_release(&x->reasoning_field);
	turn_release(&x->turn);
	buf_release(&x->text);
	buf_release(&x->value);
	buf_release(&x->reasoning);
}

int
main(int argc, char **argv)
{
	struct extract x = {0};
	struct entry en = ENTRY_INIT;
	struct stage st;
	struct cli cli;
	int status;

	cli_start(&cli, &command, argc, argv);
	options_read(&x, &cli);
	stage_open(&st, &cli);
	if (x.errors != NULL)
		stage_errors(&st, x.errors);
	while (stage_entry(&st, &en))
		if (!entry_extract(&x, &st, &en))
			break;
	if (x.checked.mended > 0)
		msg_info("values mended to be what the schema says: %" PRIu64,
		    x.checked.mended);
	status = stage_close(&st);
	entry_release(&en);
	extract_release(&x);
	return status;
}
