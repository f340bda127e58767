/*
 * server: answers chat completions with a fixed answer, to measure clients.
 *
 * Loopback only, one thread, one epoll; a request costs a read(2) and a
 * write(2), so that the client is what a benchmark measures.  It holds ten
 * thousand connections.
 *
 *	server		prints "http://127.0.0.1:PORT" and serves until it is killed
 *
 *	POST /dMS/...	the answer, after MS milliseconds
 *	GET /stats	requests, connections, most in flight, since the last look
 */
#include "io/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS     512
#define DELAYS_MAX 8
#define INPUT_MAX  ((size_t)16 << 20)

struct connection {
	int fd;
	char *in;
	size_t have, cap;
	bool waiting;
	int64_t due;
	struct connection *next; /* in its delay's queue */
};

/* Requests of the same delay fall due in the order in which they came. */
struct queue {
	int ms;
	struct connection *first, *last;
};

static struct queue queues[DELAYS_MAX];
static size_t nqueues;
static int epoll_fd, listener;
static unsigned long requests, connections, in_flight, peak;

static const char body[] =
    "{\"id\":\"chatcmpl-bench0000000000000000000000000\",\"object\":\"chat."
    "completion\","
    "\"created\":1704067200,\"model\":\"mock-1\",\"choices\":[{\"index\":0,"
    "\"message\":"
    "{\"role\":\"assistant\",\"content\":\"The river does not ask who crosses it; "
    "it keeps "
    "its own accounts, in silt and in light. \\\"Come back in spring,\\\" it says, "
    "and "
    "means:\\n come back as someone else.\",\"refusal\":null},\"logprobs\":null,"
    "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":231,\"completion_"
    "tokens\":43,"
    "\"total_tokens\":274,\"prompt_tokens_details\":{\"cached_tokens\":0},"
    "\"completion_tokens_details\":{\"reasoning_tokens\":0}},"
    "\"system_fingerprint\":\"fp_bench\"}";
static char answer[2048];
static size_t answer_len;

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "server: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
drop(struct connection *c)
{
	close(c->fd);
	free(c->in);
	free(c);
}

/* A client that does not read what it asked for is dropped. */
static bool
put(struct connection *c, const char *p, size_t n)
{
	if (send(c->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n)
		return true;
	drop(c);
	return false;
}

static void
put_stats(struct connection *c)
{
	char text[512], counts[256];
	int n;

	n = snprintf(counts, sizeof(counts),
	    "{\"requests\":%lu,\"connections\":%lu,\"peak_in_flight\":%lu}\n",
	    requests, connections, peak);
	n = snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
	    "%d\r\n\r\n%s",
	    n, counts);
	requests = connections = 0;
	peak = in_flight;
	put(c, text, (size_t)n);
}

static void
enqueue(struct connection *c, int ms)
{
	struct queue *q = queues;

	while (q < queues + nqueues && q->ms != ms)
		q++;
	if (q == queues + DELAYS_MAX) {
		drop(c);
		return;
	}
	if (q == queues + nqueues) {
		nqueues++;
		q->ms = ms;
	}
	c->waiting = true;
	c->due = clock_mono_us() + 1000 * (int64_t)ms;
	c->next = NULL;
	if (q->first == NULL)
		q->first = c;
	else
		q->last->next = c;
	q->last = c;
	if (++in_flight > peak)
		peak = in_flight;
}

/* The length of the first request in p; 0 if it is not all there. */
static size_t
request_length(const char *p, size_t n)
{
	static const char name[] = "content-length:";
	const char *end = memmem(p, n, "\r\n\r\n", 4), *line = p;
	size_t length = 0;

	if (end == NULL)
		return 0;
	while ((line = memchr(line, '\n', (size_t)(end - line))) != NULL)
		if (strncasecmp(++line, name, sizeof(name) - 1) == 0)
			length = strtoul(line + sizeof(name) - 1, NULL, 10);
	length += (size_t)(end - p) + 4;
	return length <= n ? length : 0;
}

/* Answers, or lets wait, the next whole request; a client waits for its answer. */
static void
serve(struct connection *c)
{
	size_t length = request_length(c->in, c->have);
	const char *path;
	int ms = 0;

	if (length == 0)
		return;
	path = memchr(c->in, ' ', c->have);
	if (strncmp(path, " /stats", 7) == 0) {
		c->have = 0;
		put_stats(c);
		return;
	}
	if (strncmp(path, " /d", 3) == 0)
		ms = (int)strtol(path + 3, NULL, 10);
	requests++;
	memmove(c->in, c->in + length, c->have - length);
	c->have -= length;
	if (ms > 0)
		enqueue(c, ms);
	else
		put(c, answer, answer_len);
}

static void
on_readable(struct connection *c)
{
	ssize_t got;

	if (c->cap - c->have < 2048) {
		if (c->cap >= INPUT_MAX ||
		    (c->in = realloc(c->in, 2 * c->cap + 1)) == NULL)
			fail("a request");
		c->cap *= 2;
	}
	got = recv(c->fd, c->in + c->have, c->cap - c->have, 0);
	if (got > 0) {
		c->have += (size_t)got;
		c->in[c->have] = '\0'; /* there is room: cap + 1 was allocated */
		if (!c->waiting)
			serve(c);
	} else if ((got == 0 || errno != EAGAIN) && !c->waiting) {
		drop(c);
	} else if (got == 0) {
		/* Gone while it waits: dropped when its answer is sent. */
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
	}
}

static void
accept_all(void)
{
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) !=
	       -1) {
		struct connection *c = calloc(1, sizeof(*c));
		struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

		if (c == NULL || (c->in = malloc(4096 + 1)) == NULL)
			fail("a connection");
		c->fd = fd;
		c->cap = 4096;
		connections++;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
	}
}

/* Sends what is due; how many milliseconds until the next, -1 for none. */
static int
answer_due(void)
{
	int64_t now = clock_mono_us(), next = -1;

	for (struct queue *q = queues; q < queues + nqueues; q++) {
		while (q->first != NULL && q->first->due <= now) {
			struct connection *c = q->first;

			q->first = c->next;
			c->waiting = false;
			in_flight--;
			if (put(c, answer, answer_len) && c->have > 0)
				serve(c);
		}
		if (q->first != NULL && (next == -1 || q->first->due < next))
			next = q->first->due;
	}
	return next == -1 ? -1 : (int)(next - now);
}

static void
loop(void)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int us = answer_due(), n;
		struct timespec ts = {us / 1000000, us % 1000000 * 1000L};

		n = epoll_pwait2(
		    epoll_fd, events, EVENTS, us == -1 ? NULL : &ts, NULL);
		if (n == -1 && errno != EINTR)
			fail("epoll_pwait2");
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				accept_all();
			else
				on_readable(events[i].data.ptr);
		}
	}
}

static void
start(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	struct epoll_event ev = {.events = EPOLLIN};
	struct rlimit files;
	socklen_t len = sizeof(sa);

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (listener == -1 || epoll_fd == -1 ||
	    bind(listener, (struct sockaddr *)&sa, sizeof(sa)) == -1 ||
	    listen(listener, 16384) == -1 ||
	    getsockname(listener, (struct sockaddr *)&sa, &len) == -1 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &ev) == -1)
		fail("cannot listen");
	answer_len = (size_t)snprintf(answer, sizeof(answer),
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
	    "%zu\r\n\r\n%s",
	    sizeof(body) - 1, body);
	printf("http://127.0.0.1:%d\n", ntohs(sa.sin_port));
	fflush(stdout);
}

int
main(void)
{
	start();
	loop();
}
