/* bf-ledger grep: the calls in whose texts an expression matches. */
#include "pick.h"
#include "subcommand.h"

#include "base/msg.h"
#include "io/hash.h"
#include "io/visible.h"
#include "json/json.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* An expression that backtracks without end fails in bounded time and memory. */
#define MATCH_LIMIT     2000000
#define HEAP_LIMIT_KIB  65536
#define JIT_STACK_START ((size_t)32 << 10)
#define JIT_STACK_MAX   ((size_t)8 << 20)

enum { OPT_JSON = CLI_FIRST, OUT_MOST = 128 << 10, AROUND = 40 };

static const struct cli_option options[] = {
    {'i', "ignore-case", NULL, "large and small letters are the same"},
    {'k', "keys", NULL, "print keys alone"},
    {OPT_JSON, "json", NULL, "print the records as they are recorded"},
    PICK_LEDGER,
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
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	pcre2_jit_stack *stack;
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
	PCRE2_SIZE *at;
	PCRE2_UCHAR why[200];
	int rc = pcre2_match(g->code, (PCRE2_SPTR)s.p, s.n, 0, PCRE2_NO_UTF_CHECK,
	    g->match, g->limits);

	if (rc == PCRE2_ERROR_NOMATCH)
		return false;
	if (rc < 0) {
		pcre2_get_error_message(rc, why, sizeof(why));
		msg_die(STATUS_CANNOT,
		    "the expression backtracks too much, simplify it: %s",
		    (const char *)why);
	}
	at = pcre2_get_ovector_pointer(g->match);
	*from = at[0];
	*to = at[1] > at[0] ? at[1] : at[0];
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
	if (out->len >= OUT_MOST)
		change_put(out);
}

/* ---- the expression ---- */

static void
compile(
    struct grep *g, const struct cli *cli, const char *pattern, bool ignore_case)
{
	PCRE2_UCHAR text[200];
	PCRE2_SIZE at;
	int code;

	g->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	    PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C |
		(ignore_case ? PCRE2_CASELESS : 0),
	    &code, &at, NULL);
	if (g->code == NULL) {
		pcre2_get_error_message(code, text, sizeof(text));
		cli_usage(cli, "'%s', at byte %zu: %s", pattern, (size_t)at + 1,
		    (const char *)text);
	}
	g->limits = pcre2_match_context_create(NULL);
	g->match = pcre2_match_data_create_from_pattern(g->code, NULL);
	if (g->limits == NULL || g->match == NULL)
		msg_die(STATUS_CANNOT, "out of memory");
	pcre2_set_match_limit(g->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(g->limits, HEAP_LIMIT_KIB);
	if (pcre2_jit_compile(g->code, PCRE2_JIT_COMPLETE) != 0)
		return;
	g->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	if (g->stack != NULL)
		pcre2_jit_stack_assign(g->limits, NULL, g->stack);
}

static void
release(struct grep *g)
{
	pcre2_jit_stack_free(g->stack);
	pcre2_match_data_free(g->match);
	pcre2_match_context_free(g->limits);
	pcre2_code_free(g->code);
	buf_release(&g->out);
	buf_release(&g->text);
}

int
ledger_grep(int argc, char **argv)
{
	struct grep g = {.out = BUF_INIT};
	struct pick pick;
	struct cli cli;
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
	compile(&g, &cli, cli.operands[0], ignore_case);
	status = pick_walk(&pick, try_record, &g);
	change_put(&g.out);
	/* As grep(1) has it: 1 is that there is none, and all was looked at. */
	status = status != STATUS_OK ? STATUS_CANNOT : g.found ? STATUS_OK : 1;
	release(&g);
	return status;
}
