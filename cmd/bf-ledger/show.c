/* bf-ledger show: a call as a person reads it, with all that happened to it. */
#include "pick.h"
#include "subcommand.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/hash.h"
#include "io/visible.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdlib.h>

enum { OPT_JSON = CLI_FIRST };

static const struct cli_option options[] = {
    LEDGER_OPTION,
    {OPT_JSON, "json", NULL, "print the records as they are recorded"},
    CLI_COMMON_BASIC,
    CLI_END,
};
static const struct cli_command command = {"bf-ledger show",
    "[-l DIR] [--json] KEY...",
    "print calls: the exact request and answer, the attempts", options};

struct shown {
	int64_t time;
	size_t number; /* in the order of the ledger */
	size_t at;     /* in out, up to the next one's */
};

struct show {
	struct buf out;
	bool json;
	struct shown *shown;
	size_t n;
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
		visible_add_line(out, value);
		return;
	}
	buf_addc(out, it.object ? '{' : '[');
	while (json_next(&it, &m)) {
		if (n++ > 0)
			buf_addc(out, ',');
		new_line(out, depth + 1);
		if (m.key.p != NULL) {
			buf_addc(out, '"');
			visible_add_line(out, m.key);
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
	if (r->class.p != NULL) {
		buf_adds(out, ": ");
		visible_add_line(out, r->class);
	}
	buf_addc(out, '\n');
	if (r->model.p != NULL) {
		buf_adds(out, "model ");
		visible_add_line(out, r->model);
		buf_adds(out, " at ");
		visible_add_line(out, r->endpoint);
	}
	if (r->attempts > 0)
		buf_addf(out, ", attempt%s %d, the last %" PRId64 " ms",
		    change_many((uint64_t)r->attempts), r->attempts, r->millis);
	if (r->http != 0)
		buf_addf(out, ", HTTP %d", r->http);
	if (r->cost.p != NULL) {
		buf_adds(out, ", $");
		buf_addspan(out, r->cost);
	}
	if (r->usage.p != NULL) {
		buf_adds(out, ", tokens ");
		visible_add_line(out, r->usage);
	}
	if (r->model.p != NULL)
		buf_addc(out, '\n');
}

/* What was said, as it reads. */
static void
add_text(struct buf *out, struct span value)
{
	struct buf scratch = BUF_INIT;
	struct span text;

	if (value.p != NULL && json_text(value, &scratch, &text) && text.n > 0) {
		buf_adds(out, "text:\n");
		visible_add(out, text);
		if (out->data[out->len - 1] != '\n')
			buf_addc(out, '\n');
	}
	buf_release(&scratch);
}

static void
add_record(void *arg, const struct picked *p)
{
	struct show *s = arg;
	struct buf *out = &s->out;

	s->shown = mem_resize(s->shown, s->n + 1, sizeof(*s->shown));
	s->shown[s->n] = (struct shown){p->rec->time, s->n, out->len};
	s->n++;
	if (s->json) {
		buf_addspan(out, p->line);
		buf_addc(out, '\n');
		return;
	}
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
	if (p->response.p != NULL)
		add_text(out, json_get(p->response, "text"));
}

static int
by_time(const void *a, const void *b)
{
	const struct shown *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

/* Segments are in the order in which they were begun, records in that of time. */
static void
put_all(struct show *s)
{
	size_t *ends = mem_zero(s->n + 1, sizeof(*ends));
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < s->n; i++)
		ends[i] = i + 1 < s->n ? s->shown[i + 1].at : s->out.len;
	if (s->n > 0)
		qsort(s->shown, s->n, sizeof(*s->shown), by_time);
	for (size_t i = 0; i < s->n; i++) {
		const struct shown *one = &s->shown[i];
		if (i > 0 && !s->json)
			buf_addc(&out, '\n');
		buf_add(&out, s->out.data + one->at, ends[one->number] - one->at);
	}
	change_put(&out);
	buf_release(&out);
	free(ends);
	free(s->shown);
	buf_release(&s->out);
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
	put_all(&show);
	return status;
}
