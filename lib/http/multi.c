/* Between libcurl and the loop. */
#include "http/private.h"

#include "base/mem.h"
#include "http/address.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
act(struct multi *m, curl_socket_t s, int mask)
{
	int running;

	(void)libcurl.multi_socket_action(m->curl, s, mask, &running);
	http_collect(m);
}

static void
on_socket_ready(void *arg, int fd, unsigned events)
{
	act(arg, fd,
	    ((events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0) |
		((events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0) |
		((events & LOOP_ERROR) != 0 ? CURL_CSELECT_ERR : 0));
}

static bool
is_connection(const struct http *h, curl_socket_t s)
{
	return (size_t)s < h->nconnections && h->connections[s];
}

curl_socket_t
multi_socket_new(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *t = arg;

	(void)purpose;
	if (t->target->guarded && !address_is_public(&address->addr)) {
		t->forbidden = true;
		return CURL_SOCKET_BAD;
	}
	return socket(
	    address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int
multi_socket_open(void *arg, curl_socket_t s, curlsocktype purpose)
{
	struct transfer *t = arg;
	struct http *h = t->http;
	size_t n = h->nconnections;

	(void)purpose;
	http_name_known(t->target, h);
	if ((size_t)s >= n) {
		n = (size_t)s + 64;
		h->connections = mem_resize(
		    h->connections, n, sizeof *h->connections);
		memset(h->connections + h->nconnections, 0, n - h->nconnections);
		h->nconnections = n;
	}
	h->connections[s] = true;
	return CURL_SOCKOPT_OK;
}

static int
on_socket_wanted(CURL *easy, curl_socket_t s, int what, void *arg, void *unused)
{
	struct multi *m = arg;
	struct err e;
	unsigned events = what == CURL_POLL_IN      ? LOOP_READ
			  : what == CURL_POLL_OUT   ? LOOP_WRITE
			  : what == CURL_POLL_INOUT ? LOOP_READ | LOOP_WRITE
						    : 0;

	(void)easy;
	(void)unused;
	/*
	 * A connection stays known to the kernel from request to request.  Other
	 * descriptors (the resolver's) are closed without a word.
	 */
	if (events == 0 && !is_connection(m->http, s)) {
		loop_forget(m->http->loop, s);
		return 0;
	}
	return loop_watch(m->http->loop, s, events, on_socket_ready, m, &e);
}

int
multi_socket_close(void *arg, curl_socket_t s)
{
	struct http *h = arg;

	if (is_connection(h, s))
		h->connections[s] = false;
	loop_forget(h->loop, s);
	return close(s);
}

static void
on_timer(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int
on_timer_wanted(CURLM *curl, long ms, void *arg)
{
	struct multi *m = arg;

	(void)curl;
	if (ms < 0)
		loop_timer_clear(m->http->loop, &m->timer);
	else
		loop_timer_set(
		    m->http->loop, &m->timer, clock_mono_us() + ms * 1000);
	return 0;
}

static struct multi *
multi_new(struct http *h)
{
	struct multi *m = mem_zero(1, sizeof *m);

	m->http = h;
	m->curl = libcurl.multi_init();
	m->timer.fn = on_timer;
	m->timer.arg = m;
	libcurl.multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
	libcurl.multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
	libcurl.multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
	libcurl.multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
	libcurl.multi_setopt(
	    m->curl, CURLMOPT_MAXCONNECTS, (long)(2 * HTTP_PER_MULTI));
	h->multis = mem_resize(h->multis, h->nmultis + 1, sizeof *h->multis);
	h->multis[h->nmultis++] = m;
	return m;
}

struct multi *
multi_with_room(struct http *h, const struct http_target *t)
{
	size_t i, most = t->http2 ? HTTP2_PER_MULTI : HTTP_PER_MULTI;

	for (i = 0; i < h->nmultis; i++)
		if (h->multis[i]->in_flight < most)
			return h->multis[i];
	return multi_new(h);
}

void
multi_free(struct multi *m)
{
	(void)libcurl.multi_cleanup(m->curl);
	loop_timer_clear(m->http->loop, &m->timer);
	free(m);
}
