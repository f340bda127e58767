/*
 * relay: passes bytes on between clients and a server on this machine.
 *
 *	relay [-d MS] [-o FILE] PORT
 *
 * Prints the port on 127.0.0.1 that it listens on, and connects each client to
 * PORT.
 *
 *	-d MS	pass the server's bytes on singly, so many milliseconds apart
 *	-o FILE	write what clients send to this file
 *
 * Serves until it is killed, at most for a minute.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS = 64 };

struct pair {
	int client, server; /* -1: free */
};

static struct pair pairs[PAIRS];
static int port, delay_ms;
static FILE *record;

static struct sockaddr_in
address(int at)
{
	struct sockaddr_in a = {.sin_family = AF_INET};

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons((unsigned short)at);
	return a;
}

static int
listen_somewhere(void)
{
	struct sockaddr_in a = address(0);
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(fd, PAIRS) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		err(99, "listen");
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

static void
greet(int listener)
{
	struct sockaddr_in a = address(port);
	int i, client = accept(listener, NULL, NULL);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	for (i = 0; i < PAIRS; i++)
		if (pairs[i].client < 0 && client >= 0 && server >= 0 &&
		    connect(server, (struct sockaddr *)&a, sizeof a) == 0) {
			pairs[i] = (struct pair){client, server};
			return;
		}
	close(client);
	close(server);
}

/* False at the end of either. */
static bool
pass(int from, int to, size_t most, FILE *copy)
{
	char buf[16384];
	ssize_t n = recv(from, buf, most < sizeof buf ? most : sizeof buf, 0);

	if (n <= 0)
		return false;
	if (copy != NULL) {
		fwrite(buf, 1, (size_t)n, copy);
		fflush(copy);
	}
	return send(to, buf, (size_t)n, MSG_NOSIGNAL) == n;
}

static void
serve_pair(struct pair *p, short client, short server)
{
	const short some = POLLIN | POLLHUP | POLLERR;
	bool open = true;

	if ((client & some) != 0)
		open = pass(p->client, p->server, SIZE_MAX, record);
	if (open && (server & some) != 0)
		open = pass(
		    p->server, p->client, delay_ms > 0 ? 1 : SIZE_MAX, NULL);
	if (open)
		return;
	close(p->client);
	close(p->server);
	*p = (struct pair){-1, -1};
}

static _Noreturn void
serve(int listener)
{
	struct pollfd p[2 * PAIRS + 1];
	int i;

	for (;;) {
		for (i = 0; i < PAIRS; i++) {
			p[2 * i] = (struct pollfd){pairs[i].client, POLLIN, 0};
			p[2 * i + 1] = (struct pollfd){pairs[i].server, POLLIN, 0};
		}
		p[2 * PAIRS] = (struct pollfd){listener, POLLIN, 0};
		if (poll(p, 2 * PAIRS + 1, -1) < 0)
			err(99, "poll");
		for (i = 0; i < PAIRS; i++)
			if (pairs[i].client >= 0)
				serve_pair(&pairs[i], p[2 * i].revents,
				    p[2 * i + 1].revents);
		if ((p[2 * PAIRS].revents & POLLIN) != 0)
			greet(listener);
		if (delay_ms > 0)
			poll(NULL, 0, delay_ms);
	}
}

int
main(int argc, char **argv)
{
	int ch, i;

	while ((ch = getopt(argc, argv, "d:o:")) != -1)
		switch (ch) {
		case 'd':
			delay_ms = atoi(optarg);
			break;
		case 'o':
			record = fopen(optarg, "we");
			if (record == NULL)
				err(99, "%s", optarg);
			break;
		default:
			return 99;
		}
	if (optind + 1 != argc)
		errx(99, "usage: relay [-d MS] [-o FILE] PORT");
	port = atoi(argv[optind]);
	for (i = 0; i < PAIRS; i++)
		pairs[i] = (struct pair){-1, -1};
	alarm(60);
	serve(listen_somewhere());
}
