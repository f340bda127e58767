/*
 * ledger-speed make DIR FILE N       a ledger of N made-up records of 1.5 KB, and
 *                                    FILE with the entries that they answer
 * ledger-speed look DIR FILE N       opening it and looking the entries' keys up
 *
 * Prints "name value" lines: CPU microseconds, for each record where nothing else
 * is said.  FILE.keys has the keys.
 */
#include "base/mem.h"
#include "engine/request.h"
#include "io/clock.h"
#include "io/fdio.h"
#include "io/hash.h"
#include "io/rng.h"
#include "ledger/internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define WORDS   6000
#define PHRASES 300000
#define TURN    16 /* answers a commit */

static char words[WORDS][16];
static char *phrases[PHRASES];
static struct rng rng;

/* Frequencies as in prose: the n-th word about once in n. */
static const char *
any_word(void)
{
	double u = rng_unit(&rng);

	return words[(size_t)(u * u * u * (WORDS - 1))];
}

static void
make_vocabulary(void)
{
	static const char syllables[] = "banedifoguhalemipostranquel";

	for (int i = 0; i < WORDS; i++) {
		size_t n = 2 + 2 * rng_below(&rng, 4);
		for (size_t k = 0; k < n; k += 2)
			memcpy(
			    words[i] + k, syllables + 2 * rng_below(&rng, 13), 2);
	}
	for (int i = 0; i < PHRASES; i++) {
		struct buf b = BUF_INIT;
		for (uint64_t n = 3 + rng_below(&rng, 6); n > 0; n--)
			buf_addf(&b, "%s ", any_word());
		phrases[i] = mem_strdup(buf_cstr(&b));
		buf_release(&b);
	}
}

static void
add_text(struct buf *b, size_t n)
{
	size_t end = b->len + n;

	while (b->len < end)
		buf_adds(b, phrases[rng_below(&rng, PHRASES)]);
}

/* An entry of the input, and the request that bf-llm makes of it. */
struct made {
	struct buf line, answer;
	struct request request;
};

static char endpoint[] = "mock";
static char openai[] = "openai";
static const struct provider provider = {
    .name = openai, .dialect = &dialect_openai_chat, .endpoint = endpoint};

static void
fail(const char *what)
{
	fprintf(stderr, "ledger-speed: %s\n", what);
	exit(2);
}

static void
make_entry(struct made *m, uint64_t n)
{
	struct entry en = ENTRY_INIT;
	struct json_fault f;
	struct err e;

	buf_clear(&m->line);
	buf_addf(&m->line, "{\"id\":\"%016" PRIx64 "\",\"prompt\":\"", n);
	add_text(&m->line, 450);
	buf_adds(&m->line, "\"}");
	if (entry_parse(&en, buf_span(&m->line), &f) != 0 ||
	    request_read_for(&m->request, &en, "gpt-4o-mini", &provider, &e) != 0)
		fail("an entry that is none");
	entry_release(&en);
	buf_addc(&m->line, '\n');
}

static void
make_record(struct ledger_record *r, uint64_t n, struct made *m)
{
	struct buf *a = &m->answer;

	buf_clear(a);
	buf_addf(a,
	    "{\"id\":\"chatcmpl-%016" PRIx64
	    "\",\"object\":\"chat.completion\",\"model\":\"gpt-4o-mini\","
	    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
	    "\"content\":\"",
	    rng_next(&rng));
	add_text(a, 500);
	buf_addf(a,
	    "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":%u,"
	    "\"completion_tokens\":%u}}",
	    (unsigned)rng_below(&rng, 300), (unsigned)rng_below(&rng, 300));
	memset(r, 0, sizeof(*r));
	memcpy(r->key, m->request.key, sizeof(r->key));
	r->time = 1780000000000 + (int64_t)n;
	r->http = 200;
	r->attempts = 1;
	r->millis = (int64_t)rng_below(&rng, 3000);
	r->model = buf_span(&m->request.model);
	r->endpoint = SPAN("mock");
	r->usage = SPAN("{\"input\":120,\"output\":210}");
	r->request = buf_span(&m->request.body);
	r->response = buf_span(a);
}

static double
cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static struct ledger *
open_it(const char *dir, bool read_only)
{
	struct ledger_options o = {
	    .sync = LEDGER_SYNC_SECOND, .read_only = read_only};
	struct err e;
	struct ledger *l = ledger_open(dir, &o, &e);

	if (l == NULL)
		fail(e.text);
	return l;
}

static int
create(const char *file, const char *end)
{
	struct buf name = BUF_INIT;
	int fd;

	buf_addf(&name, "%s%s", file, end);
	fd = fd_open(buf_cstr(&name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		fail("cannot make the file of entries");
	buf_release(&name);
	return fd;
}

/* The input is made a turn at a time, outside of the time that counts. */
static void
make(const char *dir, const char *file, uint64_t n)
{
	struct made m[TURN] = {{.request = REQUEST_INIT}};
	struct ledger *l = open_it(dir, false);
	struct ledger_record r[TURN];
	int entries = create(file, ""), keys = create(file, ".keys");
	struct err e;
	double spent = 0, start;

	for (uint64_t i = 0; i < n; i += TURN) {
		uint64_t turn = n - i < TURN ? n - i : TURN;
		for (uint64_t k = 0; k < turn; k++) {
			make_entry(&m[k], i + k);
			make_record(&r[k], i + k, &m[k]);
			if (fd_write(entries, m[k].line.data, m[k].line.len) != 0 ||
			    fd_write(keys, r[k].key, sizeof(r[k].key)) != 0)
				fail("cannot write the entries");
		}
		start = cpu_us();
		for (uint64_t k = 0; k < turn; k++)
			if (ledger_append(l, &r[k], &e) != 0)
				fail(e.text);
		if (ledger_commit(l, &e) != 0)
			fail(e.text);
		spent += cpu_us() - start;
	}
	start = cpu_us();
	if (ledger_close(l, &e) != 0)
		fail(e.text);
	printf("write %.2f\n", (spent + cpu_us() - start) / (double)n);
}

static void
get(struct ledger *l, const unsigned char *keys, uint64_t n)
{
	struct ledger_record r;
	struct err e;

	if (ledger_get(l, keys + n * LEDGER_KEY_SIZE, &r, &e) != 1)
		fail("a record is not found");
}

static void
swap(uint32_t *a, uint32_t *b)
{
	uint32_t t = *a;

	*a = *b;
	*b = t;
}

/* Numbers in order, shuffled within windows. */
static uint32_t *
order(uint64_t n, uint64_t window)
{
	uint32_t *v = mem_alloc(n * sizeof(*v));

	for (uint64_t i = 0; i < n; i++)
		v[i] = (uint32_t)i;
	for (uint64_t at = 0; at < n; at += window)
		for (uint64_t k = n - at < window ? n - at : window; k > 1; k--)
			swap(&v[at + k - 1], &v[at + rng_below(&rng, k)]);
	return v;
}

static void
look_in_order(const char *dir, const unsigned char *keys, uint64_t n,
    uint64_t window, const char *name)
{
	struct ledger *l = open_it(dir, true);
	uint32_t *v = order(n, window);
	double start = cpu_us();
	struct err e;

	for (uint64_t i = 0; i < n; i++)
		get(l, keys, v[i]);
	printf("%s %.2f\n", name, (cpu_us() - start) / (double)n);
	free(v);
	ledger_close(l, &e);
}

static void
look(const char *dir, const char *file, uint64_t n)
{
	unsigned char *keys = mem_alloc(n * LEDGER_KEY_SIZE);
	struct buf name = BUF_INIT;
	struct ledger *l;
	struct rusage u;
	double start, best = 1e30;
	struct err e;
	int fd;

	buf_addf(&name, "%s.keys", file);
	fd = fd_open(buf_cstr(&name), O_RDONLY, 0);
	for (size_t have = 0; have < n * LEDGER_KEY_SIZE;) {
		ssize_t got = fd_read(fd, keys + have, n * LEDGER_KEY_SIZE - have);
		if (got <= 0)
			fail("fewer keys than that");
		have += (size_t)got;
	}
	for (int i = 0; i < 5; i++) {
		start = (double)clock_mono_us();
		l = open_it(dir, true);
		get(l, keys, rng_below(&rng, n));
		if ((double)clock_mono_us() - start < best)
			best = (double)clock_mono_us() - start;
		ledger_close(l, &e);
	}
	printf("open_ms %.2f\n", best / 1000);
	look_in_order(dir, keys, n, 1, "ordered");
	look_in_order(dir, keys, n, 1000, "windows");
	getrusage(RUSAGE_SELF, &u);
	printf("rss_mib %.0f\n",
	    (double)u.ru_maxrss / 1024 - (double)n * 20 / 1048576);
	look_in_order(dir, keys, n, n, "shuffled");
	free(keys);
}

int
main(int argc, char **argv)
{
	uint64_t n = argc == 5 ? strtoull(argv[4], NULL, 10) : 0;

	rng_seed(&rng, 1);
	if (n > 0 && strcmp(argv[1], "make") == 0) {
		make_vocabulary();
		make(argv[2], argv[3], n);
	} else if (n > 0 && strcmp(argv[1], "look") == 0)
		look(argv[2], argv[3], n);
	else
		fail("usage: ledger-speed make|look DIR FILE N");
	return 0;
}
