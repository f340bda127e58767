/*
 * ledger: what the fault tests need to do to a ledger.
 *
 *	ledger write DIR FROM COUNT [TURN]	records FROM, FROM+1, ..., TURN a
 *			commit; prints each number once it is committed.
 *			COUNT 0: for ever
 *	ledger hold DIR FROM COUNT	commits them, prints "held", ends with
 *			standard input
 *	ledger have DIR	numbers on standard input: prints those without their
 *			right answer; status 1 if there are any
 *	ledger mend DIR	the same, then writes five more to the ledger, then
 *			looks for all of them
 *	ledger watch DIR ACKS	opens again and again while standard input is
 *			open, and each time looks for all numbers in ACKS
 *	ledger count DIR
 *
 * BF_BLOCK, BF_TAIL, BF_SEGMENT, BF_INDEX are the sizes of the format; BF_SYNC is
 * always, second or never.  A commit that fails: the number of lines left unwritten
 * on standard output as "unwritten N", status 2.
 */
#include "base/msg.h"
#include "io/num.h"
#include "ledger/internal.h"

#include "numbered.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct err e;

static uint64_t
number(const char *s)
{
	uint64_t v;

	if (num_u64(span_str(s), &v) != 0)
		msg_die(2, "%s is no number", s);
	return v;
}

static void
report(void *arg, const char *text)
{
	(void)arg;
	msg_warn("%s", text);
}

static struct ledger *
open_ledger(const char *dir, bool read_only)
{
	const char *sync = getenv("BF_SYNC");
	struct ledger_options o = {
	    .read_only = read_only, .report = report, .cache = 1 << 20};
	struct ledger *l;

	if (sync != NULL)
		o.sync = strcmp(sync, "always") == 0  ? LEDGER_SYNC_ALWAYS
			 : strcmp(sync, "never") == 0 ? LEDGER_SYNC_NEVER
						      : LEDGER_SYNC_SECOND;
	l = ledger_open(dir, &o, &e);
	if (l == NULL)
		msg_die(2, "%s", e.text);
	return l;
}

/* One write(2), so that what is printed was acknowledged and no line is torn. */
static void
print_numbers(uint64_t from, uint64_t end)
{
	struct buf b = BUF_INIT;

	for (; from < end; from++)
		buf_addf(&b, "%" PRIu64 "\n", from);
	if (write(1, b.data, b.len) != (ssize_t)b.len)
		exit(3);
	buf_release(&b);
}

static int
commit_failed(struct ledger *l)
{
	struct span left = ledger_unwritten(l), line;
	size_t n = 0;
	bool whole;

	while (record_next(&left, &line, &whole))
		n += whole && record_crc_holds(line);
	msg_error("%s", e.text);
	printf("unwritten %zu\n", n);
	fflush(stdout);
	ledger_close(l, &e);
	return 2;
}

static int
append(struct ledger *l, uint64_t from, uint64_t count, uint64_t turn)
{
	struct ledger_record r;

	for (uint64_t n = from; count == 0 || n < from + count;) {
		uint64_t first = n;
		for (uint64_t k = 0; k < turn && (count == 0 || n < from + count);
		     k++, n++) {
			memset(&r, 0, sizeof(r));
			make_key(r.key, n);
			r.http = 200;
			r.response = make_response(n);
			if (ledger_append(l, &r, &e) != 0)
				msg_die(2, "%s", e.text);
		}
		if (ledger_commit(l, &e) != 0)
			return commit_failed(l);
		print_numbers(first, n);
	}
	return 0;
}

static int
finish(struct ledger *l)
{
	if (ledger_close(l, &e) == 0)
		return 0;
	msg_error("%s", e.text);
	return 2;
}

static int
do_hold(const char *dir, uint64_t from, uint64_t count)
{
	struct ledger *l = open_ledger(dir, false);
	char c;

	if (append(l, from, count, 1) != 0)
		return 2;
	if (write(1, "held\n", 5) != 5)
		return 2;
	while (read(0, &c, 1) > 0)
		;
	return finish(l);
}

static bool
has(struct ledger *l, uint64_t n)
{
	return look_for(l, n) == 1;
}

static int
print_missing(const char *dir, const uint64_t *numbers, size_t n)
{
	struct ledger *l = open_ledger(dir, true);
	int missing = 0;

	for (size_t i = 0; i < n; i++)
		if (!has(l, numbers[i])) {
			printf("%" PRIu64 "\n", numbers[i]);
			missing = 1;
		}
	ledger_close(l, &e);
	return missing;
}

static int
do_have(const char *dir)
{
	struct ledger *l = open_ledger(dir, true);
	uint64_t n;
	int missing = 0;

	while (scanf("%" SCNu64, &n) == 1)
		if (!has(l, n)) {
			printf("%" PRIu64 "\n", n);
			missing = 1;
		}
	ledger_close(l, &e);
	return missing;
}

static int
do_mend(const char *dir)
{
	static uint64_t numbers[1000];
	struct ledger *l;
	size_t n = 0;
	int missing;

	while (scanf("%" SCNu64, &numbers[n]) == 1)
		if (++n + 5 > sizeof(numbers) / sizeof(numbers[0]))
			msg_die(2, "too many numbers");
	missing = print_missing(dir, numbers, n);
	l = open_ledger(dir, false);
	if (append(l, 1000, 5, 2) != 0 || finish(l) != 0)
		return 2;
	for (uint64_t more = 1000; more < 1005; more++)
		numbers[n++] = more;
	return print_missing(dir, numbers, n) | missing;
}

/* What was acknowledged before the ledger was opened is in it. */
static int
do_watch(const char *dir, const char *acks)
{
	struct pollfd in = {0, POLLIN, 0};
	struct ledger *first = NULL;
	uint64_t *known = NULL, rounds = 0, missed = 0, n, nfirst = 0;
	bool last = false;

	while (!last) {
		size_t nknown = 0;
		FILE *f = fopen(acks, "r");
		struct ledger *l;
		last = poll(&in, 1, 0) > 0;
		if (f == NULL)
			msg_die(2, "cannot open %s", acks);
		/* The last line may be half there: not counted. */
		for (char line[32]; fgets(line, sizeof(line), f) != NULL;)
			if (strchr(line, '\n') != NULL &&
			    sscanf(line, "%" SCNu64, &n) == 1) {
				if ((nknown & (nknown - 1)) == 0)
					known = realloc(
					    known, (nknown == 0 ? 1 : 2 * nknown) *
						       sizeof(*known));
				known[nknown++] = n;
			}
		fclose(f);
		l = open_ledger(dir, true);
		for (size_t i = nknown > 3000 ? nknown - 3000 : 0; i < nknown; i++)
			if (!has(l, known[i])) {
				printf("missed %" PRIu64 " in round %" PRIu64 "\n",
				    known[i], rounds);
				missed++;
			}
		/* One that stays open answers as it did, whatever moves below it.
		 */
		if (first == NULL || rounds % 20 == 0) {
			ledger_close(first, &e);
			first = l;
			nfirst = nknown;
		} else {
			ledger_close(l, &e);
		}
		for (size_t i = nfirst > 300 ? nfirst - 300 : 0; i < nfirst; i++)
			if (!has(first, known[i])) {
				printf("lost %" PRIu64 " in round %" PRIu64 "\n",
				    known[i], rounds);
				missed++;
			}
		rounds++;
	}
	ledger_close(first, &e);
	free(known);
	printf("rounds %" PRIu64 " missed %" PRIu64 "\n", rounds, missed);
	return missed != 0;
}

static void
set_sizes(void)
{
	const char *block = getenv("BF_BLOCK"), *tail = getenv("BF_TAIL"),
		   *segment = getenv("BF_SEGMENT"), *index = getenv("BF_INDEX");

	if (block != NULL)
		ledger_sizes.block = number(block);
	if (tail != NULL)
		ledger_sizes.tail = number(tail);
	if (segment != NULL)
		ledger_sizes.segment = number(segment);
	if (index != NULL)
		ledger_sizes.index = number(index);
}

int
main(int argc, char **argv)
{
	struct ledger *l;

	msg_init("ledger");
	set_sizes();
	if (argc < 3)
		msg_die(2, "usage: see tests/fault/ledger.c");
	if (strcmp(argv[1], "write") == 0 && argc >= 5) {
		l = open_ledger(argv[2], false);
		if (append(l, number(argv[3]), number(argv[4]),
			argc > 5 ? number(argv[5]) : 1) != 0)
			return 2;
		return finish(l);
	}
	if (strcmp(argv[1], "hold") == 0 && argc == 5)
		return do_hold(argv[2], number(argv[3]), number(argv[4]));
	if (strcmp(argv[1], "have") == 0)
		return do_have(argv[2]);
	if (strcmp(argv[1], "mend") == 0)
		return do_mend(argv[2]);
	if (strcmp(argv[1], "watch") == 0 && argc == 4)
		return do_watch(argv[2], argv[3]);
	if (strcmp(argv[1], "count") == 0) {
		l = open_ledger(argv[2], true);
		printf("%" PRIu64 "\n", ledger_count(l));
		return finish(l);
	}
	msg_die(2, "usage: see tests/fault/ledger.c");
}
