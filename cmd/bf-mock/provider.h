/*
 * provider: decides what a completion request is answered with.  No network:
 * the body, what came before it and the time that is given decide.
 *
 * In this order: the limits, prescribed faults (hang, drop, a body's first
 * failures, those of the scenario), a fixed body, a prepared reply, a tool's
 * call, the template, a text that satisfies the request's schema, the echo.
 */
#ifndef BF_MOCK_PROVIDER_H
#define BF_MOCK_PROVIDER_H

#include "billing.h"
#include "dialect.h"
#include "json/template.h"
#include "limits.h"
#include "replies.h"
#include "seen.h"

struct provider_config {
	struct template *reply;  /* NULL: echo, or nothing else if there are replies */
	struct replies *replies; /* NULL: none */
	struct span body;        /* SPAN_NONE: none; else every answer, as it is */
	struct span finish_reason; /* SPAN_NONE: "stop" */
	const char *error_code;  /* in place of an injected fault's own code; NULL */
	const char *retry_after; /* with injected 429 and 503; NULL: not */
	bool cut;                /* texts, at the tokens that are allowed */
	bool tool_calls;         /* whenever there are tools, not only when one must be called */
	bool error_array;        /* errors as some of the dialects' servers send them */
	int64_t latency_min, latency_max; /* microseconds */
	struct faults faults;
	struct limits_config limits;
	struct prices prices;
	uint64_t cached_ppm; /* of an answer's input, in millionths */
	uint64_t reasoning;  /* tokens of each choice, beside its text's */
	double drop;
	uint64_t hang;       /* so many requests are never answered */
	uint64_t fail_first; /* so often each body fails */
	int fail_status;
	uint64_t seed;
};

struct provider {
	const struct provider_config *config;
	const struct ask *ask; /* in hand */
	struct seen seen;
	uint64_t count; /* requests; the n of the next is count + 1 */
	uint64_t hung, dropped, limited;
	uint64_t faults[FAULT_KINDS];
	struct faults_place place;
	struct limits limits;
	uint64_t answered, answered_again;
	struct billing billing;
	struct asked asked;
	struct entry entry;
	struct buf fields, content, made, cut;
};

/* A completion request as it came. */
struct ask {
	const struct dialect *dialect;
	struct span body;
	struct span model; /* from the URL; SPAN_NONE: it is in the body */
	bool stream, sse;  /* likewise, see asked.h */
	bool in_array;     /* what an error is */
};

enum outcome_kind { OUTCOME_ANSWER, OUTCOME_HANG, OUTCOME_DROP };

struct outcome {
	enum outcome_kind kind;
	int status;
	bool stream;   /* the answer is a stream of events */
	bool injected; /* an error that was asked for by the options */
	const struct fault *fault; /* NULL: none of the scenario's */
	int64_t limited_us;        /* refused by the limits for so long; 0: not */
	int64_t delay_us;
	/* When to try again, as it is said in headers; NULL: not said. */
	const char *retry_after, *retry_after_ms;
	int64_t retry_us; /* the same; -1: not said, or not to be understood */
	char after_text[64], after_ms_text[32]; /* what they may point to */
};

void provider_init(struct provider *p, const struct provider_config *config);
/*
 * Appends the answer's body to out unless the outcome is to give none.  now_us
 * is clock_mono_us().
 */
void provider_answer(struct provider *p, const struct ask *ask, int64_t now_us,
    struct outcome *o, struct buf *out);
void provider_reset(struct provider *p); /* as if nothing had come */
void provider_release(struct provider *p);

#endif
