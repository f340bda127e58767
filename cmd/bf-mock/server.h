/*
 * server: the provider's face on the network.
 *
 * One thread and one loop: libmicrohttpd looks after connections and HTTP,
 * the loop after the answers that are due later.  A request is read whole,
 * answered by provider.h, and its answer held back until its latency is over.
 *
 *	POST /v1/chat/completions	POST /v1/responses	POST /v1/messages
 *	POST /v1beta/models/MODEL:generateContent, :streamGenerateContent
 *	GET /v1/models			GET /_stats		POST /_reset
 */
#ifndef BF_MOCK_SERVER_H
#define BF_MOCK_SERVER_H

#include "base/err.h"
#include "provider.h"

#include <stdint.h>

#define SERVER_BODY_MAX ((size_t)64 << 20)

struct server_config {
	const char *host;
	uint16_t port;           /* 0: any that is free */
	const char *key;         /* the one that is taken; NULL: any */
	int log_fd;              /* -1: no log */
	struct provider_config provider;
};

struct server;

/* Listens; NULL and e on failure. The configuration is borrowed. */
struct server *server_start(const struct server_config *config, struct err *e);

/* "http://127.0.0.1:PORT/v1" */
const char *server_url(const struct server *s);

/* Serves until ended(), asked whenever wake_fd is readable, says true. 0, or -1 and e. */
int server_run(struct server *s, int wake_fd, bool (*ended)(void), struct err *e);

/* What GET /_stats answers, with a newline. */
void server_add_stats(const struct server *s, struct buf *out);

void server_stop(struct server *s); /* drops what is open, frees */

#endif
