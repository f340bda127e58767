/*
 * landed: what an attempt over HTTP came to, for the brokers that make such.
 */
#ifndef BF_ENGINE_LANDED_H
#define BF_ENGINE_LANDED_H

#include "engine/broker.h"
#include "http/http.h"

/* What can be read off every call that ended, in an answer or not. */
void landed_note(struct broker_call *c, const struct http_call *hc);

/*
 * c, noted before, is no answer: fills its ruling, why, asked_us, and raw, which is
 * put into masked.  rubbish says why something that came is none, where its status
 * does not.  No secret of the list, NULL at its end, is left in raw and why.
 */
void landed_failed(struct broker_call *c, struct http_call *hc,
    const struct err *rubbish, const char *const *secrets, struct buf *masked);

/* Some servers show the key that they were given; nothing that is kept or told may. */
void landed_mask(const char *const *secrets, char *text, size_t n);

#endif
