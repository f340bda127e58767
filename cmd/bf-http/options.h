/* What bf-http is told. */
#ifndef BF_HTTP_OPTIONS_H
#define BF_HTTP_OPTIONS_H

#include "engine/command.h"
#include "web.h"

struct options {
	struct engine_command command;
	struct web_options web;
	const char **hosts;
};

void options_read(struct options *x, int argc, char **argv);
void options_release(struct options *x);

#endif
