/* listen: the socket that the server listens on, and its URL. */
#ifndef BF_MOCK_LISTEN_H
#define BF_MOCK_LISTEN_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Port 0: any that is free.  The descriptor, and "http://HOST:PORT/v1" in url;
 * -1 and e.
 */
int listen_open(const char *host, uint16_t port, char *url, size_t size, struct err *e);

#endif
