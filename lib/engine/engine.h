/*
 * engine: entries in, calls in flight, answers recorded and then put out.
 * Who answers them is a broker's to know (broker.h).
 *
 * One thread and one event loop.  The order of events for a call is: send,
 * answer, record in the ledger (write(2) done), entry to standard output; so
 * that whatever is seen was recorded, and what was recorded is never paid for
 * again.  Identical requests that are in flight at the same time are one call.
 *
 * Entries go out in the order they came in, unless unordered.  A slow one holds
 * up no other call: what is answered before its turn waits as its key, and
 * comes back from the ledger; reading pauses when the entries that are held
 * have come to window bytes.  When standard output is slow nothing new is sent,
 * and what is in flight still lands and is recorded.
 *
 * The engine stops early at a bad line, a failed write, a provider that refuses
 * every call, a spent budget, a deadline, INT, TERM, a closed standard output
 * and a broker that answers no more; calls in flight land in the ledger first,
 * and the incomplete line (json/incomplete.h) ends the output.  It ends it too
 * where all was read and the broker left some entries for a later run.
 */
#ifndef BF_ENGINE_ENGINE_H
#define BF_ENGINE_ENGINE_H

#include "answer/judge.h"
#include "engine/broker.h"
#include "engine/progress.h"
#include "ledger/ledger.h"
#include "price/prices.h"

#include <stdint.h>

enum engine_level { ENGINE_ERROR, ENGINE_WARN, ENGINE_INFO, ENGINE_DEBUG };

#define ENGINE_RATE_MAX 100000000000ull /* of rpm and tpm */

#define ENGINE_AUTO_MOST 1000 /* jobs, where nobody says how many */

/* Answers that are put aside as failed unless they are accepted. */
enum { ENGINE_ACCEPT_LENGTH = 1, ENGINE_ACCEPT_FILTER = 2, ENGINE_ACCEPT_REFUSAL = 4 };

/* A field of the response, and the value with which it is asked for anew. */
enum engine_field { ENGINE_FINISH_REASON, ENGINE_MODEL, ENGINE_REFUSAL };
struct engine_redo {
	enum engine_field field;
	const char *value;
};

/* With --plan: what a run would take. */
struct engine_range {
	double likely, least, most;
};
struct engine_plan_model {
	struct span name;
	uint64_t calls;
	uint64_t learned_from; /* answers in the ledger; 0: nothing is known */
	struct engine_range in, out; /* tokens, of all calls */
	struct engine_range usd;
	bool priced; /* else usd is nothing */
};
struct engine_plan {
	uint64_t entries;
	uint64_t hits; /* answered from the ledger */
	uint64_t calls;
	uint64_t same; /* the same as another that is asked */
	uint64_t bad;  /* cannot be asked */
	struct engine_plan_model *models;
	size_t nmodels;
	double seconds; /* negative: not known */
	bool costs;     /* else tokens and money are nothing */
	bool mute;      /* answers take no tokens: out is nothing */
};

struct engine_options {
	char *const *files; /* "-" is standard input; none: standard input */
	int nfiles;
	bool keep_going;
	uint64_t max_line;

	unsigned accept;
	bool lenient;      /* what a dialect cannot say is left out, and told of */
	bool stream;       /* answers are asked for in pieces */
	uint64_t jobs;     /* calls in flight at most */
	bool jobs_auto;    /* up to that, as many as the provider makes the most of */
	int64_t rpm;       /* requests a minute and model; 0: no limit */
	int64_t tpm;       /* tokens */
	uint64_t pages;    /* answers that follow from an entry's, itself counted; 0: all */
	uint64_t attempts; /* per call; those answered with 429 do not count */
	const char **fallback; /* models to ask for what the first one does not answer */
	size_t nfallback;
	struct judge *judge; /* answers are what it takes; NULL: all are taken */
	unsigned repairs;    /* times that an answer goes back with its errors, of a model */
	const char **repair_models; /* that are asked then, one after the other; none: the same */
	size_t nrepair_models;
	const char **repair_temperatures; /* likewise, JSON numbers */
	size_t nrepair_temperatures;
	bool escalate;           /* what is still invalid goes to those of fallback */
	int64_t grow_max_tokens; /* up to so many are asked for where an answer was cut; 0: never */
	double hedge;      /* the part of calls, 0.5 to 1, after which a call is doubled; 0: none */
	bool warm_prefix;  /* of the calls with the same prompt prefix one goes first */
	uint64_t max_calls; /* of this run, attempts counted; UINT64_MAX: no limit */
	int64_t max_cost;   /* of this run, 10^-9 US dollars; -1: no limit */
	int64_t max_tokens_total; /* of this run, in and out; -1: no limit */
	int64_t budget_window_us; /* what the ledger has of that time counts too; 0: nothing */
	struct prices *prices; /* NULL: none are known */
	int64_t max_wait_us; /* the longest Retry-After that is waited for */
	int64_t deadline_us; /* of the run; 0: none */
	double fail_over;    /* the part of entries that may fail in this run, 0 to 1 */
	const char **abort_on; /* classes: an entry that fails with one stops the run */
	size_t nabort_on;

	const char *ledger; /* a directory; NULL: none is kept */
	enum ledger_sync sync;
	bool cached_only; /* send nothing: what the ledger has not has failed */
	bool refresh;     /* only answers of this run serve */
	struct engine_redo *redo; /* answers with one of these do not serve */
	size_t nredo;

	bool unordered;
	uint64_t window;    /* bytes */
	const char *errors; /* a file for failed entries; NULL: they are told */
	const char *stats;   /* a file for the account of the run, as JSON; NULL: none */
	const char *metrics; /* and one for it as Prometheus text, while it runs too */

	/*
	 * Nothing is sent, written or put out: it is told once what a run would
	 * take, and the status is 0 if that is nothing, else 1.  NULL: it runs.
	 */
	void (*plan)(const struct engine_plan *p);

	/* How far the run is, ten times a second and once at the end; may be NULL. */
	void (*progress)(const struct engine_progress *p);
	/* A message, a line; no name in front and no newline. */
	void (*say)(enum engine_level level, const char *text);
};

/*
 * Runs to the end; the exit status. Where the run was ended by a signal, or by
 * a closed standard output, *signo is that signal and the caller dies of it
 * (fd_die_of()); else 0.
 */
int engine_run(const struct engine_options *o, struct broker *b, int *signo);

#endif
