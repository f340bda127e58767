/*
 * request: what an entry asks for, ready to be sent, and the key under which
 * its answer is kept.
 *
 * An entry asks in one of four ways, the first that is there:
 *	request               a chat completion's body
 *	messages              its messages alone
 *	prompt                the text of one user message
 *	custom_id and body    a line of an OpenAI batch
 * The model is the body's own, else the default.
 *
 * What the provider's dialect cannot say is an error here, so that nothing is sent
 * for it.
 *
 * The completion key is BLAKE2b-128 (RFC 7693) over the canonical JSON text
 *	{"body":B,"dialect":D,"endpoint":E,"model":M,"sample":N}
 * B being the body in the OpenAI form, whatever the dialect, without "model" and without what dialect_is_transport()
 * names, N the entry's integer field "sample", else 0.
 *
 * A request with an image's digest in place of its bytes (engine/inlined.h) is
 * an error: it would not be the call that was recorded.  Where "recorded" is set it
 * is none, and nothing is made that could be sent.  The key of a request with
 * digests is no call's.
 */
#ifndef BF_ENGINE_REQUEST_H
#define BF_ENGINE_REQUEST_H

#include "dialects/provider.h"
#include "json/columns.h"

#include <stdint.h>

enum { REQUEST_KEY_SIZE = 16 };

struct request {
	/* For the owner to set. */
	bool lenient;        /* see dialects/dialect.h */
	bool stream;         /* the answer is to come in pieces */
	bool recorded;       /* it is read from a ledger and not sent: see below */
	const char *instead; /* the model that is asked, whatever the entry names; NULL */
	struct span given;   /* the body that is asked, whatever the entry has; p NULL */

	struct buf body;  /* in the OpenAI form; inlined.h has what the ledger keeps */
	struct buf wire;  /* what is sent for it; empty: the body as it is */
	struct buf dropped; /* where lenient: what of it is not sent; "" if nothing */
	struct buf model; /* text, without the provider */
	const struct provider *provider;
	unsigned char key[REQUEST_KEY_SIZE];
	size_t surrogates; /* lone ones that became U+FFFD */

	struct buf text; /* what the key is the hash of */
	struct buf canon; /* scratch */
	struct buf scratch;
};

#define REQUEST_INIT ((struct request){.surrogates = 0})

/*
 * Fills r, whose memory is reused, for an entry. -1 and e, saying what is
 * missing, if it asks for nothing that can be sent.  model may be NULL.  The
 * provider is the one that the model names.
 */
int request_read(struct request *r, const struct entry *en, const char *model,
    struct providers *ps, struct err *e);

/* The same for a provider that is given, whatever the model names. */
int request_read_for(struct request *r, const struct entry *en, const char *model,
    const struct provider *p, struct err *e);

/*
 * What an entry asks, as a body in the OpenAI form, whose model may be missing;
 * SPAN_NONE and e.  It is the entry's, or in r until r is used again.
 */
struct span request_body(struct request *r, const struct entry *en, struct err *e);

/* The key of what r has for a provider. */
void request_key(struct request *r, const struct provider *p, int64_t sample);

/* ---- for brokers that fill one themselves ---- */

/* Nothing is asked, sent or dropped yet. */
void request_begin(struct request *r);

/*
 * Appends what is asked about of an entry, an object: the columns that are given, as far as
 * it has them, else all of it less the error of a former run.
 */
void request_add_entry(
    struct buf *out, const struct entry *en, const struct columns *columns);

void request_release(struct request *r);

#endif
