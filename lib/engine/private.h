/*
 * What the parts of the engine share.
 *
 * A job is an entry on its way from its line to the output.  A call is a
 * request that is not answered yet, with the jobs that wait for it.  When a
 * call has ended its jobs get its outcome, and the call is gone.
 */
#ifndef BF_ENGINE_PRIVATE_H
#define BF_ENGINE_PRIVATE_H

#include "base/histogram.h"
#include "dialects/dialect.h"
#include "engine/broker.h"
#include "engine/engine.h"
#include "engine/request.h"
#include "io/hashset.h"
#include "io/loop.h"
#include "io/outfile.h"
#include "io/rng.h"
#include "json/jsonl.h"
#include "ledger/marks.h"
#include "pacing/adapt.h"
#include "pacing/budget.h"
#include "pacing/hedge.h"
#include "price/prices.h"

enum {
	OUT_HIGH = 256 << 10,  /* bytes waiting for standard output: nothing new is begun */
	KEPT_MOST = 4 << 20,   /* bytes of recorded answers that wait for their turn as text */
	READ_MOST = 256,       /* entries read in one turn */
	LIMITED_MOST = 100,    /* 429s of one call, and requests not taken */
	WAITING_PER_SLOT = 4,  /* calls in backoff for each that may be in flight ... */
	LOOK_EVERY = 100000,   /* microseconds between looks at what others have recorded */
	WAITING_LEAST = 16,    /* ... and some more: beyond that nothing new is read */
	HELD_MOST = 1024,      /* nor beyond that many calls behind one with their prefix */
	TOKENS_OUT = 1024,     /* of an answer, where the request sets no limit */
	BYTES_PER_TOKEN = 4,   /* of a request */
	PROGRESS_EVERY = 100000, /* microseconds */
	LATENCY_BOUNDS = 12,   /* of a histogram that is told */
	LANES_MOST = 64,       /* models that are paced each on its own */
	BODY_MOST = 128 << 20, /* with the longest answer it still makes a record */
};

/*
 * How far an entry is: what it asks itself, then one request after the other that
 * follows from the answers (further.c).
 */
struct way {
	size_t asked;     /* how many of the models of --fallback */
	unsigned repairs; /* of what the last of these said */
	uint64_t page;    /* answers before this one, that went out in entries of their own */
	struct buf body;  /* what is asked now; empty: what the entry asks */
};

/* How a call ended, shared by its jobs. */
struct outcome {
	struct outcome *next; /* of this turn */
	unsigned refs;
	bool failed;      /* text is an error object, else a response */
	bool recorded;    /* the ledger has it: text need not be kept ... */
	bool kept;        /* ... but is, and counts in the engine's kept */
	const char *class; /* of the failure; NULL: none */
	const char *aside; /* dialect_answer */
	int attempts;
	struct buf text;
	struct buf error; /* of an answer that is not what was wanted */
	struct buf after; /* what is asked after it, for an entry of its own */
};

struct job {
	struct job *next;     /* in the order of the output */
	struct job *follower; /* of the same call */
	struct call *call;    /* NULL once it has ended */
	struct outcome *outcome; /* NULL: the ledger has the answer under key */
	bool left;            /* not answered, and will not be in this run */
	bool settled;         /* nothing more is asked */
	bool followed;        /* what is asked after it has its own */
	struct way way;
	unsigned char key[REQUEST_KEY_SIZE];
	const struct provider *provider; /* NULL: it failed before that was known */
	const char *file;
	uint64_t lineno;
	size_t held; /* bytes counted against the window */
	size_t n;
	char line[];
};

/* Requests and tokens that were sent. */
struct lane_sums {
	uint64_t requests, tokens;
};

struct prefix;

enum call_place {
	CALL_NEW,
	CALL_HELD, /* with --warm-prefix, behind another */
	CALL_READY,
	CALL_FLIES,
	CALL_LANDED, /* without an answer, while another copy of it flies */
	CALL_WAITS,
	CALL_ENDED,
};

#define MONEY_UNKNOWN ((price_nano)-1)

/* What a call may take, as estimated. */
struct money {
	price_nano cost; /* MONEY_UNKNOWN: its model has no price */
	int64_t tokens;  /* in and out */
};

struct call {
	struct broker_call ask; /* the attempt that is made, or was last */
	struct engine *en;
	const struct provider *provider;
	struct lane *lane;
	uint32_t stamp; /* of the lane's adapt, when it was sent */
	struct bucket_taken taken; /* of the lane's budget, likewise */
	struct lane_sums others;   /* what other processes had sent by then */
	int64_t size;   /* calls_size() of its request */
	int64_t tokens; /* in and out, as estimated */
	struct money projected; /* what it may take, while it flies and there is a cap */
	price_nano cost;        /* of the attempt that landed last; MONEY_UNKNOWN */
	enum call_place place;
	struct call *same_bucket;
	struct call *next, *prev; /* in the list of its place */
	struct job *jobs, *last_job;
	unsigned char key[REQUEST_KEY_SIZE];
	struct buf body; /* as it is recorded */
	struct buf wire; /* as it is sent; empty: the body */
	struct buf model;
	struct loop_timer timer;
	uint32_t mark;     /* in flight or not recorded yet; else MARKS_NONE */
	unsigned attempts; /* calls made */
	unsigned failures; /* those that count */
	unsigned limited;  /* 429s, and requests not taken */
	const char *again; /* the class of what went wrong last */
	struct outcome *outcome; /* once ended */

	struct prefix *prefix; /* with --warm-prefix: that it leads, or is held for */

	/* With --hedge. A copy has no jobs, is in no table, and borrows the body. */
	struct call *twin; /* its copy, or what it is a copy of; NULL: none */
	bool is_copy;
	bool doubled;      /* it has had its copy */
	int64_t sent;      /* clock_mono_us() */
	int64_t lost;      /* loop_lost_us() at that time */
};

struct call_list {
	struct call *first, *last;
	size_t n;
};

/* What was spent on one model. */
struct spent {
	uint64_t calls, answers;
	int64_t input, output, cached, reasoning; /* tokens */
	price_nano cost;
	uint64_t unpriced; /* calls that were paid for, nobody knows how much */
	int64_t bytes;     /* of the requests that were answered */
};

/* What one model's calls wait in. */
struct lane {
	const struct provider *provider;
	struct buf model;
	struct buf name; /* to tell of it: of another provider than the default with that */
	struct price price;
	bool priced;
	const char *refused; /* the class with which all calls fail; NULL: they may go */
	struct spent spent;
	struct call_list ready;    /* first those that were sent before ... */
	struct call *again;        /* ... up to this one; NULL: there are none */
	struct call_list single;   /* in flight, and may be doubled; the oldest first */
	struct hedge *hedge;       /* NULL: none of its calls is */
	int64_t rpm, tpm;          /* what the user allows; 0: no limit */
	struct budget *budget;
	bool waits;                /* in the budget's queue */
	bool granted;              /* taken has what the first may be sent for */
	struct bucket_taken taken;
	struct lane_sums sent;     /* by this process */
	uint32_t epoch;            /* of the last cooldown that was told */
	struct adapt adapt;        /* with -j auto */
	size_t flying;
	int64_t flying_tokens;
};

struct output {
	struct buf data;
	size_t at; /* written up to here */
	bool waits; /* for POLLOUT */
	bool direct; /* a regular file: never waits */
	bool in_pieces; /* the kernel cannot write there without waiting */
	bool gone;
};

/* What the ledger did not take, in files elsewhere. */
struct spill {
	int fd;          /* -1: none is open */
	struct buf path; /* of that one */
	struct buf written; /* those that hold something, as words of a shell, each after a space */
	bool fresh;      /* nothing is in the one that is open */
};

struct class_counts {
	struct class_count {
		struct buf name;
		uint64_t n;
	} *classes;
	size_t n;
};

/* What is told of a run beside the summary. */
struct account {
	struct class_counts retries, failures;
	struct histogram *latency; /* of answers, in microseconds; NULL: nobody asks */
	struct histogram *first;   /* to the first token of those in pieces; or NULL */
	uint64_t within[LATENCY_BOUNDS];
	struct outfile *stats;
	struct loop_timer metrics_timer;
	bool metrics_failed;
};

struct engine {
	const struct engine_options *o;
	struct broker *broker;
	struct loop *loop;
	struct ledger *ledger;
	struct marks *marks;
	bool recording; /* what records calls has been made ready */
	struct rng rng;

	/* input */
	struct jsonl_reader *reader;
	int operand;
	bool open;
	bool input_ready; /* reading may bring a line */
	bool input_ended;
	struct entry entry;
	struct request request;
	struct request other; /* what is asked further */
	size_t surrogates;
	size_t surrogate_entries;
	uint64_t dropped_entries; /* not all of what they ask for is sent */
	struct hashset fresh_keys; /* answered in this run, where that matters */

	/* calls */
	struct call **table; /* by key */
	size_t table_size;   /* a power of two */
	size_t ncalls;
	struct lane **lanes;
	size_t nlanes;
	size_t lane_turn; /* whose turn it is */
	size_t nready;    /* in all lanes */
	bool held_back;   /* some of these may not start yet */
	bool alone_told;  /* that what other processes send is not counted */
	struct buf found; /* by -j auto in earlier runs, lines */
	bool found_read;
	struct loop_timer opening; /* when the first of them may */
	struct call_list waiting; /* for their own delay */
	struct prefix **prefixes;  /* a table by hash; NULL: none was met */
	size_t nwarm;              /* of these */
	size_t nheld;              /* calls behind others with their prefix */
	struct loop_timer hedging; /* when a call may be doubled */
	struct call_list ended; /* in this turn; their records are not written yet */
	size_t flying;
	size_t jobs_most;
	bool dirty; /* something was appended to the ledger */
	int64_t looked; /* at what others have recorded: clock_mono_us */

	/* output */
	struct output out;
	struct job *first, *last; /* waiting for their turn */
	uint64_t held;            /* bytes of these */
	struct outcome *fresh;    /* of this turn */
	size_t kept;              /* bytes of recorded answers that are kept */
	struct entry out_entry;
	struct entry again; /* for which something is asked further */
	struct buf said;    /* its answer's text */
	struct buf response;
	struct outfile *errors;
	struct buf failed_entry;

	struct plan *plan; /* with --plan */

	/* how it stops */
	bool no_reading;
	bool no_sending;
	bool ledger_lost;
	struct spill spill;
	struct buf unrecorded; /* record lines of this turn that the ledger did not take */
	int status;
	int stop_status; /* 0: the stream is whole so far */
	uint64_t let_be; /* calls that the broker left for a later run */
	bool only_left;  /* it stopped for nothing else */
	int signo;
	struct buf incomplete;
	bool incomplete_put;
	struct loop_timer deadline;

	/* the account */
	int64_t started;
	uint64_t entries, answered, hits, calls, failed, left;
	uint64_t retries, cooldowns;
	uint64_t fallbacks; /* entries passed on to another model, each time */
	uint64_t repairs;   /* answers sent back with what is wrong with them */
	uint64_t grown;     /* entries asked again with more tokens */
	uint64_t hedges, hedges_won; /* copies sent; those whose answer was taken */
	int64_t tokens_in, tokens_out;
	price_nano cost;        /* as far as prices are known */
	uint64_t unpriced;      /* calls beside that were paid for */
	struct money projected; /* of what is in flight, where there is a cap */
	struct money before;    /* of earlier runs, where they count */
	uint64_t settled;        /* entries whose answer or failure came in this run */
	uint64_t settled_failed; /* of these */
	uint64_t input_bytes;    /* of lines that were read */
	int64_t input_size;      /* in all; -1: not known */
	struct loop_timer progress_timer;
	struct account account;
};

/* engine.c */
/* How many requests so many calls make, at least. */
size_t engine_requests(const struct engine *en, size_t calls);
void engine_say(struct engine *en, enum engine_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Stop early: the first reason is the one that is told downstream. */
void engine_stop(struct engine *en, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Nothing is sent from here on; what is in flight lands. */
void engine_stop_sending(struct engine *en);
/* The same, but what the broker has already, it may still send. */
void engine_stop_starting(struct engine *en);
void engine_at_least(struct engine *en, int status);

/* input.c */
void input_open(struct engine *en);
void input_read(struct engine *en);   /* as much as there is room for */
/*
 * What is asked for an entry; way NULL: what it asks itself. 0, or -1 and e.
 */
int input_request(struct engine *en, struct request *r, const struct entry *entry,
    const struct way *way, struct err *e);
bool input_may_read(const struct engine *en);
void input_close(struct engine *en);

struct job *job_new(struct span line, const char *file,
    uint64_t lineno, const struct request *r);

/* pages.c */
/* The job's answer leads on to next: that gets a job of its own behind it, once. */
void pages_follow(struct engine *en, struct job *job, struct span next);
/* The way of the entry just read goes on to next, which is taken: what that asks is in
 * en->other; false: nothing. */
bool pages_next(struct engine *en, struct way *way, struct buf *next);

/* anew.c */
/* Whether the answer that the ledger has for a key serves. */
bool anew_is_hit(struct engine *en, const struct provider *p, const unsigned char *key);
void anew_answered(struct engine *en, const unsigned char *key); /* in this run */
void anew_close(struct engine *en);

/* calls.c */
void call_list_add(struct call_list *l, struct call *c);
void call_list_take(struct call_list *l, struct call *c);
/*
 * Joins the job to the call of its key, making one if there is none; takes r's body.
 * further: its entry has had a call, and this one goes before those of others.
 */
void calls_add(struct engine *en, struct job *job, struct request *r, bool further);
void calls_start(struct engine *en); /* the ready ones, as far as slots go */
void calls_ready(struct call *c);    /* it may be sent */
void calls_again(struct call *c);    /* it is ready once more */
void calls_unready(struct call *c);  /* it is taken from the ready ones */
void calls_put_off(struct engine *en, struct call *c, int64_t delay_us); /* ... after that */
/*
 * The call is over; its jobs hear of it once the ledger has it.  NULL: it was not
 * answered, and will not be in this run.
 */
void calls_end(struct engine *en, struct call *c, struct outcome *o);
void calls_fail(struct engine *en, struct call *c, const char *class, const char *message,
    int status);
void calls_record(struct engine *en); /* commits, and gives the jobs their outcomes */
void calls_drop(struct engine *en);   /* all that are not in flight */
void calls_free(struct engine *en);
/* Bytes of a request, from which its tokens are estimated. */
int64_t calls_size(const struct engine *en, const struct request *r);
/* What is sent for a call, or for that of which it is a copy. */
struct span calls_wire(const struct call *x);
void outcome_free(struct outcome *o);
/* For one job, or for those of a call. */
struct outcome *outcome_failed(
    const char *class, const char *message, int status, int attempts);

/* attempt.c */
/* x has landed; what a call sets as its attempt's done. */
void attempt_done(struct broker_call *ask);

/* further.c */
#define FURTHER_INVALID "invalid"      /* not what the schema says */
#define FURTHER_LOOP    "whitespace_loop" /* cut, and of white space at its end */
/* Whether a provider that refuses a call, with that class, leaves others to ask. */
bool further_falls_back(const struct engine *en, const char *class);
/* Whether an answer may lead to another request. */
bool further_may(const struct engine *en);
/*
 * NULL: the answer is taken, and has its "parsed" where a schema was given.  Else
 * the class with which its entry fails; error has the object that says why.  after: what
 * is asked after it, if anything is.
 */
const char *further_judge(struct engine *en, struct buf *response, const char *aside,
    int attempts, struct buf *error, struct buf *after);
/*
 * The entry just read was not answered by its own model, as far as the ledger
 * knows: whether another answered it; en->request is that, and way leads there.
 */
bool further_hit(struct engine *en, struct way *way);
/*
 * What is asked further for a job whose answer, p NULL if there was none, is of that
 * class, with that error.  Asked: it has a call, or its answer is in the ledger.
 * Left: there is something, but nothing is sent any more.
 */
enum further { FURTHER_NOTHING, FURTHER_ASKED, FURTHER_LEFT };
enum further further_ask(struct engine *en, struct job *job, const char *class,
    struct span response, struct span error);
/*
 * What the ledger lacks for the entry just read: its request, or one that follows
 * from the answers that are there; NULL: nothing.
 */
const struct request *further_missing(struct engine *en);

/* warm.c: prompt prefixes that several calls share */
/* The call is new: it is ready, or held behind another. */
void warm_add(struct engine *en, struct call *c);
void warm_started(struct engine *en, struct call *c);
void warm_ended(struct call *c, bool answered); /* and not by the ledger */
void warm_drop(struct engine *en);              /* ends those that are held */
void warm_close(struct engine *en);

/* copies.c: second copies of calls that are slow to be answered */
void copies_open(struct engine *en, struct lane *l);
/* Makes those that are due, and has the loop wake up for the next. */
void copies_look(struct engine *en);
void copies_started(struct engine *en, struct call *x); /* x: a call or a copy */
void copies_landed(struct engine *en, struct call *x);
/* From the sending of its call to the landing of x. */
int64_t copies_micros(struct call *x);
/* The call that is answered with x. */
struct call *copies_call(struct call *x);
bool copies_other_flies(const struct call *x);
/* x was answered: the other one is not needed. Its mark stays until copies_free(). */
void copies_answered(struct engine *en, struct call *x);
void copies_drop(struct engine *en, struct call *copy); /* that is ready */
void copies_free(struct engine *en, struct call *c);    /* the copy of c, if any */

/* record.c: appended here, written at once by record_commit() */
/* What came for c with x, which is the call itself or its copy. */
void record_answer(struct engine *en, struct call *c, const struct call *x,
    const struct dialect_usage *u);
/* The attempt failed for good, or was paid for: that too is history worth keeping. */
void record_failure(struct engine *en, struct call *c, const struct call *x,
    const char *class, const struct dialect_usage *u);
/* 0, or -1 where what was appended is in no file at all. */
int record_commit(struct engine *en);
void record_close(struct engine *en);

/* lanes.c */
struct lane *lanes_of(struct engine *en, const struct provider *p, struct span model);
/* The call that may start next, of the models in turn; NULL: none before a timer. */
struct call *lanes_next(struct engine *en);
void lanes_started(struct engine *en, struct call *c);
/* Before anything else: what its headers say. */
void lanes_landed(struct engine *en, struct call *c);
void lanes_answered(struct engine *en, struct call *c, const struct dialect_usage *u);
/* The most tokens that a request asks for; 0: it sets no limit. */
int64_t lanes_limit(struct span body);
/* The same, or what is usual. */
int64_t lanes_most_out(const struct engine *en, struct span body);
/* What a request will take, at most: its bytes, and max_completion_tokens or the like. */
int64_t lanes_estimate(const struct engine *en, const struct lane *l, int64_t size,
    struct span body);
/*
 * The call got a 429; asked_us as cooldown_refused() has it. True if it may go
 * back to its lane at once.
 */
bool lanes_refused(struct engine *en, struct call *c, int64_t asked_us);
/* Until when a model takes no calls, as far as is known. */
int64_t lanes_cooldown_until(const struct lane *l);
void lanes_free(struct engine *en);

/* plan.c */
void plan_hit(struct engine *en);
void plan_ask(struct engine *en, const struct request *r);
void plan_bad(struct engine *en);
void plan_tell(struct engine *en);
void plan_close(struct engine *en);

/* money.c */
/* What earlier runs took, where that counts; 0, or -1 and e. */
int money_open(struct engine *en, struct err *e);
void money_price(struct engine *en, struct lane *l); /* finds the price of its model */
/* Whether the caps let it be sent now; if not, and nothing flies, they end the run. */
bool money_allows(struct engine *en, const struct call *c);
void money_started(struct engine *en, struct call *x);
void money_landed(struct engine *en, struct call *x); /* or it was cancelled */
/* What it was billed, as far as that is known: x->cost. */
void money_ended(struct engine *en, struct call *x, const struct dialect_usage *u,
    bool answer);
void money_unknown(struct engine *en, struct call *x); /* nobody will know */

/* found.c */
/* What -j auto found for a model in earlier runs; 0: nothing. */
unsigned found_before(struct engine *en, const struct provider *p, struct span model);
void found_tell(struct engine *en);
void found_keep(struct engine *en);

/* flight.c */
/* Tells of runs that were killed, before the ledger is opened. */
void flight_tell(struct engine *en, const struct ledger_options *lo);
/*
 * Before the first call: makes sure that what is paid for can be recorded. 0, or
 * -1 and e.
 */
int flight_open(struct engine *en, struct err *e);
void flight_begin(struct engine *en, struct call *c); /* about to be sent */
void flight_end(struct engine *en, struct call *c);   /* recorded, or over without an answer */
void flight_close(struct engine *en);

/* account.c */
void account_started(struct engine *en, struct call *c);
void account_not_asked(struct engine *en, struct call *c); /* after all */
void account_ended(struct engine *en, struct call *c, const struct dialect_usage *u,
    bool answer);
void account_failed(struct engine *en, struct span error);
/* The files of --stats and --metrics; 0, or -1 and e. */
int account_open(struct engine *en, struct err *e);
int account_finish(struct engine *en, int status, struct err *e);
void account_close(struct engine *en);

/* limits.c */
/* An entry got its answer in this run (NULL), or its failure of that class. */
void limits_settled(struct engine *en, const char *class);
void limits_failed(struct engine *en, struct span class); /* whenever it came */

/* tell.c: how far it is, for those who look and those who ask with SIGUSR1 */
int tell_open(struct engine *en, struct err *e);
void tell_end(struct engine *en);   /* before the summary */
void tell_close(struct engine *en);

/* spill.c */
void spill_open(struct spill *s);
/* Writes and syncs record lines; 0, or -1 and e where no place takes them. */
int spill_lines(struct spill *s, struct span lines, struct err *e);
/* The command that takes all of it into the ledger; false if there is nothing. */
bool spill_command(const struct spill *s, const char *ledger, struct buf *out);
void spill_close(struct spill *s);

/* output.c */
int output_open(struct engine *en, struct err *e);
bool output_full(const struct engine *en);
bool output_pending(const struct engine *en);
void output_queue(struct engine *en, struct job *job); /* it will go out in this place */
/* Whether nothing waits for its turn, nor for standard output. */
bool output_is_free(const struct engine *en);
/*
 * Puts out an answer of the ledger at once, from the entry just read; false: it
 * cannot be read back, as the ledger has reported.
 */
bool output_hit(struct engine *en, const struct request *r);
void output_emit(struct engine *en);  /* those whose turn it is */
void output_end(struct engine *en);   /* behind the last one, where it is not the whole */
void output_flush(struct engine *en); /* as far as it goes without waiting */
void output_gone(struct engine *en);  /* the reader of standard output is gone */
void output_drop(struct engine *en, struct job *job);
/* The entry in en->entry failed before it became a job. */
void output_fail_entry(struct engine *en, struct entry *entry, const char *file,
    uint64_t lineno, struct span error);
void output_close(struct engine *en);
/* {"class":..,"message":..[,"status":..][,"attempts":..]} */
void add_error(struct buf *out, const char *class, const char *message, int status,
    int attempts);

#endif
