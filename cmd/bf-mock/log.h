/* log: a line for each request that came. */
#ifndef BF_MOCK_LOG_H
#define BF_MOCK_LOG_H

#include "provider.h"

/*
 * Appends it, as JSON; the key, NULL where none came, is there as a hash.
 * images: what images.h says of them, empty where there are none.
 */
void log_add(struct buf *out, const char *method, const char *path,
    const struct outcome *o, const char *key, struct span images,
    struct span body);

#endif
