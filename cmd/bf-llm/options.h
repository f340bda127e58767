/* options: what bf-llm is told. */
#ifndef BF_LLM_OPTIONS_H
#define BF_LLM_OPTIONS_H

#include "engine/command.h"
#include "engine/llm.h"

struct options {
	struct engine_command command;
	struct llm_options llm;
	const char *schema; /* a file; NULL: none is given */
	bool coerce, formats;
	bool list_providers;
};

/* x->command and x->llm have their defaults. */
void options_read(struct options *x, int argc, char **argv);
void options_release(struct options *x);

#endif
