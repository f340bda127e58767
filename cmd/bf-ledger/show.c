/* bf-ledger show: a call as a person reads it, with all that happened to it. */
#include "pick.h"
#include "subcommand.h"

#include "base/msg.h"
#include "io/hash.h"

#include <inttypes.h>

enum { OPT_JSON = CLI_FIRST };

static const struct cli_option options[] = {
    PICK_LEDGER,
    {OPT_JSON, "json", NULL, "print the records as they are recorded"},
    CLI_COMMON_BASIC,
    CLI_END,
};
static const struct cli_command command = {"bf-ledger show",
    "[-l DIR] [--json] KEY...",
    "print calls: the exact request and answer, the attempts", options};

struct show {
	struct buf out;
	bool json;
	uint64_t n;
};

/* ---- JSON with a line a member ---- */

static void
new_line(struct buf *out, size_t depth)
{
	buf_addc(out, '\n');
	for (size_t i = 0; i < depth; i++)
		buf_adds(out, "  ");
}

/* Strings as they are written: what is shown is what was sent. */
static void
add_pretty(struct buf *out, struct span value, size_t depth)
{
	struct json_iter it = json_iter(value);
	struct json_member m;
	size_t n = 0;

	if (json_type(value) != JSON_OBJECT && json_type(value) != JSON_ARRAY) {
		buf_addspan(out, value);
		return;
	}
	buf_addc(out, it.object ? '{' : '[');
	while (json_next(&it, &m)) {
		if (n++ > 0)
			buf_addc(out, ',');
		new_line(out, depth + 1);
		if (m.key.p != NULL) {
			buf_addc(out, '"');
			buf_addspan(out, m.key);
			buf_adds(out, "\": ");
		}
		add_pretty(out, m.value, depth + 1);
	}
	if (n > 0)
		new_line(out, depth);
	buf_addc(out, json_type(value) == JSON_OBJECT ? '}' : ']');
}

/* ---- a record ---- */

static const char *
status_name(enum ledger_status s)
{
	return s == LEDGER_OK       ? "answer"
	       : s == LEDGER_ERROR  ? "failed"
	       : s == LEDGER_FORGET ? "withdrawn"
				    : "batch";
}

static void
add_head(struct buf *out, const struct ledger_record *r)
{
	char hex[2 * LEDGER_KEY_SIZE];

	hash_hex(r->key, LEDGER_KEY_SIZE, hex);
	buf_addf(out, "%.*s  ", (int)sizeof(hex), hex);
	pick_add_time(out, r->time);
	buf_addf(out, "  %s", status_name(r->status));
	if (r->class.p != NULL)
		buf_addf(out, ": %.*s", (int)r->class.n, r->class.p);
	buf_addc(out, '\n');
	if (r->model.p != NULL)
		buf_addf(out, "model %.*s at %.*s", (int)r->model.n, r->model.p,
		    (int)r->endpoint.n, r->endpoint.p == NULL ? "" : r->endpoint.p);
	if (r->attempts > 0)
		buf_addf(out, ", attempt%s %d, the last %" PRId64 " ms",
		    change_many((uint64_t)r->attempts), r->attempts, r->millis);
	if (r->http != 0)
		buf_addf(out, ", HTTP %d", r->http);
	if (r->usage.p != NULL) {
		buf_adds(out, ", tokens ");
		buf_addspan(out, r->usage);
	}
	if (r->model.p != NULL)
		buf_addc(out, '\n');
}

static void
add_record(void *arg, const struct picked *p)
{
	struct show *s = arg;
	struct buf *out = &s->out;

	if (s->json) {
		buf_addspan(out, p->line);
		buf_addc(out, '\n');
		return;
	}
	if (s->n++ > 0)
		buf_addc(out, '\n');
	add_head(out, p->rec);
	if (p->rec->request.p != NULL) {
		buf_adds(out, "request ");
		add_pretty(out, p->rec->request, 0);
		buf_addc(out, '\n');
	}
	if (p->rec->response.p != NULL &&
	    json_type(p->rec->response) != JSON_NULL) {
		buf_adds(out, "answer ");
		add_pretty(out, p->rec->response, 0);
		buf_addc(out, '\n');
	}
}

int
ledger_show(int argc, char **argv)
{
	struct show show = {.out = BUF_INIT};
	struct pick pick;
	struct cli cli;
	int key, status;

	pick_init(&pick);
	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		if (key == OPT_JSON)
			show.json = true;
		else
			pick_option(&pick, &cli, key);
	if (cli.noperands == 0)
		cli_usage(&cli, "which key? bf-ledger grep finds them");
	pick_keys(&pick, &cli);
	status = pick_walk(&pick, add_record, &show);
	change_put(&show.out);
	buf_release(&show.out);
	return status;
}
