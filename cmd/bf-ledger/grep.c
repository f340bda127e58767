/* bf-ledger grep: the calls in whose texts an expression matches. */
#include "pick.h"
#include "subcommand.h"

#include "base/msg.h"
#include "io/hash.h"
#include "io/regex.h"
#include "io/visible.h"
#include "json/json.h"

enum { OPT_JSON = CLI_FIRST, AROUND = 40 };

static const struct cli_option options[] = {
    {'i', "ignore-case", NULL, "large and small letters are the same"},
    {'k', "keys", NULL, "print keys alone"},
    {OPT_JSON, "json", NULL, "print the records as they are recorded"},
    LEDGER_OPTION,
    PICK_TIMES,
    PICK_FINISH_REASON,
    {PICK_CURRENT, "current", NULL, "only the answers that serve now"},
    CLI_COMMON_BASIC,
    CLI_END,
};
static const struct cli_command command = {"bf-ledger grep",
    "[-l DIR] [-i] [--keys|--json] [--since TIME] [--until TIME] [--model MODEL] "
    "RE",
    "find calls by what was asked or answered", options};

struct grep {
	struct regex *regex;
	bool keys, json, found;
	struct buf out, text;
};

/* ---- where it matches ---- */

/* Where a character begins that is some bytes before or after. */
static size_t
round_down(struct span s, size_t at)
{
	while (at > 0 && at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80)
		at--;
	return at;
}

/* The match with a little around it, on one line. */
static void
add_excerpt(struct buf *out, struct span s, size_t from, size_t to)
{
	size_t begin = round_down(s, from > AROUND ? from - AROUND : 0);
	size_t end = round_down(s, to + AROUND < s.n ? to + AROUND : s.n);

	if (begin > 0)
		buf_adds(out, "...");
	visible_add_line(out, span_of(s.p + begin, end - begin));
	if (end < s.n)
		buf_adds(out, "...");
}

static bool
matches(struct grep *g, struct span s, size_t *from, size_t *to)
{
	struct err e = ERR_INIT;
	int rc = regex_find(g->regex, s, &e);
	struct span match;

	if (rc < 0)
		msg_die(STATUS_CANNOT,
		    "the expression backtracks too much, simplify it: %s", e.text);
	if (rc == 0)
		return false;
	match = regex_group(g->regex, s, 0);
	*from = (size_t)(match.p - s.p);
	*to = *from + match.n;
	return true;
}

/* Looks at each string of a value; the first that matches is in g->text. */
static bool
find_in(struct grep *g, struct span value, size_t *from, size_t *to)
{
	struct json_iter it = json_iter(value);
	struct json_member m;

	if (value.p == NULL)
		return false;
	if (json_type(value) == JSON_STRING) {
		buf_clear(&g->text);
		json_unescape(&g->text, span_of(value.p + 1, value.n - 2));
		return matches(g, buf_span(&g->text), from, to);
	}
	while (json_next(&it, &m))
		if (!json_key_is(m.key, SPAN("role")) &&
		    !json_key_is(m.key, SPAN("type")) &&
		    find_in(g, m.value, from, to))
			return true;
	return false;
}

/* What was asked, then what was answered. */
static bool
find(struct grep *g, const struct picked *p, size_t *from, size_t *to)
{
	static const struct span names[] = {
	    SPAN_INIT("text"), SPAN_INIT("reasoning"), SPAN_INIT("tool_calls")};
	struct span request = p->rec->request, in[3];

	if (request.p != NULL &&
	    find_in(g, json_get(request, "messages"), from, to))
		return true;
	if (p->response.p == NULL)
		return find_in(g, p->rec->response, from, to);
	json_pick(p->response, names, in, 3);
	for (int i = 0; i < 3; i++)
		if (find_in(g, in[i], from, to))
			return true;
	return false;
}

static void
try_record(void *arg, const struct picked *p)
{
	struct grep *g = arg;
	struct buf *out = &g->out;
	char hex[2 * LEDGER_KEY_SIZE];
	size_t from, to;

	if (!find(g, p, &from, &to))
		return;
	g->found = true;
	hash_hex(p->rec->key, LEDGER_KEY_SIZE, hex);
	if (g->json) {
		buf_addspan(out, p->line);
	} else {
		buf_add(out, hex, sizeof(hex));
		if (!g->keys) {
			buf_addc(out, '\t');
			visible_add_line(out, p->rec->model);
			buf_addc(out, '\t');
			add_excerpt(out, buf_span(&g->text), from, to);
		}
	}
	buf_addc(out, '\n');
	change_put_much(out);
}

int
ledger_grep(int argc, char **argv)
{
	struct grep g = {.out = BUF_INIT};
	struct pick pick;
	struct cli cli;
	struct err e = ERR_INIT;
	bool ignore_case = false;
	int key, status;

	pick_init(&pick);
	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		if (key == 'i')
			ignore_case = true;
		else if (key == 'k')
			g.keys = true;
		else if (key == OPT_JSON)
			g.json = true;
		else
			pick_option(&pick, &cli, key);
	if (cli.noperands != 1)
		cli_usage(&cli, "one expression is taken");
	if (g.keys && g.json)
		cli_usage(&cli, "--keys or --json, not both");
	g.regex = regex_new(cli.operands[0], ignore_case, &e);
	if (g.regex == NULL)
		cli_usage(&cli, "'%s', %s", cli.operands[0], e.text);
	status = pick_walk(&pick, try_record, &g);
	change_put(&g.out);
	/* As grep(1) has it: 1 is that there is none, and all was looked at. */
	status = status != STATUS_OK ? STATUS_CANNOT : g.found ? STATUS_OK : 1;
	regex_free(g.regex);
	buf_release(&g.out);
	buf_release(&g.text);
	return status;
}
