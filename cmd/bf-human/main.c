/* bf-human: has entries answered by a person. */
#include "base/msg.h"
#include "engine/command.h"
#include "human.h"
#include "io/fdio.h"
#include "io/utf8.h"
#include "json/incomplete.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	OPT_ASK = CLI_FIRST,
	OPT_SHOW,
	OPT_CHOICE,
	OPT_LINE,
	OPT_EDITOR,
	OPT_TEXT,
	OPT_ALLOW_EMPTY,
	OPT_AS,
	OPT_EXPORT,
	OPT_IMPORT,
};

static const struct cli_option options[] = {
    {OPT_ASK, "ask", "TEMPLATE", "the question, with {FIELD}s in it"},
    {OPT_SHOW, "show", "LIST", "of the entry these: [NAME=]PATH"},
    {OPT_CHOICE, "choice", "LIST", "the answer is one of these: [KEY=]TEXT"},
    {OPT_LINE, "line", NULL, "the answer is a line (the default)"},
    {OPT_EDITOR, "editor", NULL, "the answer is written in $VISUAL or $EDITOR"},
    {OPT_TEXT, "text", "TEMPLATE", "what the editor begins with"},
    {OPT_ALLOW_EMPTY, "allow-empty", NULL, "an empty answer is one"},
    {OPT_AS, "as", "NAME", "who answers (default $LOGNAME)"},
    {OPT_EXPORT, "export", "FILE", "ask nobody: write the questions to FILE"},
    {OPT_IMPORT, "import", "FILE", "ask nobody: take the answers in FILE"},
    ENGINE_OPTIONS,
    CLI_COMMON,
    CLI_END,
};
static const struct cli_command command = {"bf-human",
    "[--ask TEMPLATE] [--show LIST] [--choice LIST | --editor] [--as NAME] "
    "[--export FILE] [--import FILE] [FILE...]",
    "have entries answered by a person", options};

static const char *const classes[] = {"bad_request", "not_cached", NULL};

struct options {
	struct engine_command command;
	struct human_options human;
	bool line;
	const char *questions, *answers;
	struct replies replies;
};

static void
read_template(struct template **t, const struct cli *cli)
{
	struct err e = ERR_INIT;

	if (*t != NULL)
		cli_usage(cli, "%s is given twice", cli->name);
	*t = template_parse(span_str(cli->arg), &e);
	if (*t == NULL)
		cli_usage(cli, "%s: %s", cli->name, e.text);
}

static void
read_lists(struct human_options *o, const struct cli *cli, int key)
{
	struct err e = ERR_INIT;
	bool again = key == OPT_SHOW ? o->show.given : o->choices.n > 0;

	if (again)
		cli_usage(cli, "%s is given twice", cli->name);
	if ((key == OPT_SHOW
		    ? columns_parse(&o->show, span_str(cli->arg), &e)
		    : choices_parse(&o->choices, span_str(cli->arg), &e)) != 0)
		cli_usage(cli, "%s: %s", cli->name, e.text);
}

static const char *
read_name(const struct cli *cli)
{
	struct span name = span_str(cli->arg);

	if (name.n == 0 || utf8_valid(name) < name.n)
		cli_usage(cli, "--as takes a name, in UTF-8");
	return cli->arg;
}

static void
read_option(struct options *x, const struct cli *cli, int key)
{
	struct human_options *o = &x->human;

	switch (key) {
	case OPT_ASK:
		read_template(&o->ask, cli);
		break;
	case OPT_TEXT:
		read_template(&o->proposal, cli);
		break;
	case OPT_SHOW:
	case OPT_CHOICE:
		read_lists(o, cli, key);
		break;
	case OPT_LINE:
		x->line = true;
		break;
	case OPT_EDITOR:
		o->editor = true;
		break;
	case OPT_ALLOW_EMPTY:
		o->allow_empty = true;
		break;
	case OPT_AS:
		o->as = read_name(cli);
		break;
	case OPT_EXPORT:
		x->questions = cli->arg;
		break;
	case OPT_IMPORT:
		x->answers = cli->arg;
		break;
	}
}

static const char *
login_name(void)
{
	static const char *const names[] = {"LOGNAME", "USER"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *name = getenv(names[i]);

		if (name != NULL && *name != '\0' &&
		    utf8_valid(span_str(name)) == strlen(name))
			return name;
	}
	return "human";
}

static void
check_options(const struct options *x, const struct cli *cli)
{
	const struct human_options *o = &x->human;

	if (o->choices.n > 0 && (o->editor || x->line))
		cli_usage(cli, "--choice and %s contradict each other",
		    o->editor ? "--editor" : "--line");
	if (o->editor && x->line)
		cli_usage(cli, "--line and --editor contradict each other");
	if (o->proposal != NULL && !o->editor)
		cli_usage(cli, "--text is what --editor begins with");
	if (o->allow_empty && o->choices.n > 0)
		cli_usage(cli, "--allow-empty: a choice is never empty");
}

static void
read_options(struct options *x, int argc, char **argv)
{
	struct cli cli;
	int key;

	engine_command_init(&x->command);
	x->command.classes = classes;
	x->command.engine.attempts = 1;
	x->command.engine.jobs = 1;
	x->human.as = login_name();
	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE)
		if (!engine_command_option(&x->command, &cli, key))
			read_option(x, &cli, key);
	engine_command_check(&x->command, &cli);
	check_options(x, &cli);
	x->command.engine.files = cli.operands;
	x->command.engine.nfiles = cli.noperands;
	if (x->command.engine.plan != NULL)
		x->questions = x->answers = NULL;
}

/* Nothing is put out, which must not look like all there is. */
static _Noreturn void
stop_before(const char *why)
{
	struct buf line = BUF_INIT;

	incomplete_add(&line, msg_program(), why, STATUS_CANNOT);
	(void)fd_write(STDOUT_FILENO, line.data, line.len);
	exit(STATUS_CANNOT);
}

/* Either takes the place of the person. */
static void
open_files(struct options *x)
{
	struct err e = ERR_INIT;

	if (x->answers != NULL) {
		if (replies_read(&x->replies, x->answers, &x->human.choices,
			x->command.engine.keep_going,
			(size_t)x->command.engine.max_line) != 0)
			stop_before("the file of --import is not usable");
		x->human.replies = &x->replies;
	}
	if (x->questions != NULL) {
		x->human.questions = sheet_open(x->questions, &e);
		if (x->human.questions == NULL) {
			msg_error("%s", e.text);
			stop_before("the file of --export cannot be written");
		}
	}
	/* It would be drawn over the questions. */
	if (x->questions == NULL && x->answers == NULL && isatty(STDERR_FILENO))
		x->command.progress = STATUSLINE_NEVER;
}

static void
release(struct options *x)
{
	template_free(x->human.ask);
	template_free(x->human.proposal);
	columns_release(&x->human.show);
	choices_release(&x->human.choices);
	replies_release(&x->replies);
}

int
main(int argc, char **argv)
{
	struct options x = {.line = false};
	struct broker *broker;
	int status;

	read_options(&x, argc, argv);
	open_files(&x);
	broker = human_new(&x.human);
	status = engine_command_run(&x.command, broker);
	if (x.answers != NULL)
		replies_tell(&x.replies, x.answers);
	if (status == STATUS_OK && x.replies.bad > 0)
		status = STATUS_SOME_FAILED;
	if (human_failed(broker))
		status = STATUS_CANNOT;
	human_free(broker);
	release(&x);
	return status;
}
