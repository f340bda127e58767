/*
 * hedge: when a call that is slow to be answered may be sent a second time.  Pure:
 * times come in and go out, microseconds of any clock that does not go back.
 *
 *	hedge_init(h, 0.95)
 *	hedge_sent(h)                   a call is sent; copies do not count
 *	hedge_answered(h, micros)       from that to its answer, whichever copy got it
 *	hedge_due(h, sent) <= now       may a call be doubled that was sent then?
 *		hedge_doubled(h), and hedge_spared(h) if its copy was not sent after all
 *
 * A call may be doubled when it has lasted longer than that part of all calls
 * did so far (hedged requests: Dean and Barroso, "The Tail at Scale", CACM 56(2),
 * 2013), once there were answers enough to tell: HEDGE_LEAST, and so many that one of
 * them lies above, which for 0.99 is 100.
 *
 * A server that has become slow must not get every call twice: in any stretch of
 * a run copies are never more than HEDGE_TIMES the part of the calls that lies
 * above, and HEDGE_SAVED.  (Just that part is used up by calls that are merely
 * slow, and at the end of a run leaves nothing for those that are never answered.)
 * A call that was doubled counts with the whole time to its answer, not with that
 * of its copy; otherwise the limit would sink with each copy that wins.
 */
#ifndef BF_PACING_HEDGE_H
#define BF_PACING_HEDGE_H

#include "base/histogram.h"

enum { HEDGE_LEAST = 20, HEDGE_TIMES = 2, HEDGE_SAVED = 10 };

#define HEDGE_NEVER INT64_MAX

struct hedge {
	double part;               /* of the calls, that must have been quicker */
	uint64_t least;            /* answers that are enough to tell */
	double credit;             /* copies that may be sent */
	uint64_t limit;            /* that part of the latencies lies below ... */
	uint64_t known;            /* ... as of so many answers */
	struct histogram latency;
};

/* part of 0.5 and more, less than 1. */
void hedge_init(struct hedge *h, double part);

void hedge_sent(struct hedge *h);
void hedge_answered(struct hedge *h, int64_t micros);
void hedge_doubled(struct hedge *h);
void hedge_spared(struct hedge *h);

/*
 * From when on a call that was sent at that time may be doubled, as far as is
 * known now; HEDGE_NEVER: not before more was sent or answered.  Earlier for a
 * call that was sent earlier.
 */
int64_t hedge_due(struct hedge *h, int64_t sent);

#endif
