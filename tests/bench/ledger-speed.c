/*
 * ledger-speed [RECORDS]: CPU microseconds a record for writing to a ledger,
 * for opening it and for reading all back, on made-up records of 1.5 KB; and
 * how its size compares with zstd -3 over all the records in one go.  TMPDIR
 * says where.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/hash.h"
#include "io/rng.h"
#include "ledger/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

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

static void
make_record(struct ledger_record *r, uint64_t n, struct buf *req, struct buf *res)
{
	buf_clear(req);
	buf_clear(res);
	buf_addf(req, "{\"body\":{\"messages\":[{\"content\":\"");
	add_text(req, 450);
	buf_addf(
	    req, "\",\"role\":\"user\"}]},\"model\":\"gpt-4o-mini\",\"sample\":0}");
	buf_addf(res,
	    "{\"id\":\"chatcmpl-%016" PRIx64
	    "\",\"object\":\"chat.completion\",\"choices\":"
	    "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"",
	    rng_next(&rng));
	add_text(res, 500);
	buf_addf(res,
	    "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":%u,"
	    "\"completion_tokens\":%u}}",
	    (unsigned)rng_below(&rng, 300), (unsigned)rng_below(&rng, 300));
	memset(r, 0, sizeof(*r));
	hash_blake2b(span_of((char *)&n, sizeof(n)), r->key, sizeof(r->key));
	r->time = 1780000000000 + (int64_t)n;
	r->http = 200;
	r->attempts = 1;
	r->millis = (int64_t)rng_below(&rng, 3000);
	r->model = SPAN("gpt-4o-mini");
	r->endpoint = SPAN("openai");
	r->usage = SPAN("{\"input\":120,\"output\":210}");
	r->request = buf_span(req);
	r->response = buf_span(res);
}

static double
cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static _Noreturn void
fail(const struct err *e)
{
	fprintf(stderr, "ledger-speed: %s\n", e->text);
	exit(2);
}

/* The input is made a turn at a time, outside of the time that counts. */
static double
write_all(const char *dir, uint64_t n, struct buf *all)
{
	struct ledger_options o = {.sync = LEDGER_SYNC_SECOND};
	struct ledger_record r[TURN];
	struct buf req[TURN], res[TURN];
	struct err e;
	struct ledger *l = ledger_open(dir, &o, &e);
	double spent = 0, start;

	if (l == NULL)
		fail(&e);
	memset(req, 0, sizeof(req));
	memset(res, 0, sizeof(res));
	for (uint64_t i = 0; i < n; i += TURN) {
		for (uint64_t k = 0; k < TURN; k++) {
			make_record(&r[k], i + k, &req[k], &res[k]);
			if (all != NULL)
				ledger_record_write(all, &r[k]);
		}
		start = cpu_us();
		for (int k = 0; k < TURN; k++)
			if (ledger_append(l, &r[k], &e) != 0)
				fail(&e);
		if (ledger_commit(l, &e) != 0)
			fail(&e);
		spent += cpu_us() - start;
	}
	start = cpu_us();
	if (ledger_close(l, &e) != 0)
		fail(&e);
	return spent + cpu_us() - start;
}

static void
read_all(const char *dir, uint64_t n)
{
	struct ledger_options o = {.read_only = true};
	struct err e;
	struct ledger_record r;
	unsigned char key[LEDGER_KEY_SIZE];
	double start = cpu_us(), opened, ordered, shuffled;
	struct ledger *l = ledger_open(dir, &o, &e);

	if (l == NULL)
		fail(&e);
	opened = cpu_us() - start;
	start = cpu_us();
	for (uint64_t i = 0; i < n; i++) {
		hash_blake2b(span_of((char *)&i, sizeof(i)), key, sizeof(key));
		if (ledger_get(l, key, &r, &e) != 1)
			fail(&e);
	}
	ordered = cpu_us() - start;
	start = cpu_us();
	for (uint64_t i = 0; i < 20000; i++) {
		uint64_t k = rng_below(&rng, n);
		hash_blake2b(span_of((char *)&k, sizeof(k)), key, sizeof(key));
		if (ledger_get(l, key, &r, &e) != 1)
			fail(&e);
	}
	shuffled = cpu_us() - start;
	printf("open         %8.2f us a record, %.0f ms in all\n",
	    opened / (double)n, opened / 1e3);
	printf("get, ordered %8.2f us a record, %.0f a second\n",
	    ordered / (double)n, (double)n / ordered * 1e6);
	printf("get, random  %8.2f us a record, %.0f a second\n", shuffled / 20000,
	    20000 / shuffled * 1e6);
	ledger_close(l, &e);
}

static uint64_t
bytes_in(const char *dir)
{
	char cmd[300];
	unsigned long long n = 0;
	FILE *p;

	snprintf(cmd, sizeof(cmd), "cat '%s'/*.zst | wc -c", dir);
	p = popen(cmd, "r");
	if (p == NULL || fscanf(p, "%llu", &n) != 1)
		n = 0;
	if (p != NULL)
		pclose(p);
	return n;
}

int
main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) / TURN * TURN
			      : 100000 / TURN * TURN;
	const char *tmp = getenv("TMPDIR");
	char dir[200], cmd[220];
	struct buf all = BUF_INIT, packed = BUF_INIT;
	double spent, zstd, start;
	uint64_t size;

	snprintf(dir, sizeof(dir), "%s/ledger-speed-%d", tmp == NULL ? "/tmp" : tmp,
	    (int)getpid());
	rng_seed(&rng, 1);
	make_vocabulary();
	spent = write_all(dir, n, &all);
	size = bytes_in(dir);
	packed.len = ZSTD_compressBound(all.len);
	packed.data = mem_alloc(packed.len);
	start = cpu_us();
	packed.len = ZSTD_compress(packed.data, packed.len, all.data, all.len, 3);
	zstd = cpu_us() - start;
	printf("%" PRIu64 " records of %zu bytes, %d a commit\n", n, all.len / n,
	    TURN);
	printf("write        %8.2f us a record; zstd -3 over all %.2f\n",
	    spent / (double)n, zstd / (double)n);
	printf("ratio        %8.2f; zstd -3 over all %.2f\n",
	    (double)all.len / (double)size, (double)all.len / (double)packed.len);
	buf_release(&all);
	free(packed.data);
	read_all(dir, n);
	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
	return system(cmd) != 0;
}
