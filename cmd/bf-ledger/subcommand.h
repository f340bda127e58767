/* subcommand: each is one function in a file of its name, called as main() is. */
#ifndef BF_CMD_LEDGER_SUBCOMMAND_H
#define BF_CMD_LEDGER_SUBCOMMAND_H

#define LEDGER_OPTION \
	{'l', "ledger", "DIR", "the ledger (default $BF_LEDGER, else .bf/ledger)"}

int ledger_stat(int argc, char **argv);
int ledger_cat(int argc, char **argv);
int ledger_show(int argc, char **argv);
int ledger_grep(int argc, char **argv);
int ledger_why(int argc, char **argv);
int ledger_export(int argc, char **argv);
int ledger_verify(int argc, char **argv);
int ledger_repair(int argc, char **argv);
int ledger_compact(int argc, char **argv);
int ledger_merge(int argc, char **argv);
int ledger_forget(int argc, char **argv);

#endif
