/* options: what bf-embed is told. */
#ifndef BF_EMBED_OPTIONS_H
#define BF_EMBED_OPTIONS_H

#include "engine/command.h"
#include "engine/embed.h"

struct options {
	struct engine_command command;
	struct embed_options embed;
	struct template *text;
};

/* x->command and x->embed have their defaults. */
void options_read(struct options *x, int argc, char **argv);
void options_release(struct options *x);

#endif
