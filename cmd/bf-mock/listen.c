#include "listen.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

static int
listen_at(const struct addrinfo *ai, struct err *e)
{
	int fd, on = 1;

	fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
	if (fd == -1)
		return err_sys(e, "cannot make a socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		err_sys(e, "cannot listen");
		close(fd);
		return -1;
	}
	return fd;
}

int
listen_open(const char *host, uint16_t port, char *url, size_t size, struct err *e)
{
	struct addrinfo *ai, hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	char name[80], number[8];
	int fd, failed;

	snprintf(number, sizeof(number), "%u", (unsigned)port);
	if ((failed = getaddrinfo(host, number, &hints, &ai)) != 0)
		return err_set(e, "%s: %s", host, gai_strerror(failed));
	fd = listen_at(ai, e);
	freeaddrinfo(ai);
	if (fd == -1)
		return err_prefix(e, "%s port %s", host, number);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) == -1 ||
	    getnameinfo((struct sockaddr *)&sa, len, name, sizeof(name), number,
		sizeof(number), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
		close(fd);
		return err_set(e, "cannot find out the port");
	}
	snprintf(url, size,
	    strchr(name, ':') != NULL ? "http://[%s]:%s/v1" : "http://%s:%s/v1",
	    name, number);
	return fd;
}
