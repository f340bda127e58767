/*
 * curl-loop: the least a client on libcurl can do, to compare others with.
 *
 *	curl-loop URL BODIES IN-FLIGHT [MULTIS] >ANSWERS
 *
 * Posts each line of BODIES and writes each answer as a line.  epoll and
 * curl_multi_socket_action(3), easy handles and connections reused; it looks
 * into no JSON, keeps no order and records nothing.
 */
#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define EVENTS     256
#define MULTIS_MAX 256

struct group {
	CURLM *multi;
	long timeout_at; /* milliseconds; -1: none */
};

struct transfer {
	CURL *easy;
	struct group *group;
	char *answer;
	size_t n, cap;
};

static struct group groups[MULTIS_MAX];
static struct curl_slist *headers;
static const char *url;
static FILE *bodies;
static int epoll_fd, running;
static unsigned long failed;

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "curl-loop: %s: %s\n", what, strerror(errno));
	exit(2);
}

static long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static size_t
on_data(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	n *= size;
	if (t->n + n > t->cap) {
		t->cap = 2 * (t->n + n);
		if ((t->answer = realloc(t->answer, t->cap)) == NULL)
			die("an answer");
	}
	memcpy(t->answer + t->n, p, n);
	t->n += n;
	return n;
}

/* What epoll hands back tells the group; the sockets of all are in one epoll. */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct group *g = arg;
	struct epoll_event ev = {.events = 0};

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	ev.events = (what & CURL_POLL_IN ? EPOLLIN : 0) |
		    (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	ev.data.u64 = (uint64_t)(g - groups) << 32 | (uint32_t)fd;
	epoll_ctl(epoll_fd, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev);
	curl_multi_assign(g->multi, fd, g);
	return 0;
}

static int
on_timer(CURLM *multi, long ms, void *arg)
{
	struct group *g = arg;

	(void)multi;
	g->timeout_at = ms < 0 ? -1 : now_ms() + ms;
	return 0;
}

/* Posts the next line; false when there is none. */
static bool
post_next(struct transfer *t)
{
	static char *line;
	static size_t cap;
	ssize_t n = getline(&line, &cap, bodies);

	if (n <= 0)
		return false;
	t->n = 0;
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, (long)n - 1);
	curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS, line);
	curl_multi_add_handle(t->group->multi, t->easy);
	running++;
	return true;
}

static void
start_transfer(struct group *g)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (t == NULL || (t->easy = curl_easy_init()) == NULL)
		die("a transfer");
	t->group = g;
	curl_easy_setopt(t->easy, CURLOPT_URL, url);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, 60000L);
	if (getenv("SSL_CERT_FILE") != NULL)
		curl_easy_setopt(t->easy, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	post_next(t);
}

static void
collect(struct group *g)
{
	struct transfer *t;
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(g->multi, &left)) != NULL) {
		long status = 0;
		CURL *easy = msg->easy_handle;
		CURLcode result = msg->data.result;

		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		if (result != CURLE_OK || status != 200)
			failed++;
		fwrite(t->answer, 1, t->n, stdout);
		putchar('\n');
		curl_multi_remove_handle(g->multi, easy);
		running--;
		post_next(t);
	}
}

static void
act(struct group *g, curl_socket_t fd, int what)
{
	int still;

	curl_multi_socket_action(g->multi, fd, what, &still);
	collect(g);
}

static int
next_timeout(size_t ngroups)
{
	long now = now_ms(), next = -1;

	for (size_t i = 0; i < ngroups; i++) {
		long left = groups[i].timeout_at - now;

		if (groups[i].timeout_at == -1)
			continue;
		if (left < 0)
			left = 0;
		if (next == -1 || left < next)
			next = left;
	}
	return (int)next;
}

static void
loop(size_t ngroups)
{
	struct epoll_event ev[EVENTS];

	while (running > 0) {
		int n = epoll_wait(epoll_fd, ev, EVENTS, next_timeout(ngroups));
		long now;

		for (int i = 0; i < n; i++)
			act(&groups[ev[i].data.u64 >> 32],
			    (curl_socket_t)(ev[i].data.u64 & 0xffffffff),
			    (ev[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
				(ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
				(ev[i].events & (EPOLLERR | EPOLLHUP)
					? CURL_CSELECT_ERR
					: 0));
		now = now_ms();
		for (size_t i = 0; i < ngroups; i++)
			if (groups[i].timeout_at != -1 &&
			    groups[i].timeout_at <= now) {
				groups[i].timeout_at = -1;
				act(&groups[i], CURL_SOCKET_TIMEOUT, 0);
			}
	}
}

int
main(int argc, char **argv)
{
	long in_flight = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
	size_t ngroups = argc > 4 ? strtoul(argv[4], NULL, 10) : 1;

	if (argc < 4 || in_flight < 1 || ngroups < 1 || ngroups > MULTIS_MAX) {
		fputs("usage: curl-loop URL BODIES IN-FLIGHT [MULTIS]\n", stderr);
		return 2;
	}
	url = argv[1];
	if ((bodies = fopen(argv[2], "re")) == NULL)
		die(argv[2]);
	curl_global_init(CURL_GLOBAL_ALL);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	headers = curl_slist_append(NULL, "Content-Type: application/json");
	headers = curl_slist_append(headers, "Authorization: Bearer mock");
	for (size_t i = 0; i < ngroups; i++) {
		struct group *g = &groups[i];

		g->multi = curl_multi_init();
		g->timeout_at = -1;
		curl_multi_setopt(g->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
		curl_multi_setopt(g->multi, CURLMOPT_SOCKETDATA, g);
		curl_multi_setopt(g->multi, CURLMOPT_TIMERFUNCTION, on_timer);
		curl_multi_setopt(g->multi, CURLMOPT_TIMERDATA, g);
		curl_multi_setopt(g->multi, CURLMOPT_MAXCONNECTS, in_flight);
	}
	for (long i = 0; i < in_flight; i++)
		start_transfer(&groups[(size_t)i % ngroups]);
	loop(ngroups);
	if (failed > 0)
		fprintf(stderr, "curl-loop: %lu failed\n", failed);
	return failed > 0 || fflush(stdout) != 0;
}
