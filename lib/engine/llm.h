/* llm: the broker that asks language models, of all providers, over HTTP. */
#ifndef BF_ENGINE_LLM_H
#define BF_ENGINE_LLM_H

#include "engine/broker.h"

struct llm_options {
	const char *model; /* where the request names none; may be NULL */
	struct providers *providers;
	int64_t timeout_us; /* of an attempt */
	int64_t connect_timeout_us;
	int64_t first_byte_us; /* to the first byte of an answer; 0: none */
	int64_t stall_us;
	const char *cacert;
	bool http1_only; /* no HTTP/2, though it is offered */
	bool stream;     /* answers are asked for in pieces */
};

/* The options' strings and providers are borrowed. */
struct broker *llm_new(const struct llm_options *o);
void llm_free(struct broker *b);

#endif
