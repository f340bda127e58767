/*
 * verify: whether the index beside a segment says what the segment says.
 */
#ifndef BF_LEDGER_VERIFY_H
#define BF_LEDGER_VERIFY_H

#include "ledger/survey.h"

enum verify_index {
	VERIFY_NONE,  /* there is no index */
	VERIFY_RIGHT,
	VERIFY_OTHER, /* of another state of the segment: passed over by all */
	VERIFY_WRONG, /* it would cost time: what is wrong is said */
};

/*
 * Surveys the segment taken, index and all; survey_found() has the rest.  An
 * index is not looked into where the segment is damaged.  0, or -1 and e.
 */
int verify_segment(struct survey *s, enum verify_index *index, const char **wrong,
    struct err *e);

#endif
