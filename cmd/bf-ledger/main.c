/* bf-ledger: look into a ledger of finished calls, and take care of it. */
#include "base/msg.h"
#include "io/cli.h"
#include "subcommand.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} subcommands[] = {
    {"stat", ledger_stat, "say how much there is in a ledger, and what it took"},
    {"cat", ledger_cat, "print records as JSON Lines"},
    {"show", ledger_show,
	"print calls: the exact request and answer, the attempts"},
    {"grep", ledger_grep, "find calls by what was asked or answered"},
    {"why", ledger_why, "say what makes two requests different calls"},
    {"export", ledger_export, "print conversations to fine-tune a model with"},
    {"verify", ledger_verify, "look at every checksum in a ledger"},
    {"repair", ledger_repair, "make damaged segments whole"},
    {"compact", ledger_compact, "drop what no longer counts, and compress anew"},
    {"merge", ledger_merge, "take in what others have recorded"},
    {"forget", ledger_forget, "withdraw answers, so that they are asked for again"},
};
#define COUNT (sizeof(subcommands) / sizeof(subcommands[0]))

static int
print_help(void)
{
	printf("usage: bf-ledger SUBCOMMAND [OPTION...] [OPERAND...]\n"
	       "look into a ledger of finished calls, and take care of it\n\n");
	for (size_t i = 0; i < COUNT; i++)
		printf("  %-9s %s\n", subcommands[i].name, subcommands[i].help);
	printf("\n  -h, --help     print this help; with a subcommand, its own\n"
	       "  -V, --version  print the version\n");
	if (fflush(stdout) != 0)
		msg_die(STATUS_CANNOT, "cannot write to standard output");
	return STATUS_OK;
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	msg_init("bf-ledger");
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return print_help();
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		return printf("bf-ledger " BF_VERSION "\n") < 0;
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(name, subcommands[i].name) == 0)
			return subcommands[i].run(argc - 1, argv + 1);
	msg_die(STATUS_CANNOT,
	    *name == '\0' ? "which subcommand? (see bf-ledger --help)"
			  : "there is no subcommand '%s' (see bf-ledger --help)",
	    name);
}
