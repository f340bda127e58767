/* provider_open: one provider, for providers.c alone. */
#ifndef BF_DIALECTS_PROVIDER_OPEN_H
#define BF_DIALECTS_PROVIDER_OPEN_H

#include "dialects/provider.h"

/* Finds URL, endpoint and key of one that is defined. 0, or -1 and e. */
int provider_open(struct provider *p, const struct provider_options *o, struct err *e);
void provider_release(struct provider *p); /* wipes the key */

#endif
