/*
 * command: what all commands that run the engine have in common: options, messages,
 * the status line, what --plan prints, the end.
 *
 *	struct engine_command x;
 *	engine_command_init(&x);
 *	... cli_next() ...  engine_command_option(&x, &cli, key) ...
 *	engine_command_check(&x, &cli);
 *	return engine_command_run(&x, broker);
 *
 * As cli and stage do, it prints and may exit.
 */
#ifndef BF_ENGINE_COMMAND_H
#define BF_ENGINE_COMMAND_H

#include "engine/engine.h"
#include "http/http.h"
#include "io/cli.h"
#include "io/statusline.h"

enum {
	ENGINE_OPTION_FIRST = CLI_FIRST + 1000, /* keys of the options here */
	ENGINE_NO_LEDGER,
	ENGINE_CACHED_ONLY,
	ENGINE_REFRESH,
	ENGINE_SYNC,
	ENGINE_PLAN,
	ENGINE_ATTEMPTS,
	ENGINE_DEADLINE,
	ENGINE_FAIL_OVER,
	ENGINE_ABORT_ON,
	ENGINE_MAX_CALLS,
	ENGINE_UNORDERED,
	ENGINE_WINDOW,
	ENGINE_STATS,
	ENGINE_METRICS,
	ENGINE_PROGRESS,
	/* For those who ask over HTTP: the command's to describe, as it has them. */
	ENGINE_RPM,
	ENGINE_TPM,
	ENGINE_MAX_WAIT,
	ENGINE_TIMEOUT,
	ENGINE_CONNECT_TIMEOUT,
	ENGINE_FIRST_BYTE_TIMEOUT,
	ENGINE_STALL_TIMEOUT,
	ENGINE_CACERT,
	ENGINE_HTTP1_1,
	/* And those who ask providers. */
	ENGINE_BASE_URL,
	ENGINE_ENDPOINT,
	ENGINE_KEY_FILE,
	ENGINE_PRICES,
	ENGINE_MAX_COST,
	ENGINE_MAX_TOKENS_TOTAL,
	ENGINE_BUDGET_WINDOW,
};

/* Rows of a command's table; -j and --attempts are the command's to describe. */
#define ENGINE_OPTIONS                                                            \
	{'l', "ledger", "DIR",                                                    \
	    "where answers are kept (default $BF_LEDGER, else .bf/ledger)"},      \
	    {ENGINE_NO_LEDGER, "no-ledger", NULL, "keep and reuse no answers"},   \
	    {ENGINE_CACHED_ONLY, "cached-only", NULL,                             \
		"send nothing: take what the ledger has"},                        \
	    {ENGINE_REFRESH, "refresh", NULL,                                     \
		"ask all anew, whatever the ledger has"},                         \
	    {ENGINE_SYNC, "sync", "WHEN",                                         \
		"have the disk confirm: second (default), always, never"},        \
	    {ENGINE_PLAN, "plan", NULL,                                           \
		"send nothing: say how much would be asked, and what it would "   \
		"cost"},                                                          \
	    {ENGINE_DEADLINE, "deadline", "TIME", "stop sending after this time"}, \
	    {ENGINE_FAIL_OVER, "fail-over", "PERCENT",                            \
		"stop when more of the entries fail: 5% or 0.05"},                \
	    {ENGINE_ABORT_ON, "abort-on", "CLASS",                                \
		"stop when an entry fails with one of these classes"},            \
	    {ENGINE_MAX_CALLS, "max-calls", "N",                                  \
		"stop after N calls, attempts counted"},                          \
	    {ENGINE_UNORDERED, "unordered", NULL,                                 \
		"put entries out as they are answered"},                          \
	    {ENGINE_WINDOW, "window", "SIZE",                                     \
		"bytes of entries held for their turn (default 256M)"},           \
	    {CLI_ERRORS, "errors", "FILE", "put failed entries into FILE"},       \
	    {ENGINE_STATS, "stats", "FILE",                                       \
		"write what the run did to FILE, as JSON"},                       \
	    {ENGINE_METRICS, "metrics", "FILE",                                   \
		"keep that in FILE as it runs, as Prometheus text"},              \
	    {ENGINE_PROGRESS, "progress", "WHEN",                                 \
		"show how far it is: auto (on a terminal, default), always, "     \
		"never"}

struct engine_command {
	struct engine_options engine;
	const char *const *classes; /* what entries fail with, NULL at the end */
	enum statusline_when progress;
	bool no_ledger;
	struct http_options http; /* for the broker, which adds what it wants besides */
	struct provider_options provider;
	const char *prices; /* a file; NULL: none is given */
};

/* Defaults. */
void engine_command_init(struct engine_command *x);

/* Takes an option of the keys above, -j or --attempts; false: it is another. */
bool engine_command_option(
    struct engine_command *x, const struct cli *cli, int key);

/* Options that contradict each other, and what comes from cli itself. */
void engine_command_check(struct engine_command *x, const struct cli *cli);

/* Runs; the exit status, unless the run was ended by a signal, of which it dies. */
int engine_command_run(struct engine_command *x, struct broker *b);

/* A warning. */
void engine_command_warn(const char *text);

/*
 * Those that are known; the options are for the one that model names, or for the default
 * where it is NULL, and *p is that one unless p is NULL.  What is wrong with it ends the
 * program.
 */
struct providers *engine_command_providers(
    struct engine_command *x, const char *model, const struct provider **p);

/* Prices, those of --prices too; likewise. */
struct prices *engine_command_prices(const struct engine_command *x);

#endif
