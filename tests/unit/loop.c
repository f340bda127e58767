/* The event loop: descriptors and timers. */
#include "io/loop.h"

#include "io/clock.h"
#include "tap.h"

#include <fcntl.h>
#include <unistd.h>

static struct loop *loop;
static unsigned seen;
static int times;
static char order[64];
static size_t nordered;

static void
on_event(void *arg, int fd, unsigned events)
{
	(void)arg;
	(void)fd;
	seen |= events;
	times++;
}

static void
on_time(void *arg)
{
	order[nordered++] = *(const char *)arg;
}

static struct loop_timer other;

static void
clear_other(void *arg)
{
	on_time(arg);
	loop_timer_clear(loop, &other);
}

static void
turn(int64_t wait)
{
	struct err e = ERR_INIT;

	seen = 0;
	times = 0;
	ok(loop_turn(loop, wait, &e) == 0, "a turn");
}

static void
watch(int fd, unsigned events)
{
	struct err e = ERR_INIT;

	ok(loop_watch(loop, fd, events, on_event, NULL, &e) == 0, "watch for %u",
	    events);
}

static void
test_descriptors(void)
{
	int p[2];
	char c;

	if (pipe(p) != 0)
		exit(99);
	watch(p[0], LOOP_READ);
	watch(p[1], LOOP_WRITE);
	turn(0);
	ok(seen == LOOP_WRITE && times == 1, "an empty pipe can be written");
	watch(p[1], 0);
	turn(0);
	turn(0);
	ok(times == 0, "who takes his interest away is not called");
	if (write(p[1], "x", 1) != 1)
		exit(99);
	turn(-1);
	ok(seen == LOOP_READ, "a byte can be read");
	watch(p[0], 0);
	turn(0);
	ok(times == 0, "nor is it when a byte is there");
	watch(p[0], LOOP_READ);
	turn(-1);
	ok(seen == LOOP_READ, "interest can come back");
	ok(read(p[0], &c, 1) == 1 && c == 'x', "the byte");
	loop_forget(loop, p[1]);
	close(p[1]);
	turn(-1);
	ok((seen & LOOP_READ) != 0, "the end of a pipe can be read");
	loop_forget(loop, p[0]);
	close(p[0]);

	/* The same numbers again. */
	if (pipe(p) != 0)
		exit(99);
	watch(p[0], LOOP_READ);
	turn(0);
	ok(times == 0, "a new pipe under the old number is quiet");
	watch(p[1], LOOP_ERROR);
	turn(0);
	ok(times == 0, "a reader is there");
	loop_forget(loop, p[0]);
	close(p[0]);
	turn(-1);
	ok((seen & LOOP_ERROR) != 0, "the reader is gone");
	loop_forget(loop, p[1]);
	close(p[1]);
}

static void
test_files(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);

	if (fd < 0)
		return;
	watch(fd, LOOP_READ);
	turn(-1);
	turn(-1);
	ok(seen == LOOP_READ && times == 1, "a regular file is always ready");
	watch(fd, 0);
	turn(0);
	ok(times == 0, "unless nobody asks");
	loop_forget(loop, fd);
	close(fd);
}

static void
test_timers(void)
{
	static char names[] = "abcdefgh";
	static const int at[] = {5, 1, 7, 3, 2, 6, 0, 4};
	struct loop_timer t[8];
	int64_t now = clock_mono_us();
	int i;

	for (i = 0; i < 8; i++) {
		t[i] = (struct loop_timer){.fn = on_time, .arg = &names[at[i]]};
		loop_timer_set(loop, &t[i], now + 1000 * at[i]);
	}
	loop_timer_clear(loop, &t[2]);
	loop_timer_set(loop, &t[6], now + 20000); /* a, later */
	loop_timer_set(loop, &t[2], now + 30000); /* h, again */
	while (nordered < 8)
		turn(-1);
	ok(clock_mono_us() >= now + 30000, "no timer comes early");
	is_span(span_of(order, nordered), SPAN("bcdefgah"),
	    "timers come in their order");
	for (i = 0; i < 8; i++)
		if (t[i].slot != 0)
			break;
	ok(i == 8, "and once");

	nordered = 0;
	t[0] = (struct loop_timer){.fn = clear_other, .arg = &names[0]};
	other = (struct loop_timer){.fn = on_time, .arg = &names[1]};
	loop_timer_set(loop, &t[0], now);
	loop_timer_set(loop, &other, now + 1);
	turn(-1);
	turn(0);
	is_span(span_of(order, nordered), SPAN("a"),
	    "one timer may clear another that is due");
}

int
main(void)
{
	struct err e = ERR_INIT;

	loop = loop_new(&e);
	if (!ok(loop != NULL, "a loop"))
		return done();
	test_descriptors();
	test_files();
	test_timers();
	loop_free(loop);
	return done();
}
