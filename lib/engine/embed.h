/*
 * embed: the broker that has texts made into vectors, many with one request.
 *
 * The engine hands it one call for each text; it packs those that are there at the
 * same time.  A pack is sent when it is full, or when no more came for a moment and
 * fewer than the most are in flight, so that whatever came when, requests are few.
 * The engine is to have a pack's worth of calls more than are in flight: jobs is
 * (requests + 1) * embed_most(), as the next pack fills meanwhile.
 *
 * Each text is recorded for itself (dialects/embeddings.h), with its share of the
 * request's tokens by its bytes; the shares add up to what was billed.  So the
 * ledger does not know of packs, and any mix of texts finds what is there.
 *
 * Where a server refuses a pack for what is in it (400, 413, 422), it is sent as
 * two halves, until what is refused is alone and fails.  An answer that does not
 * have exactly one vector for each text is none for all of them.
 */
#ifndef BF_ENGINE_EMBED_H
#define BF_ENGINE_EMBED_H

#include "dialects/embeddings.h"
#include "engine/broker.h"
#include "http/http.h"
#include "json/template.h"

struct embed_options {
	const char *model; /* MODEL or MODEL@PROVIDER */
	struct providers *providers;
	const struct template *text; /* what of an entry is embedded */
	const char *field;           /* where the vector goes */
	int64_t dimensions;          /* 0: as many as the model has */
	const char *task;            /* NULL: none */
	bool base64;                 /* the vector is a string, not an array */
	unsigned requests;           /* in flight at most */
	unsigned per_request; /* texts of one at most; 0: as many as are taken */
	const struct http_options *http; /* it adds how long an answer may be */
};

/* Options are copied, what they refer to is borrowed. NULL and e. */
struct broker *embed_new(const struct embed_options *o, struct err *e);
/* Texts of a request, at most. */
unsigned embed_most(const struct broker *b);
void embed_free(struct broker *b);

#endif
