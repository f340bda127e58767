/* fdio, num, rng, clock */
/* The checking wrappers of the C library would get in the way of those below. */
#undef _FORTIFY_SOURCE
#include "tap.h"

#include "io/clock.h"
#include "io/fdio.h"
#include "io/num.h"
#include "io/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void
test_integers(void)
{
	uint64_t u = 7;
	int64_t i = 7;

	ok(num_u64(SPAN("18446744073709551615"), &u) == 0 && u == UINT64_MAX,
	    "largest u64");
	u = 7;
	ok(num_u64(SPAN("18446744073709551616"), &u) < 0 && u == 7,
	    "one more fails, and stores nothing");
	ok(num_u64(SPAN(""), &u) < 0 && num_u64(SPAN("+1"), &u) < 0 &&
		num_u64(SPAN("-1"), &u) < 0 && num_u64(SPAN(" 1"), &u) < 0 &&
		num_u64(SPAN("1 "), &u) < 0 && num_u64(SPAN("0x1"), &u) < 0,
	    "digits and nothing else");
	ok(num_i64(SPAN("-9223372036854775808"), &i) == 0 && i == INT64_MIN,
	    "least i64");
	ok(num_i64(SPAN("9223372036854775807"), &i) == 0 && i == INT64_MAX,
	    "largest i64");
	ok(num_i64(SPAN("9223372036854775808"), &i) < 0 &&
		num_i64(SPAN("-9223372036854775809"), &i) < 0 &&
		num_i64(SPAN("-"), &i) < 0,
	    "beyond");
}

static void
test_size(struct span s, long long want)
{
	uint64_t v = 0;
	int r = num_size(s, &v);

	ok(want < 0 ? r < 0 : r == 0 && v == (uint64_t)want, "size '%.*s'",
	    (int)s.n, s.p);
}

static void
test_duration(struct span s, long long want)
{
	int64_t v = 0;
	int r = num_duration(s, &v);

	ok(want < 0 ? r < 0 : r == 0 && v == want, "duration '%.*s'", (int)s.n,
	    s.p);
}

static void
test_fraction(struct span s, double want)
{
	double v = 0;
	int r = num_fraction(s, &v);

	ok(want < 0 ? r < 0 : r == 0 && fabs(v - want) < 1e-15, "fraction '%.*s'",
	    (int)s.n, s.p);
}

static void
test_double(struct span s, double want)
{
	double v = 0;
	int r = num_double(s, &v);

	ok(isnan(want) ? r < 0 : r == 0 && memcmp(&v, &want, sizeof(v)) == 0,
	    "number '%.*s'", (int)(s.n > 40 ? 40 : s.n), s.p);
}

static void
test_units(void)
{
	test_size(SPAN("0"), 0);
	test_size(SPAN("123"), 123);
	test_size(SPAN("64K"), 65536);
	test_size(SPAN("64k"), 65536);
	test_size(SPAN("256M"), 268435456);
	test_size(SPAN("2G"), 2147483648);
	test_size(SPAN("1T"), 1099511627776);
	test_size(SPAN("16777216T"), -1);
	test_size(SPAN("K"), -1);
	test_size(SPAN("1KB"), -1);
	test_size(SPAN("1.5K"), -1);
	test_size(SPAN(""), -1);
	test_duration(SPAN("10ms"), 10000);
	test_duration(SPAN("250us"), 250);
	test_duration(SPAN("1.5s"), 1500000);
	test_duration(SPAN("2m"), 120000000);
	test_duration(SPAN("1h"), 3600000000);
	test_duration(SPAN("7d"), 604800000000);
	test_duration(SPAN("3"), 3000000);
	test_duration(SPAN(".5"), 500000);
	test_duration(SPAN("0"), 0);
	test_duration(SPAN("1.5"), 1500000);
	test_duration(SPAN("106751992d"), -1);
	test_duration(SPAN("s"), -1);
	test_duration(SPAN("."), -1);
	test_duration(SPAN("1x"), -1);
	test_duration(SPAN("-1s"), -1);
	test_duration(SPAN("1s2"), -1);
	test_duration(SPAN(""), -1);
	test_fraction(SPAN("0.05"), 0.05);
	test_fraction(SPAN("5%"), 0.05);
	test_fraction(SPAN("0"), 0);
	test_fraction(SPAN("1"), 1);
	test_fraction(SPAN("100%"), 1);
	test_fraction(SPAN("1.01"), -1);
	test_fraction(SPAN("-0.1"), -1);
	test_fraction(SPAN("%"), -1);
	test_fraction(SPAN("nan"), -1);
}

/* Numbers as embeddings have them, against strtod(3). */
static void
test_many_doubles(void)
{
	static const int digits[] = {8, 17, 6, 0, 15, 20, 3};
	char text[400];
	bool good = true;
	struct rng rng;
	double v, x;

	rng_seed(&rng, 1);
	for (int i = 0; i < 70000; i++) {
		x = rng_unit(&rng) * (double)(rng_below(&rng, 2000001) - 1e6);
		if (i % 2 == 0)
			snprintf(text, sizeof(text), "%.*g", digits[i % 7], x);
		else
			snprintf(text, sizeof(text), "%.*f", digits[i % 7], x);
		x = strtod(text, NULL);
		good = good && num_double(span_str(text), &v) == 0 &&
		       memcmp(&v, &x, sizeof(v)) == 0;
	}
	ok(good, "numbers of many forms are read as strtod(3) reads them");
}

static void
test_doubles(void)
{
	static char big[2000];

	test_many_doubles();
	test_double(SPAN("9007199254740992.1"), 9007199254740992.0);
	test_double(SPAN("0.00000000000000000001"), 1e-20);
	test_double(SPAN("-0.000000000000000001"), -1e-18);
	test_double(SPAN("99999999999999999999"), 1e20);
	test_double(SPAN("18446744073709551616"), 18446744073709551616.0);

	test_double(SPAN("0"), 0.0);
	test_double(SPAN("-0"), -0.0);
	test_double(SPAN("0.1"), 0.1);
	test_double(SPAN("1e23"), 1e23);
	test_double(SPAN("9007199254740993"), 9007199254740992.0);
	test_double(SPAN("2.2250738585072011e-308"), 0x0.fffffffffffffp-1022);
	test_double(SPAN("5e-324"), 0x1p-1074);
	test_double(SPAN("1e-400"), 0.0);
	test_double(SPAN("1e400"), NAN);
	test_double(SPAN("01"), NAN);
	test_double(SPAN("1."), NAN);
	test_double(SPAN(".5"), NAN);
	test_double(SPAN("+1"), NAN);
	test_double(SPAN("1e"), NAN);
	test_double(SPAN("0x10"), NAN);
	test_double(SPAN("inf"), NAN);
	test_double(SPAN("1,5"), NAN);
	test_double(SPAN(""), NAN);
	test_double(span_of("1234", 2), 12.0);
	/* 1 and a half ulp, and a digit far beyond that rounds it up. */
	memset(big, '0', sizeof(big));
	memcpy(big, "1.00000000000000011102230246251565404236316680908203125", 55);
	test_double(span_of(big, sizeof(big)), 1.0);
	big[sizeof(big) - 1] = '1';
	test_double(span_of(big, sizeof(big)), 0x1.0000000000001p0);
}

static void
test_rng(void)
{
	struct rng a, b;
	uint64_t count[5] = {0};
	bool even = true, unit = true;

	/* SplitMix64 of 0 begins e220a8397b1dcdaf, 6e789e6aa1b965f4,
	 * 06c45d188009454f. */
	rng_seed(&a, 0);
	ok(a.s[0] == UINT64_C(0xe220a8397b1dcdaf) &&
		a.s[1] == UINT64_C(0x6e789e6aa1b965f4) &&
		a.s[2] == UINT64_C(0x06c45d188009454f),
	    "seeded through SplitMix64");
	/* xoshiro256** from state 1, 2, 3, 4, worked out by hand. */
	a = (struct rng){{1, 2, 3, 4}};
	ok(rng_next(&a) == 11520 && rng_next(&a) == 0 && rng_next(&a) == 1509978240,
	    "xoshiro256**");
	rng_seed(&a, 42);
	rng_seed(&b, 42);
	ok(rng_next(&a) == rng_next(&b), "one seed, one sequence");
	for (int i = 0; i < 50000; i++)
		count[rng_below(&a, 5)]++;
	for (int i = 0; i < 5; i++)
		even = even && count[i] > 9500 && count[i] < 10500;
	ok(even, "rng_below is even");
	is_int((long long)rng_below(&a, 1), 0, "below 1 is 0");
	for (int i = 0; i < 1000; i++) {
		double u = rng_unit(&a);

		unit = unit && u >= 0 && u < 1;
	}
	ok(unit, "rng_unit is in [0, 1)");
	ok(rng_entropy() != rng_entropy(), "rng_entropy differs");
}

static void
test_clock(void)
{
	int64_t a = clock_mono_us(), b = clock_mono_us();

	ok(b >= a, "the monotonic clock never goes back");
	ok(clock_wall_ms() > INT64_C(1500000000000),
	    "the wall clock is in milliseconds");
}

static int
status_of_child(pid_t pid)
{
	int status = 0;

	return pid < 0 || waitpid(pid, &status, 0) < 0 ? -1 : status;
}

/* 0 if a closed descriptor fails as closed ones do and no file takes its place. */
static int
closed_descriptors(void)
{
	int fd;
	char c;

	close(0);
	close(1);
	close(2);
	fd_open_std();
	fd = fd_open("/dev/null", O_RDWR, 0);
	if (fd < 3)
		return 1;
	if (!(fcntl(fd, F_GETFD) & FD_CLOEXEC))
		return 2;
	if (fd_read(0, &c, 1) != -1 || errno != EBADF)
		return 3;
	if (fd_write(1, "x", 1) != -1 || errno != EBADF)
		return 4;
	if (fd_write(2, "x", 1) != -1 || errno != EBADF)
		return 5;
	return 0;
}

static void
test_closed(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(closed_descriptors());
	is_int(
	    status_of_child(pid), 0, "closed standard descriptors stay unusable");
}

/* Non-blocking on both sides, more than the pipe holds. */
static void
test_nonblocking(void)
{
	int p[2];
	static char data[300000], got[sizeof(data)];
	size_t n = 0;
	ssize_t r;
	pid_t pid;

	if (pipe2(p, O_NONBLOCK) < 0)
		return;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7 / 3);
	pid = fork();
	if (pid == 0) {
		close(p[0]);
		_exit(fd_write(p[1], data, sizeof(data)) == 0 ? 0 : 1);
	}
	close(p[1]);
	while (n < sizeof(got) && (r = fd_read(p[0], got + n, sizeof(got) - n)) > 0)
		n += (size_t)r;
	ok(n == sizeof(data) && memcmp(data, got, n) == 0,
	    "EAGAIN is waited out, a short write completed");
	is_int(status_of_child(pid), 0, "on both sides");
	is_int(fd_read(p[0], got, 1), 0, "then the end");
	fd_close(p[0]);
	is_int(fd_close(p[0]), -1, "closing twice is an error");
}

static int
stop_seen(void)
{
	int p[2];
	char c = 0;

	fd_catch_stop();
	if (pipe(p) < 0 || fd_stop_pipe() < 0 || fd_stopped() != 0)
		return 1;
	if (fd_write(p[1], "x", 1) < 0 || fd_read(p[0], &c, 1) != 1 || c != 'x')
		return 2;
	/* The signal is there before the read begins, which must not block. */
	raise(SIGINT);
	if (fd_stopped() != SIGINT)
		return 3;
	errno = 0;
	if (fd_read(p[0], &c, 1) != -1 || errno != EINTR)
		return 4;
	if (fd_write(p[1], "y", 1) != 0)
		return 5;
	if (read(fd_stop_pipe(), &c, 1) != 1)
		return 6;
	return 0;
}

/*
 * poll(2) and read(2) in the library's place: armed, a signal comes at the very
 * moment before the call would wait.
 */
static bool armed;

int
poll(struct pollfd *fds, nfds_t n, int timeout)
{
	struct timespec t = {timeout / 1000, timeout % 1000 * 1000000L};

	if (armed) {
		armed = false;
		raise(SIGTERM);
	}
	return ppoll(fds, n, timeout < 0 ? NULL : &t, NULL);
}

ssize_t
read(int fd, void *p, size_t n)
{
	/* Nothing is there to read: this would wait, with the signal unseen. */
	if (armed)
		_exit(7);
	return syscall(SYS_read, fd, p, n);
}

static int
stop_in_the_gap(void)
{
	int p[2];
	char c;

	fd_catch_stop();
	if (pipe(p) < 0)
		return 1;
	armed = true;
	if (fd_read(p[0], &c, 1) != -1 || errno != EINTR)
		return 2;
	return fd_stopped() == SIGTERM ? 0 : 3;
}

/* Blocks in fd_read() until the parent's signal. */
static int
stop_while_reading(int ready)
{
	int p[2];
	char c;

	fd_catch_stop();
	if (pipe(p) < 0 || fd_write(ready, "r", 1) < 0)
		return 1;
	if (fd_read(p[0], &c, 1) != -1 || errno != EINTR || fd_stopped() != SIGTERM)
		return 2;
	return 0;
}

static void
test_stop(void)
{
	struct rlimit no_core = {0, 0};
	int p[2], status;
	pid_t pid = fork();
	char c;

	if (pid == 0)
		_exit(stop_seen());
	is_int(status_of_child(pid), 0, "a stop request before the read");

	pid = fork();
	if (pid == 0)
		_exit(stop_in_the_gap());
	is_int(status_of_child(pid), 0,
	    "a stop request just before the call that waits");

	if (pipe(p) < 0)
		return;
	pid = fork();
	if (pid == 0)
		_exit(stop_while_reading(p[1]));
	ok(read(p[0], &c, 1) == 1 && kill(pid, SIGTERM) == 0,
	    "a child is told to stop");
	is_int(status_of_child(pid), 0,
	    "a stop request during or just before the read");

	pid = fork();
	if (pid == 0) {
		fd_catch_stop();
		raise(SIGINT);
		raise(SIGTERM);
		_exit(0);
	}
	status = status_of_child(pid);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM,
	    "a second signal, of the other kind too, kills");

	pid = fork();
	if (pid == 0) {
		signal(SIGINT, SIG_IGN);
		fd_catch_stop();
		raise(SIGINT);
		_exit(fd_stopped() == 0 ? 0 : 1);
	}
	is_int(status_of_child(pid), 0, "what a parent ignores stays ignored");

	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		fd_catch_stop();
		raise(SIGINT);
		fd_die_of(SIGINT);
	}
	status = status_of_child(pid);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT,
	    "fd_die_of dies of the signal");
}

int
main(void)
{
	test_integers();
	test_units();
	test_doubles();
	test_rng();
	test_clock();
	test_closed();
	test_nonblocking();
	test_stop();
	return done();
}
