/* named: a request from a prompt that is known by its name. */
#ifndef BF_PROMPT_NAMED_H
#define BF_PROMPT_NAMED_H

#include "promptfile.h"
#include "request.h"

/*
 * Takes from the prompt all that the request has not yet: what the options say
 * counts more.  The request borrows of f from then on.  0; -1 and e.
 */
int named_load(
    const char *name, struct promptfile *f, struct request *r, struct err *e);

#endif
