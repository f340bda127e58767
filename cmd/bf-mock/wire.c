/* wire: wrong lengths, torn bodies, resets. */
#include "wire.h"

#include <errno.h>
#include <sys/socket.h>

#define HUGE_HEADER  (256 << 10) /* more than any client takes in a line */
#define MANY_HEADERS 48
#define LONG_HEADER  1000

static void
add_filler(struct buf *out, size_t n)
{
	memset(buf_room(out, n), 'x', n);
	out->len += n;
}

static bool
in_chunks(enum fault_kind kind, bool stream)
{
	return kind == FAULT_TORN_CHUNKS ||
	       (stream && kind != FAULT_SHORT_LENGTH && kind != FAULT_LONG_LENGTH);
}

static void
add_framing(struct buf *out, enum fault_kind kind, bool stream, size_t n)
{
	if (in_chunks(kind, stream)) {
		buf_adds(out, "Transfer-Encoding: chunked\r\n");
		return;
	}
	if (kind == FAULT_SHORT_LENGTH)
		n /= 2;
	if (kind == FAULT_LONG_LENGTH)
		n += 64;
	buf_addf(out, "Content-Length: %zu\r\n", n);
}

static void
add_head(struct buf *out, enum fault_kind kind, int status, bool stream,
    struct span headers, size_t body)
{
	buf_addf(out, "HTTP/1.1 %d OK\r\nContent-Type: %s\r\n", status,
	    stream ? "text/event-stream; charset=utf-8" : "application/json");
	add_framing(out, kind, stream, body);
	if (kind == FAULT_HUGE_HEADER) {
		buf_adds(out, "X-Huge: ");
		add_filler(out, HUGE_HEADER);
		buf_adds(out, "\r\n");
	}
	for (int i = 0; kind == FAULT_MANY_HEADERS && i < MANY_HEADERS; i++) {
		buf_addf(out, "X-Filler-%d: ", i);
		add_filler(out, LONG_HEADER);
		buf_adds(out, "\r\n");
	}
	buf_addspan(out, headers);
	buf_adds(out, "\r\n");
}

static size_t
stop_at(enum fault_kind kind, const struct wire *w)
{
	switch (kind) {
	case FAULT_RESET_BEFORE:
		return 0;
	case FAULT_NO_BODY:
		return w->head;
	case FAULT_RESET_IN:
	case FAULT_STALL:
	case FAULT_TRUNCATED:
		return w->head + (w->bytes.len - w->head) / 2;
	default:
		return w->bytes.len;
	}
}

void
wire_compose(struct wire *w, const struct fault *f, int status, bool stream,
    struct span headers, struct span body)
{
	enum fault_kind kind = f->kind;

	buf_clear(&w->bytes);
	add_head(&w->bytes, kind, status, stream, headers, body.n);
	w->head = w->bytes.len;
	if (in_chunks(kind, stream))
		buf_addf(&w->bytes, "%zx\r\n", body.n);
	buf_addspan(&w->bytes, body);
	if (in_chunks(kind, stream))
		buf_adds(&w->bytes,
		    kind == FAULT_TORN_CHUNKS ? "\r\n" : "\r\n0\r\n\r\n");
	w->sent = 0;
	w->stop = stop_at(kind, w);
	w->every_us = kind == FAULT_SLOW ? f->every_us : 0;
	w->reset = kind == FAULT_RESET_BEFORE || kind == FAULT_RESET_IN ||
		   kind == FAULT_RESET_AFTER;
	w->stay = kind == FAULT_NO_BODY || kind == FAULT_STALL;
}

static void
reset(int fd)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	(void)connect(fd, &none, sizeof(none));
}

enum wire_next
wire_send(struct wire *w, int fd)
{
	size_t n;
	ssize_t put;

	while (w->sent < w->stop) {
		n = w->stop - w->sent;
		if (w->every_us > 0 && w->sent < w->head)
			n = w->head - w->sent;
		else if (w->every_us > 0)
			n = 1;
		put = send(
		    fd, w->bytes.data + w->sent, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put == -1 && errno == EINTR)
			continue;
		if (put == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return WIRE_LATER;
		if (put == -1)
			return WIRE_CLOSE;
		w->sent += (size_t)put;
		if (w->every_us > 0 && w->sent < w->stop)
			return WIRE_LATER;
	}
	if (w->reset)
		reset(fd);
	return w->stay ? WIRE_STAY : WIRE_CLOSE;
}

bool
wire_is_gone(int fd)
{
	char c;
	ssize_t got = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	return got == 0 || (got == -1 && errno != EAGAIN && errno != EWOULDBLOCK &&
			       errno != EINTR);
}

void
wire_release(struct wire *w)
{
	buf_release(&w->bytes);
}
