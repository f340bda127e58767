/*
 * wire: answers that no HTTP library sends.
 *
 * They are written to the connection's own socket while libmicrohttpd leaves
 * it alone (the request is being handled or suspended); afterwards the
 * connection can only be closed.
 *
 *	wire_compose(&w, fault, headers, body);
 *	for (;;) wire_send(&w, fd) says what next
 *
 * A connection is reset as connect(2) does with AF_UNSPEC, which Linux answers
 * with a RST at once.
 */
#ifndef BF_MOCK_WIRE_H
#define BF_MOCK_WIRE_H

#include "faults.h"

struct wire {
	struct buf bytes; /* the answer, its head included */
	size_t head;      /* bytes of it that are the head */
	size_t sent;
	size_t stop;      /* nothing is sent from here on */
	int64_t every_us; /* between two bytes of the body; 0: all at once */
	bool reset, stay; /* what comes then; else the connection is closed */
};

enum wire_next {
	WIRE_LATER, /* call wire_send() again after w->every_us, or soon if that is 0 */
	WIRE_CLOSE,
	WIRE_STAY, /* leave the connection as it is until the client goes */
};

/*
 * headers: lines with their line ends.  A stream of events goes out in chunks,
 * anything else under its length.  Reuses the buffer in w.
 */
void wire_compose(struct wire *w, const struct fault *f, int status, bool stream,
    struct span headers, struct span body);
enum wire_next wire_send(struct wire *w, int fd);
/* Whether the client has closed the connection, or it is broken. */
bool wire_is_gone(int fd);
void wire_release(struct wire *w);

#endif
