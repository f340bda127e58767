/* Progress: the line, what is left out of it, and the sentence. */
#include "engine/progress.h"

#include "tap.h"

static struct engine_progress half = {.elapsed_us = 10000000,
    .entries = 60,
    .done = 50,
    .hits = 10,
    .failed = 2,
    .calls = 45,
    .retries = 1,
    .in_flight = 8,
    .tokens_in = 50000,
    .tokens_out = 1234,
    .part_read = 0.6};

static const char *
line_of(const struct engine_progress *p, unsigned width, bool colour)
{
	static struct buf b;
	struct progress_rates r = {.done = 0};

	buf_clear(&b);
	progress_line(&b, &r, p, width, colour);
	return buf_cstr(&b);
}

static void
test_line(void)
{
	struct engine_progress p = half;
	unsigned width;
	bool fits = true;

	is_str(line_of(&p, 200, false),
	    " 50%  [==========>         ]  50/~100  ETA 0:10  2 failed  8 in "
	    "flight  "
	    "4.5 calls/s  5.0k/s in 123/s out  10 hits  1 retry",
	    "all of it");
	p.cost = 1234000000;
	is_str(line_of(&p, 200, false),
	    " 50%  [==========>         ]  50/~100  ETA 0:10  2 failed  8 in "
	    "flight  "
	    "4.5 calls/s  5.0k/s in 123/s out  $1.23  10 hits  1 retry",
	    "and what it cost, where that is known");
	p.cost = 0;
	is_str(line_of(&p, 71, false),
	    " 50%  [==========>         ]  50/~100  ETA 0:10  2 failed  8 in "
	    "flight",
	    "what does not fit is left out");
	is_str(line_of(&p, 40, false), " 50%  50/~100  ETA 0:10  2 failed",
	    "a narrow one has no bar");
	for (width = 1; width < 200; width++)
		fits &= strlen(line_of(&p, width, false)) < width;
	ok(fits, "the last column stays free, whatever the width");
	p.cooldown_us = 12000000;
	is_str(line_of(&p, 73, true),
	    " 50%  [==========>         ]  50/~100  ETA 0:10  \033[33mcooldown 12 "
	    "s\033[0m  \033[31m2 failed\033[0m",
	    "colours take no room");
	p = half;
	p.part_read = -1;
	is_str(line_of(&p, 60, false),
	    "50  2 failed  8 in flight  4.5 calls/s  5.0k/s in 123/s out",
	    "a total that is not known is not told");
	p.part_read = 1;
	p.done = 60;
	is_str(line_of(&p, 47, false), "100%  60/60  2 failed  8 in flight",
	    "at the end it is");
	p = (struct engine_progress){.elapsed_us = 100000, .part_read = -1};
	is_str(
	    line_of(&p, 80, false), "0  0 in flight  0.0 calls/s", "at the start");
}

static void
test_rates(void)
{
	struct progress_rates r = {.done = 0};
	struct engine_progress p = {.part_read = 0.5};
	struct buf b = BUF_INIT;
	int i;

	for (i = 1; i <= 100; i++) {
		p.elapsed_us = i * 100000;
		p.calls = (uint64_t)i;
		progress_line(&b, &r, &p, 80, false);
	}
	ok(r.calls > 9.99 && r.calls < 10.01, "a steady rate is that rate");
	for (; i <= 700; i++) {
		p.elapsed_us = i * 100000;
		p.calls += 5;
		progress_line(&b, &r, &p, 80, false);
	}
	ok(r.calls > 49 && r.calls < 50.01,
	    "after a minute a new one has replaced it");
	buf_release(&b);
}

static void
test_status(void)
{
	struct buf b = BUF_INIT;

	progress_status(&b, &half);
	is_str(buf_cstr(&b),
	    "50/~100 entries done: 10 from the ledger, 2 failed; 8 in flight, 45 "
	    "calls, 1 again; 50k tokens in, 1.2k out; 10.0 s",
	    "a sentence");
	buf_release(&b);
}

int
main(void)
{
	test_line();
	test_rates();
	test_status();
	return done();
}
