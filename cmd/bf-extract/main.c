/*
 * bf-extract: takes out of each answer what was asked for.
 */
#include "base/msg.h"
#include "extract.h"
#include "json/path.h"
#include "json/stage.h"

enum {
	OPT_TEXT = CLI_FIRST,
	OPT_JSON,
	OPT_CODE,
	OPT_TAG,
	OPT_REGEX,
	OPT_LIST,
	OPT_KEEP
};

static const struct cli_option options[] = {
    {OPT_TEXT, "text", NULL, "the answer's text (the default)"},
    {OPT_JSON, "json", NULL, "the JSON value in it"},
    {OPT_CODE, "code", "[LANG]", "its first fenced code block (of that language)"},
    {OPT_TAG, "tag", "NAME", "what stands between <NAME> and </NAME>"},
    {OPT_REGEX, "regex", "RE", "what a Perl-compatible expression matches"},
    {OPT_LIST, "list", NULL, "the items of a list, as an array of strings"},
    {'o', "output", "FIELD", "put it into FIELD (default text)"},
    {OPT_KEEP, "keep", NULL, "keep request and response"},
    {CLI_ERRORS, "errors", "FILE", "write failed entries to FILE"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-extract",
    "[--text|--json|--code[=LANG]|--tag NAME|--regex RE|--list] [-o FIELD] "
    "[FILE...]",
    "take what was asked for out of answers", options};

static const struct {
	const char *class;
	const char *message;
} misses[] = {
    [MISS_RESPONSE] = {"no_response", "no response.text"},
    [MISS_REASONING] = {"reasoning_open",
	"the answer's reasoning block has no end: the answer itself is not there"},
    [MISS_EMPTY] = {"empty", "what was found is empty"},
    [MISS_JSON] = {"not_found", "no JSON in the answer"},
    [MISS_JSON_BUDGET] = {"gave_up",
	"too many brackets that never close to look for JSON among them"},
    [MISS_CODE] = {"not_found", "no such code block in the answer"},
    [MISS_CODE_OPEN] = {"not_closed", "the answer's code block has no end"},
    [MISS_TAG] = {"not_found", "the tag is not in the answer"},
    [MISS_TAG_OPEN] = {"not_closed", "the tag in the answer has no end tag"},
    [MISS_REGEX] = {"not_found", "the expression does not match the answer"},
    [MISS_REGEX_GROUP] = {"not_found",
	"the expression matches, but its first group took no part"},
    [MISS_REGEX_LIMIT] = {"gave_up",
	"the expression backtracks too much on the answer"},
    [MISS_LIST] = {"not_found", "no list in the answer"},
};

struct extract {
	int mode;
	struct span argument; /* LANG or NAME */
	struct regex *regex;
	struct buf field; /* its name */
	const char *errors;
	bool keep;
	struct buf text;  /* the answer, decoded */
	struct buf found; /* code */
	struct buf value; /* JSON, what is put in */
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
	struct err e = ERR_INIT;

	if (x->mode != 0)
		cli_usage(c,
		    "%s: one of --text, --json, --code, --tag, --regex, --list",
		    c->name);
	x->mode = key;
	x->argument = span_str(c->arg);
	if (key == OPT_TAG && !is_tag_name(x->argument))
		cli_usage(
		    c, "%s takes the tag's bare name, as in --tag answer", c->name);
	if (key == OPT_CODE && x->argument.p != NULL && x->argument.n == 0)
		cli_usage(c, "%s: the language is empty", c->name);
	if (key != OPT_REGEX)
		return;
	x->regex = regex_new(c->arg, false, &e);
	if (x->regex == NULL)
		cli_usage(c, "%s: %s", c->name, e.text);
}

static void
field_set(struct extract *x, const char *text)
{
	struct err e = ERR_INIT;
	struct path *path = path_parse(span_str(text), &e);
	struct span name;

	if (path == NULL)
		msg_die(STATUS_CANNOT, "-o %s: %s", text, e.text);
	name = path_name(path);
	if (name.p == NULL || memchr(name.p, '\0', name.n) != NULL)
		msg_die(STATUS_CANNOT,
		    "-o %s: only a field of the entry itself can be put in", text);
	buf_clear(&x->field);
	buf_addspan(&x->field, name);
	path_free(path);
}

static void
options_read(struct extract *x, struct cli *c)
{
	int key;

	field_set(x, "text");
	while ((key = cli_next(c)) != CLI_DONE)
		switch (key) {
		case 'o':
			field_set(x, c->arg);
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
	if (x->mode == 0)
		x->mode = OPT_TEXT;
}

static enum miss
text_put(struct extract *x, enum miss miss, struct span text)
{
	if (miss == MISS_NONE)
		json_add_string(&x->value, text);
	return miss;
}

/* The decoded answer's part that was asked for, as JSON in x->value. */
static enum miss
answer_search(struct extract *x, struct span text)
{
	struct span found = SPAN_NONE;
	enum miss miss = reasoning_strip(&text);

	/* In these two the first line's indentation has a meaning. */
	if (x->mode != OPT_CODE && x->mode != OPT_LIST)
		text = text_trim(text);
	if (miss == MISS_NONE && text_trim(text).n == 0)
		miss = MISS_EMPTY;
	if (miss != MISS_NONE)
		return miss;
	switch (x->mode) {
	case OPT_JSON:
		return find_json(text, &x->value);
	case OPT_LIST:
		return find_list(text, &x->value);
	case OPT_CODE:
		buf_clear(&x->found);
		miss = find_code(text, x->argument, &x->found);
		return text_put(x, miss, buf_span(&x->found));
	case OPT_TAG:
		miss = find_tag(text, x->argument, &found);
		return text_put(x, miss, found);
	case OPT_REGEX:
		miss = find_regex(text, x->regex, &found);
		return text_put(x, miss, found);
	default:
		return text_put(x, MISS_NONE, text);
	}
}

static enum miss
answer_extract(struct extract *x, struct span value)
{
	struct span text;

	buf_clear(&x->value);
	if (value.p == NULL || json_type(value) != JSON_STRING)
		return MISS_RESPONSE;
	text = span_of(value.p + 1, value.n - 2);
	if (x->mode == OPT_TEXT && raw_trim(&text)) {
		buf_addc(&x->value, '"');
		buf_addspan(&x->value, text);
		buf_addc(&x->value, '"');
		return text.n == 0 ? MISS_EMPTY : MISS_NONE;
	}
	json_text(value, &x->text, &text);
	return answer_search(x, text);
}

static bool
entry_extract(struct extract *x, struct stage *st, struct entry *en)
{
	struct span response = entry_get(en, "response"), text = SPAN_NONE;
	enum miss miss;

	if (response.p != NULL)
		text = json_get(response, "text");
	miss = answer_extract(x, text);
	if (miss != MISS_NONE) {
		stage_fail(st, en, misses[miss].class, "%s", misses[miss].message);
		return true;
	}
	if (!x->keep) {
		entry_del(en, "request");
		entry_del(en, "response");
	}
	entry_set(en, buf_cstr(&x->field), buf_span(&x->value));
	return stage_emit(st, en);
}

static void
extract_release(struct extract *x)
{
	regex_free(x->regex);
	buf_release(&x->field);
	buf_release(&x->text);
	buf_release(&x->found);
	buf_release(&x->value);
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
	status = stage_close(&st);
	entry_release(&en);
	extract_release(&x);
	return status;
}
