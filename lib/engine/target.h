/*
 * target: where a provider's calls go, with its key.
 */
#ifndef BF_ENGINE_TARGET_H
#define BF_ENGINE_TARGET_H

#include "dialects/provider.h"
#include "http/http.h"

/*
 * path is what follows the base URL (dialect_path()).  It belongs to h. NULL and e: as
 * http_target_new() has it.
 */
struct http_target *provider_target(struct http *h, const struct provider *p,
    const char *path, struct err *e);

#endif
