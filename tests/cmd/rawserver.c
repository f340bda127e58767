/*
 * rawserver: a server that answers every request with the same bytes, for
 * answers that no decent server gives.
 *
 *	rawserver [-b BYTES] [-cn] [-d MS] [-o COUNT] [-r FILE] REPLY... -- CMD...
 *
 * Runs CMD with OPENAI_BASE_URL, BF_ENDPOINT and a key set and ends with its
 * status.  The Nth request gets the bytes of the Nth REPLY file, later ones the
 * last's.  Ends by itself after a minute.
 *
 *	-b BYTES	stop sending after so many bytes, and leave it at that
 *	-c		close the connection after each reply
 *	-d MS		send a byte at a time, so many milliseconds apart
 *	-n		take connections and never answer
 *	-o COUNT	write the number of requests to this file
 *	-r FILE		append the requests to this file, "." in a line after each
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONNECTIONS = 64, REQUEST_MAX = 1 << 20, REPLIES = 16 };

struct reply {
	char *p;
	size_t n;
};

struct connection {
	int fd; /* -1: free */
	char *request;
	size_t n;
	const struct reply *reply; /* being sent */
	size_t sent;
};

static struct reply replies[REPLIES];
static int nreplies, requests, delay_ms;
static size_t bytes_most = (size_t)-1;
static bool close_after, never;
static const char *count_file, *request_file;
static struct connection connections[CONNECTIONS];

static struct reply
slurp(const char *path)
{
	struct reply r = {NULL, 0};
	FILE *f = fopen(path, "rb");
	size_t got, cap = 1 << 16;

	if (f == NULL)
		err(99, "%s", path);
	r.p = malloc(cap);
	while (r.p != NULL && (got = fread(r.p + r.n, 1, cap - r.n, f)) > 0) {
		r.n += got;
		if (r.n == cap)
			r.p = realloc(r.p, cap *= 2);
	}
	if (r.p == NULL)
		errx(99, "out of memory");
	fclose(f);
	return r;
}

static void
drop(struct connection *c)
{
	close(c->fd);
	free(c->request);
	*c = (struct connection){.fd = -1};
}

static void
count(void)
{
	FILE *f;

	requests++;
	if (count_file != NULL && (f = fopen(count_file, "w")) != NULL) {
		fprintf(f, "%d\n", requests);
		fclose(f);
	}
}

/* Bytes of a whole request at the start of the buffer, or 0. */
static size_t
whole_request(struct connection *c)
{
	char *end, *length;
	size_t n;

	c->request[c->n] = '\0';
	end = strstr(c->request, "\r\n\r\n");
	if (end == NULL)
		return 0;
	length = strcasestr(c->request, "\r\ncontent-length:");
	n = (size_t)(end + 4 - c->request);
	if (length != NULL && length < end)
		n += strtoul(length + 17, NULL, 10);
	return c->n >= n ? n : 0;
}

static void
keep(const char *request, size_t n)
{
	FILE *f;

	if (request_file == NULL || (f = fopen(request_file, "ab")) == NULL)
		return;
	fwrite(request, 1, n, f);
	fputs("\n.\n", f);
	fclose(f);
}

static void
receive(struct connection *c)
{
	ssize_t got = read(c->fd, c->request + c->n, REQUEST_MAX - c->n);
	size_t n;

	if (got <= 0) {
		drop(c);
		return;
	}
	c->n += (size_t)got;
	if (c->reply != NULL || (n = whole_request(c)) == 0)
		return;
	keep(c->request, n);
	memmove(c->request, c->request + n, c->n -= n);
	c->reply = &replies[requests < nreplies ? requests : nreplies - 1];
	c->sent = 0;
	count();
}

static void
transmit(struct connection *c)
{
	size_t n, most;
	ssize_t put;

	if (never)
		return;
	most = c->reply->n < bytes_most ? c->reply->n : bytes_most;
	n = delay_ms > 0 && c->sent < most ? 1 : most - c->sent;
	put = send(c->fd, c->reply->p + c->sent, n, MSG_NOSIGNAL);
	if (put < 0) {
		drop(c);
		return;
	}
	c->sent += (size_t)put;
	if (c->sent < c->reply->n)
		return;
	c->reply = NULL;
	if (close_after)
		drop(c);
}

static void
greet(int listener)
{
	int i, fd = accept(listener, NULL, NULL);

	for (i = 0; i < CONNECTIONS; i++)
		if (connections[i].fd < 0 && fd >= 0) {
			connections[i].fd = fd;
			connections[i].request = malloc(REQUEST_MAX + 1);
			return;
		}
	close(fd);
}

static bool
has_to_send(const struct connection *c)
{
	return c->fd >= 0 && c->reply != NULL && !never && c->sent < bytes_most;
}

static _Noreturn void
serve(int listener)
{
	struct pollfd p[CONNECTIONS + 1];
	int i;

	alarm(60);
	for (i = 0; i < CONNECTIONS; i++)
		connections[i].fd = -1;
	for (;;) {
		p[CONNECTIONS] = (struct pollfd){listener, POLLIN, 0};
		for (i = 0; i < CONNECTIONS; i++)
			p[i] = (struct pollfd){connections[i].fd,
			    (short)(has_to_send(&connections[i]) && delay_ms == 0
					? POLLIN | POLLOUT
					: POLLIN),
			    0};
		if (poll(p, CONNECTIONS + 1, delay_ms > 0 ? delay_ms : -1) < 0)
			err(99, "poll");
		for (i = 0; i < CONNECTIONS; i++) {
			if (connections[i].fd >= 0 &&
			    (p[i].revents & (POLLIN | POLLHUP)) != 0)
				receive(&connections[i]);
			if (has_to_send(&connections[i]) &&
			    (delay_ms > 0 || (p[i].revents & POLLOUT) != 0))
				transmit(&connections[i]);
		}
		if ((p[CONNECTIONS].revents & POLLIN) != 0)
			greet(listener);
	}
}

static int
listen_somewhere(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t n = sizeof a;
	char url[80];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(fd, 64) != 0 || getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		err(99, "listen");
	snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", ntohs(a.sin_port));
	setenv("OPENAI_BASE_URL", url, 1);
	setenv("OPENAI_API_KEY", "sk-raw-0123456789", 1);
	setenv("BF_ENDPOINT", "raw", 1);
	return fd;
}

int
main(int argc, char **argv)
{
	int ch, listener, status = 0;
	pid_t server, child;

	while ((ch = getopt(argc, argv, "+b:cd:no:r:")) != -1)
		switch (ch) {
		case 'b':
			bytes_most = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			close_after = true;
			break;
		case 'd':
			delay_ms = atoi(optarg);
			break;
		case 'n':
			never = true;
			break;
		case 'o':
			count_file = optarg;
			break;
		case 'r':
			request_file = optarg;
			break;
		default:
			return 99;
		}
	for (;
	     optind < argc && strcmp(argv[optind], "--") != 0 && nreplies < REPLIES;
	     optind++)
		replies[nreplies++] = slurp(argv[optind]);
	if (optind + 1 >= argc || nreplies == 0)
		errx(99, "usage: rawserver [-b BYTES] [-cn] [-d MS] [-o COUNT] "
			 "[-r FILE] "
			 "REPLY... -- CMD...");
	listener = listen_somewhere();
	server = fork();
	if (server == 0) {
		signal(SIGPIPE, SIG_IGN);
		serve(listener);
	}
	child = fork();
	if (child == 0) {
		execvp(argv[optind + 1], argv + optind + 1);
		err(99, "%s", argv[optind + 1]);
	}
	waitpid(child, &status, 0);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
