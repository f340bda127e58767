/* options: what bf-llm is told. */
#ifndef BF_LLM_OPTIONS_H
#define BF_LLM_OPTIONS_H

#include "engine/engine.h"
#include "engine/llm.h"
#include "io/cli.h"
#include "io/statusline.h"

struct options {
	struct engine_options engine;
	struct llm_options llm;
	struct provider_options provider;
	const char *prices; /* a file; NULL: none is given */
	const char *schema; /* likewise */
	bool coerce, formats;
	enum statusline_when progress;
	bool list_providers, no_ledger;
};

void options_read(struct options *x, int argc, char **argv);
void options_release(struct options *x);

#endif
