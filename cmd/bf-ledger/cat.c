/* bf-ledger cat: records as they are recorded, for other tools. */
#include "pick.h"
#include "subcommand.h"

#include "base/msg.h"
#include "io/fdio.h"

static const struct cli_option options[] = {
    LEDGER_OPTION,
    PICK_TIMES,
    {PICK_STATUS, "status", "STATUS", "ok, error, forget or batch records alone"},
    PICK_FINISH_REASON,
    {PICK_CURRENT, "current", NULL, "only the answers that serve now"},
    CLI_COMMON_BASIC,
    CLI_END,
};
static const struct cli_command command = {"bf-ledger cat",
    "[-l DIR] [--since TIME] [--until TIME] [--model MODEL] [--current] [KEY...]",
    "print records as JSON Lines", options};

static void
put_line(void *arg, const struct picked *p)
{
	struct buf *out = arg;

	buf_addspan(out, p->line);
	buf_addc(out, '\n');
	change_put_much(out);
}

int
ledger_cat(int argc, char **argv)
{
	struct buf out = BUF_INIT;
	struct pick pick;
	struct cli cli;
	int key, status;

	pick_init(&pick);
	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		pick_option(&pick, &cli, key);
	pick_keys(&pick, &cli);
	status = pick_walk(&pick, put_line, &out);
	change_put(&out);
	buf_release(&out);
	return status;
}
