/* bf-exec: has entries answered by a command. */
#include "base/msg.h"
#include "engine/command.h"
#include "exec.h"

#include <unistd.h>

enum { OPT_PER_LINE = CLI_FIRST, OPT_SERVER, OPT_SHELL, OPT_TIMEOUT, OPT_FIELDS };

static const struct cli_option options[] = {
    {OPT_PER_LINE, "per-line", NULL, "run it once for each entry (the default)"},
    {OPT_SERVER, "server", NULL, "let it run, and give it a line for each entry"},
    {OPT_SHELL, "shell", NULL, "COMMAND is a text for /bin/sh"},
    {OPT_FIELDS, "fields", "LIST", "of the entry these: [NAME=]PATH"},
    {OPT_TIMEOUT, "timeout", "TIME", "of an attempt (default none)"},
    {'j', "jobs", "N", "commands at once (default: as many as processors)"},
    {ENGINE_ATTEMPTS, "attempts", "N", "attempts per entry (default 1)"},
    ENGINE_OPTIONS,
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-exec",
    "[-j N] [-l DIR] [--server] [--fields LIST] [--timeout TIME] COMMAND "
    "[ARGUMENT...]",
    "have entries answered by a command", options};

static const char *const classes[] = {"bad_answer", "bad_request", "exit",
    "not_cached", "signal", "timeout", "too_large", NULL};

struct options {
	struct engine_command command;
	struct exec_options exec;
};

static void
read_option(struct options *x, const struct cli *cli, int key)
{
	struct err e = ERR_INIT;

	switch (key) {
	case OPT_PER_LINE:
		x->exec.server = false;
		break;
	case OPT_SERVER:
		x->exec.server = true;
		break;
	case OPT_SHELL:
		x->exec.shell = true;
		break;
	case OPT_TIMEOUT:
		x->exec.timeout_us = cli_time(cli);
		break;
	case OPT_FIELDS:
		if (x->exec.fields.given)
			cli_usage(cli, "--fields is given twice");
		if (columns_parse(&x->exec.fields, span_str(cli->arg), &e) != 0)
			cli_usage(cli, "--fields: %s", e.text);
		break;
	}
}

static void
read_options(struct options *x, int argc, char **argv)
{
	static char *const standard_input[] = {(char *)(uintptr_t) "-", NULL};
	struct cli cli;
	int key;

	engine_command_init(&x->command);
	x->command.classes = classes;
	x->command.engine.attempts = 1;
	x->command.engine.jobs = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
	cli_start(&cli, &command, argc, argv);
	cli_runs_command(&cli);
	while ((key = cli_next(&cli)) != CLI_DONE)
		if (!engine_command_option(&x->command, &cli, key))
			read_option(x, &cli, key);
	engine_command_check(&x->command, &cli);
	if (cli.noperands == 0)
		cli_usage(&cli, "COMMAND is missing");
	if (x->exec.shell && cli.noperands > 1)
		cli_usage(&cli, "--shell takes one text, in quotes");
	if (x->exec.shell && x->exec.server)
		cli_usage(&cli, "--server is no text for a shell: say sh -c TEXT");
	x->exec.argv = cli.operands;
	x->command.engine.files = standard_input;
	x->command.engine.nfiles = 1;
}

int
main(int argc, char **argv)
{
	struct options x = {.exec.argv = NULL};
	struct err e = ERR_INIT;
	struct broker *broker;
	int status;

	read_options(&x, argc, argv);
	broker = exec_new(&x.exec, &e);
	if (broker == NULL)
		msg_die(STATUS_CANNOT, "%s", e.text);
	status = engine_command_run(&x.command, broker);
	exec_free(broker);
	columns_release(&x.exec.fields);
	return status;
}
