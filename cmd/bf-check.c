/* bf-check: lets good answers through, and sends bad ones back to be repaired. */
#include "answer/find.h"
#include "answer/judge.h"
#include "answer/reask.h"
#include "base/msg.h"
#include "engine/request.h"
#include "json/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

enum { OPT_SCHEMA = CLI_FIRST, OPT_COERCE, OPT_CHECK_FORMATS };

#define REPAIR_FD 3

static const struct cli_option options[] = {
    {OPT_SCHEMA, "schema", "FILE",
	"a good answer is JSON as the JSON Schema in FILE says"},
    {OPT_COERCE, "coerce", NULL,
	"mend \"3\" for 3, and a value for an array of one"},
    {OPT_CHECK_FORMATS, "check-formats", NULL,
	"the schema's \"format\" counts, too"},
    {'n', "repairs", "N", "have an entry repaired N times at most (default 3)"},
    {CLI_ERRORS, "errors", "FILE", "write failed entries to FILE"},
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-check",
    "--schema FILE [-n N] [--errors FILE] [FILE...] 3>REQUESTS",
    "let good answers through, and send bad ones back", options};

struct check {
	struct judge *judge;
	uint64_t most; /* repairs of an entry */
	const char *errors;
	struct jsonl_writer back; /* repair requests */
	struct request request;
	struct buf response, body, text;
	uint64_t good, sent;
};

static void
read_options(struct check *x, struct cli *cli)
{
	const char *schema = NULL;
	bool coerce = false, formats = false;
	struct err e = ERR_INIT;
	int key;

	x->most = 3;
	while ((key = cli_next(cli)) != CLI_DONE)
		switch (key) {
		case OPT_SCHEMA:
			schema = cli->arg;
			break;
		case OPT_COERCE:
			coerce = true;
			break;
		case OPT_CHECK_FORMATS:
			formats = true;
			break;
		case 'n':
			x->most = cli_u64(cli);
			break;
		case CLI_ERRORS:
			x->errors = cli->arg;
			break;
		}
	if (schema == NULL)
		cli_usage(cli, "--schema FILE is missing");
	x->judge = judge_new(schema, coerce, formats, &e);
	if (x->judge == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
}

/* How often an entry has been sent back. */
static uint64_t
repairs_of(const struct entry *en)
{
	struct span v = entry_get(en, "repairs");
	int64_t n;

	return v.p != NULL && json_i64(v, &n) && n > 0 ? (uint64_t)n : 0;
}

static bool
pass(struct check *x, struct stage *st, struct entry *en, struct span response)
{
	buf_clear(&x->response);
	judge_parsed(x->judge, response, &x->response);
	entry_set(en, "response", buf_span(&x->response));
	entry_del(en, "error");
	x->good++;
	return stage_emit(st, en);
}

/* The entry with the request that has its answer repaired. */
static void
send_back(struct check *x, struct stage *st, struct entry *en, struct span body)
{
	struct span said = SPAN_NONE;
	struct buf count = BUF_INIT;

	(void)json_text(
	    json_get(entry_get(en, "response"), "text"), &x->text, &said);
	buf_clear(&x->body);
	reask_write(&x->body, body,
	    &(struct reask){.answer = said,
		.error = judge_error(x->judge),
		.schema = judge_schema(x->judge)});
	buf_addi(&count, (int64_t)repairs_of(en) + 1);
	entry_set(en, "request", buf_span(&x->body));
	entry_set(en, "repairs", buf_span(&count));
	entry_del(en, "response");
	entry_del(en, "error");
	entry_write(en, jsonl_out(&x->back));
	if (jsonl_flush(&x->back) != 0) {
		stage_stop(st, STATUS_CANNOT, "descriptor %d: %s", REPAIR_FD,
		    strerror(errno));
	}
	x->sent++;
	buf_release(&count);
}

static void
check_bad(struct check *x, struct stage *st, struct entry *en, struct span response)
{
	struct err e = ERR_INIT;
	struct span body;

	if (repairs_of(en) >= x->most ||
	    json_get(response, "tool_calls").p != NULL) {
		stage_fail_json(st, en, judge_error(x->judge));
		return;
	}
	body = request_body(&x->request, en, &e);
	if (body.p == NULL)
		stage_fail(
		    st, en, "bad_request", "cannot be sent back: %s", e.text);
	else
		send_back(x, st, en, body);
}

static bool
check_entry(struct check *x, struct stage *st, struct entry *en)
{
	struct span response = entry_get(en, "response");
	enum miss miss = MISS_RESPONSE;

	if (response.p != NULL && json_type(response) == JSON_OBJECT)
		miss = response_end(response);
	if (miss != MISS_NONE) {
		stage_fail(st, en, miss_class(miss), "%s", miss_message(miss));
		return true;
	}
	switch (judge_text(x->judge, json_get(response, "text"))) {
	case JUDGE_GOOD:
		return pass(x, st, en, response);
	case JUDGE_BAD:
		check_bad(x, st, en, response);
		break;
	case JUDGE_UNKNOWN:
		stage_fail_json(st, en, judge_error(x->judge));
		break;
	}
	return !stage_stopped(st);
}

/* What was sent back is no more whole than what went on. */
static void
close_back(struct check *x, struct stage *st)
{
	if (!stage_is_cut(st) || x->back.failed != 0)
		return;
	buf_addspan(jsonl_out(&x->back), buf_span(&st->incomplete));
	(void)jsonl_flush(&x->back);
}

int
main(int argc, char **argv)
{
	bool is_open = fcntl(REPAIR_FD, F_GETFD) >= 0;
	struct check x = {.good = 0};
	struct entry en = ENTRY_INIT;
	struct stage st;
	struct cli cli;
	int status;

	cli_start(&cli, &command, argc, argv);
	read_options(&x, &cli);
	if (!is_open)
		cli_usage(&cli,
		    "descriptor %d is not open: say where answers are sent back, "
		    "as in "
		    "%d>again.jsonl",
		    REPAIR_FD, REPAIR_FD);
	jsonl_writer_init(&x.back, REPAIR_FD);
	stage_open(&st, &cli);
	if (x.errors != NULL)
		stage_errors(&st, x.errors);
	while (stage_entry(&st, &en))
		if (!check_entry(&x, &st, &en))
			break;
	close_back(&x, &st);
	if (x.sent > 0)
		msg_info("%" PRIu64 " of %" PRIu64 " answers sent back", x.sent,
		    x.good + x.sent + st.failed);
	status = stage_close(&st);
	entry_release(&en);
	request_release(&x.request);
	judge_free(x.judge);
	jsonl_writer_release(&x.back);
	buf_release(&x.response);
	buf_release(&x.body);
	buf_release(&x.text);
	return status;
}
