/*
 * faults: what goes wrong, with what probability, and when.
 *
 * A scenario is a list of phases, each of which holds for so many requests,
 * for so long, or until the end.  The faults of a phase share one draw: their
 * probabilities add up to at most 1, and what is left is answered well.
 *
 * A file of JSON Lines, a phase a line,
 *	{"requests":N,"time":TIME,"faults":[FAULT,...]}
 * where a FAULT is
 *	{"fault":NAME,"p":P,"code":TEXT,"retry-after":TEXT,
 *	 "retry-after-ms":TEXT,"retry-after-date":TIME,"every":TIME}
 * and a phase of one fault may hold its members itself.
 */
#ifndef BF_MOCK_FAULTS_H
#define BF_MOCK_FAULTS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

enum fault_kind {
	FAULT_STATUS, /* an error; its name is the status */
	FAULT_HANG,
	FAULT_DROP,
	/* a body in place of the answer's */
	FAULT_BLANK,
	FAULT_EMPTY_BODY,
	FAULT_EMPTY_CHOICES,
	FAULT_ERROR_BODY,
	FAULT_HTML,
	FAULT_NULL_CONTENT,
	FAULT_REDIRECT,
	/* the answer, in an unusual form */
	FAULT_CHUNKED,
	FAULT_GZIP,
	FAULT_MISFORMAT, /* and another text, where it was to satisfy a schema */
	FAULT_WHITE_SPACE,
	/* of answers that are streamed */
	FAULT_CRLF,
	FAULT_STREAM_CUT,
	FAULT_STREAM_ERROR,
	/* the answer, on a wire of its own (wire.h) */
	FAULT_HUGE_HEADER,
	FAULT_LONG_LENGTH,
	FAULT_MANY_HEADERS,
	FAULT_NO_BODY,
	FAULT_RESET_AFTER,
	FAULT_RESET_BEFORE,
	FAULT_RESET_IN,
	FAULT_SHORT_LENGTH,
	FAULT_SLOW,
	FAULT_STALL,
	FAULT_TORN_CHUNKS,
	FAULT_TRUNCATED,
	FAULT_KINDS, /* how many there are */
};

struct fault {
	enum fault_kind kind;
	double probability;
	int status;
	char *code, *retry_after, *retry_after_ms; /* NULL: not said */
	int64_t date_us; /* a Retry-After that is a date, so much later; -1: none */
	int64_t every_us; /* between two bytes of a slow body */
};

struct phase {
	struct fault *faults;
	size_t n;
	uint64_t requests; /* 0: any number */
	int64_t time_us;   /* 0: without end */
};

struct faults {
	struct phase *phases;
	size_t n;
};

/* Where a run stands in its scenario. */
struct faults_place {
	size_t phase;
	uint64_t requests; /* of this phase */
	int64_t since;     /* when it began; 0: it has not */
};

/*
 * Adds a fault by its name to the phase that has no end, making that phase.
 * Returns it, to be changed until the next one; NULL and e.
 */
struct fault *faults_add(
    struct faults *fs, struct span name, double probability, struct err *e);

/* 0, or -1 and e, naming file and line. */
int faults_load(struct faults *fs, const char *path, struct err *e);

/* The fault that a request at this time falls on, draw in [0, 1); NULL: none. */
const struct fault *faults_draw(const struct faults *fs, struct faults_place *at,
    double draw, int64_t now_us);

const char *fault_name(enum fault_kind kind); /* "status" where it is one */
/* Whether the client gets the whole answer, however oddly. */
bool fault_answers(enum fault_kind kind);
/* Whether it is done to streams alone, by stream.h and the dialects. */
bool fault_needs_stream(enum fault_kind kind);
/* Whether wire.h has to send it. */
bool fault_needs_wire(enum fault_kind kind);
/*
 * Puts the fault's own body in place of the answer in out, or changes that.  Of
 * empty-choices, error-body and null-content the dialect has the body.
 */
void fault_body(enum fault_kind kind, struct buf *out);

void faults_release(struct faults *fs);

#endif
