/* bf-ledger export: answers as lines to fine-tune a model with. */
#include "pick.h"
#include "subcommand.h"

#include "base/msg.h"
#include "engine/inlined.h"
#include "json/json.h"

#include <inttypes.h>

static const struct cli_option options[] = {
    LEDGER_OPTION,
    PICK_TIMES,
    {PICK_FINISH, "finish-reason", "REASON",
	"answers that ended in this (default stop)"},
    CLI_COMMON_BASIC,
    CLI_END,
};
static const struct cli_command command = {"bf-ledger export",
    "[-l DIR] [--since TIME] [--until TIME] [--model MODEL] [--finish-reason "
    "REASON] "
    "[KEY...]",
    "print conversations to fine-tune a model with", options};

struct sum {
	struct buf out;
	const char *finish;
	uint64_t exported, skipped;
	uint64_t without; /* the images that were asked about */
};

/* The assistant's turn; false if there is nothing in it. */
static bool
add_turn(struct buf *out, struct span response)
{
	struct span text = json_get(response, "text");
	struct span tools = json_get(response, "tool_calls");

	if (json_get(response, "refusal").p != NULL || text.p == NULL ||
	    (text.n <= 2 && tools.p == NULL))
		return false;
	buf_adds(out, "{\"role\":\"assistant\",\"content\":");
	if (text.n <= 2)
		buf_adds(out, "null");
	else
		buf_addspan(out, text);
	if (tools.p != NULL) {
		buf_adds(out, ",\"tool_calls\":");
		buf_addspan(out, tools);
	}
	buf_addc(out, '}');
	return true;
}

/* Tool calls mean nothing without the tools. */
static void
add_tools(struct buf *out, struct span request)
{
	static const struct span names[] = {
	    SPAN_INIT("tools"), SPAN_INIT("parallel_tool_calls")};
	struct span in[2];

	json_pick(request, names, in, 2);
	for (int i = 0; i < 2; i++)
		if (in[i].p != NULL) {
			buf_addf(out, ",\"%s\":", names[i].p);
			buf_addspan(out, in[i]);
		}
}

static void
add_conversation(void *arg, const struct picked *p)
{
	struct sum *sum = arg;
	struct buf *out = &sum->out;
	struct span reason = SPAN_NONE, messages = SPAN_NONE;
	size_t begin = out->len;

	if (p->response.p != NULL && p->rec->request.p != NULL) {
		reason = json_get(p->response, "finish_reason");
		messages = json_get(p->rec->request, "messages");
	}
	if (messages.p != NULL && inlined_is_digest(messages)) {
		sum->without++;
		return;
	}
	if (messages.p != NULL && json_type(messages) == JSON_ARRAY &&
	    reason.p != NULL && json_is(reason, sum->finish)) {
		buf_adds(out, "{\"messages\":");
		buf_add(out, messages.p, messages.n - 1);
		if (!json_is_empty(messages))
			buf_addc(out, ',');
		if (add_turn(out, p->response)) {
			buf_addc(out, ']');
			add_tools(out, p->rec->request);
			buf_adds(out, "}\n");
			sum->exported++;
			change_put_much(out);
			return;
		}
		out->len = begin;
	}
	sum->skipped++;
}

int
ledger_export(int argc, char **argv)
{
	struct sum sum = {.out = BUF_INIT, .finish = "stop"};
	struct pick pick;
	struct cli cli;
	int key, status;

	pick_init(&pick);
	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		if (key == PICK_FINISH)
			sum.finish = cli.arg;
		else
			pick_option(&pick, &cli, key);
	pick_keys(&pick, &cli);
	pick.status = LEDGER_OK;
	pick.current = true;
	status = pick_walk(&pick, add_conversation, &sum);
	change_put(&sum.out);
	buf_release(&sum.out);
	msg_info("%" PRIu64 " conversation%s, %" PRIu64
		 " answer%s left out: refused, empty, or not ended in %s",
	    sum.exported, change_many(sum.exported), sum.skipped,
	    change_many(sum.skipped), sum.finish);
	if (sum.without > 0)
		msg_warn("%" PRIu64
			 " answer%s left out: their images or files are not in the "
			 "ledger, which keeps digests of them",
		    sum.without, change_many(sum.without));
	return status;
}
