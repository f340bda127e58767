/* llm: the broker that asks language models, of all providers, over HTTP. */
#ifndef BF_ENGINE_LLM_H
#define BF_ENGINE_LLM_H

#include "engine/broker.h"
#include "http/http.h"

struct llm_options {
	const char *model; /* where the request names none; may be NULL */
	struct providers *providers;
	const struct http_options *http; /* borrowed; it adds whose headers it wants */
	bool stream;     /* answers are asked for in pieces */
};

/* What the options refer to is borrowed. */
struct broker *llm_new(const struct llm_options *o);
void llm_free(struct broker *b);

#endif
