/* Budgets in a file that processes share, and what may happen to it and to them. */
#include "pacing/budget.h"

#include "io/clock.h"
#include "io/fdio.h"
#include "pacing/budget_file.h"
#include "pacing_help.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define URL "http://127.0.0.1:1/v1"
#define KEY "sk-canary-77aa"

static char top[64], dir[100];

static struct budget *
make(void)
{
	return budget_new(URL, KEY, SPAN("m"));
}

/* Takes one of rpm; from when on it may be sent. */
static int64_t
take(struct budget *b, int64_t rpm, int64_t *now)
{
	struct bucket_ask a = {budget_who(b), rpm, 0, 10, 16, true, 0.5};
	struct bucket_taken taken;
	struct bucket *s;
	int64_t opens;

	do {
		s = budget_begin(b, now);
		opens = bucket_take(s, &a, *now, &taken);
	} while (!budget_end(b));
	return opens;
}

static void
spend(struct budget *b, int n)
{
	int64_t now;

	while (n-- > 0)
		(void)take(b, 0, &now);
}

/* What all have sent, as the file says. */
static long long
sent(struct budget *b)
{
	int64_t now;

	do
		(void)budget_begin(b, &now);
	while (!budget_end(b));
	return (long long)budget_seen(b)->sent;
}

static bool
is_alone(struct budget *b, enum budget_trouble how, const char *why)
{
	struct err e = ERR_INIT;
	bool good;

	(void)sent(b);
	good = budget_trouble(b, &e) == how && strstr(e.text, why) != NULL;
	if (!good)
		printf("# %s\n", e.text);
	return good;
}

/* ---- files ---- */

static int
count_files(char *path, size_t size)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	int n = 0;

	while (d != NULL && (de = readdir(d)) != NULL)
		if (de->d_name[0] != '.') {
			n++;
			if (path != NULL)
				snprintf(path, size, "%s/%s", dir, de->d_name);
		}
	if (d != NULL)
		closedir(d);
	return n;
}

static void
clear(void)
{
	char path[400];

	while (count_files(path, sizeof(path)) > 0)
		unlink(path);
	rmdir(dir);
	unlink(dir);
}

static ino_t
number_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static int
mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -1;
}

/* The one file there is, to be spoiled. */
static struct budget_file *
map_it(char *path, size_t size)
{
	int fd = count_files(path, size) == 1 ? open(path, O_RDWR) : -1;
	void *p = mmap(NULL, sizeof(struct budget_file), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

/* ---- shared ---- */

static void
test_shared(void)
{
	struct budget *a = make(), *b = make();
	struct budget *others[] = {budget_new(URL, "sk-other", SPAN("m")),
	    budget_new(URL, NULL, SPAN("m")), budget_new(URL, KEY, SPAN("mm")),
	    budget_new(URL "2", KEY, SPAN("m"))};
	char path[400];
	int64_t now;
	int i;

	is_int(count_files(NULL, 0), 0, "nothing is made before it is used");
	spend(a, 5);
	is_int(sent(b), 5, "one sees what the other sent");
	spend(b, 3);
	is_int(sent(a), 8, "and the other way round");
	is_int(count_files(path, sizeof(path)), 1, "in one file");
	ok(mode_of(path) == 0600 && mode_of(dir) == 0700,
	    "for its owner alone, as the directory");
	is_int((long long)strlen(strrchr(path, '/') + 1), 32, "with a name of hex");
	for (i = 0; i < 4; i++)
		is_int(sent(others[i]), 0,
		    i == 0   ? "another key has its own"
		    : i == 1 ? "none, too"
		    : i == 2 ? "another model"
			     : "another server");
	is_int(count_files(NULL, 0), 5, "five in all");
	while (take(a, 60, &now) <= now)
		;
	ok(take(b, 60, &now) > now, "what one may not send the other may not");
	ok(take(b, 60000, &now) <= now, "but its limit is its own");
	budget_free(a);
	is_int((long long)budget_begin(b, &now)->turns.n, 1,
	    "who ends gives up its place");
	(void)budget_end(b);
	budget_free(b);
	for (i = 0; i < 4; i++)
		budget_free(others[i]);
	a = make();
	ok(sent(a) >= 8, "what was sent is known to the next run");
	budget_free(a);
}

/* ---- one that holds the lock ---- */

static void
test_stopped(void)
{
	struct budget *a = make(), *b = make(), *c = make();
	char path[400];
	struct bucket *s;
	ino_t before;
	int64_t now;

	spend(a, 4);
	(void)sent(c);
	(void)count_files(path, sizeof(path));
	before = number_of(path);
	s = budget_begin(a, &now);
	s->sent += 100;
	/* a is stopped here. */
	spend(b, 2);
	is_int(sent(b), 6, "one that is stopped with the lock holds up nobody");
	ok(number_of(path) != before && count_files(NULL, 0) == 1,
	    "the others go on with a copy");
	spend(c, 1);
	is_int(sent(b), 7, "all of them");
	ok(!budget_end(a), "what it did has no effect when it goes on");
	is_int(sent(a), 7, "and it goes on with the others");
	is_int(sent(c), 7, "who do not hear of it");
	budget_free(a);
	budget_free(b);
	budget_free(c);
}

/* The lock is held in the file, by nobody. */
static void
test_killed(void)
{
	struct budget *a = make(), *b;
	char path[400];
	struct budget_file *f;

	spend(a, 3);
	f = map_it(path, sizeof(path));
	atomic_fetch_or(&f->head.word, BUDGET_HELD);
	is_int(sent(a), 3, "a lock that a killed one left is got rid of");
	spend(a, 1);
	munmap(f, sizeof(*f));
	f = map_it(path, sizeof(path));
	/* Killed after it closed the file and before it made another. */
	atomic_fetch_or(&f->head.word, BUDGET_CLOSED | BUDGET_HELD);
	b = make();
	is_int(sent(b), 4, "a file that was closed is carried on by who comes");
	spend(b, 1);
	is_int(sent(a), 5, "and by who was there");
	munmap(f, sizeof(*f));
	budget_free(a);
	budget_free(b);
}

/* ---- many processes ---- */

struct counts {
	_Atomic uint64_t granted[64];
	_Atomic int go;
	int tap_count, tap_failed;
};

static struct counts *counts;

static pid_t
start(int number, int64_t rpm)
{
	pid_t pid = fork();
	struct budget *b;
	int64_t now;

	if (pid != 0)
		return pid;
	b = make();
	while (atomic_load(&counts->go) == 0)
		;
	while (atomic_load(&counts->go) == 1)
		if (take(b, rpm, &now) <= now)
			atomic_fetch_add(&counts->granted[number], 1);
	budget_free(b);
	_exit(0);
}

static uint64_t
granted(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < 64; i++)
		sum += atomic_load(&counts->granted[i]);
	return sum;
}

static void
begin_counts(void)
{
	for (int i = 0; i < 64; i++)
		atomic_store(&counts->granted[i], 0);
	atomic_store(&counts->go, 0);
}

static void
end_all(const pid_t *pids, int n)
{
	atomic_store(&counts->go, 2);
	for (int i = 0; i < n; i++)
		waitpid(pids[i], NULL, 0);
}

/* So much may be sent since then: a second's worth at once, and the rounding. */
static uint64_t
allowed(int64_t rpm, int64_t since)
{
	return (uint64_t)(rpm * (clock_mono_us() - since + SECOND) / MINUTE + 2);
}

static void
test_together(void)
{
	const int64_t rpm = 600000;
	struct budget *b;
	pid_t pids[4];
	int64_t since;

	begin_counts();
	since = clock_mono_us();
	for (int i = 0; i < 4; i++)
		pids[i] = start(i, rpm);
	atomic_store(&counts->go, 1);
	while (granted() < 20000)
		sched_yield();
	end_all(pids, 4);
	ok(granted() <= allowed(rpm, since),
	    "four that begin at once stay within the limit together");
	b = make();
	is_int(sent(b), (long long)granted(), "nothing that was sent is lost");
	ok(count_files(NULL, 0) == 1 && budget_seen(b)->turns.n == 0,
	    "in one file, and nobody is left waiting");
	budget_free(b);
}

static void
test_kills(size_t kills)
{
	const int64_t rpm = 600000;
	pid_t pids[3];
	struct budget *b = make();
	uint64_t before;
	struct rng r;
	int64_t since = clock_mono_us();
	size_t n;
	int i;

	rng_seed(&r, 4);
	begin_counts();
	atomic_store(&counts->go, 1);
	for (i = 0; i < 3; i++)
		pids[i] = start(i, rpm);
	for (n = 0; n < kills; n++) {
		before = granted();
		while (granted() < before + rng_below(&r, 200))
			sched_yield();
		i = (int)rng_below(&r, 3);
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		pids[i] = start(i, rpm);
	}
	before = granted();
	while (granted() < before + 100)
		sched_yield();
	end_all(pids, 3);
	ok(granted() <= allowed(rpm, since),
	    "%zu are killed at any instant: the limit holds", kills);
	/* Each may have been killed between taking and counting here. */
	ok((uint64_t)sent(b) >= granted() && (uint64_t)sent(b) <= granted() + kills,
	    "what was sent is counted: %lld, %lld", sent(b), (long long)granted());
	is_int(count_files(NULL, 0), 1, "in one file");
	budget_free(b);
}

/* Stops it again and again until it has the lock. */
static bool
stop_with_lock(pid_t pid, struct budget_file **f, char *path, size_t size)
{
	for (int i = 0; i < 100000; i++) {
		kill(pid, SIGSTOP);
		waitpid(pid, NULL, WUNTRACED);
		if ((atomic_load(&(*f)->head.word) & BUDGET_HELD) != 0)
			return true;
		kill(pid, SIGCONT);
		sched_yield();
		if ((atomic_load(&(*f)->head.word) & BUDGET_CLOSED) != 0) {
			munmap(*f, sizeof(**f));
			*f = map_it(path, size);
		}
	}
	return false;
}

static void
test_stops(void)
{
	struct budget *b = make();
	char path[400];
	struct budget_file *f;
	uint64_t before;
	int64_t now;
	pid_t pid;
	bool caught;

	begin_counts();
	atomic_store(&counts->go, 1);
	pid = start(0, 0);
	while (granted() < 10)
		sched_yield();
	f = map_it(path, sizeof(path));
	caught = stop_with_lock(pid, &f, path, sizeof(path));
	ok(caught, "a process is stopped while it has the lock");
	ok(take(b, 0, &now) <= now, "others go on");
	before = granted();
	ok(sent(b) >= (long long)before, "and know what it had sent");
	kill(pid, SIGCONT);
	while (granted() < before + 10)
		sched_yield();
	end_all(&pid, 1);
	is_int(sent(b), (long long)granted() + 1, "it goes on with them");
	munmap(f, sizeof(*f));
	budget_free(b);
}

/* ---- files that are not as they should be ---- */

static void
test_cut_off(void)
{
	struct budget *a = make(), *b = make();
	char path[400];
	int64_t now;

	spend(a, 3);
	spend(b, 1);
	(void)count_files(path, sizeof(path));
	if (truncate(path, 0) != 0)
		exit(99);
	ok(take(a, 0, &now) <= now && is_alone(a, BUDGET_ALONE, "cut off"),
	    "a file that is cut off under it: it goes on alone");
	is_int(sent(a), 4, "and knows what was sent");
	ok(is_alone(b, BUDGET_ALONE, "cut off"), "the other, too");
	budget_free(a);
	budget_free(b);
	a = make();
	ok(is_alone(a, BUDGET_ALONE, "broken"),
	    "the next does not touch what it finds");
	budget_free(a);
}

static void
test_broken(const char *what, size_t at, unsigned char with, const char *why)
{
	struct budget *b = make();
	char path[400];
	struct budget_file *f;

	spend(b, 2);
	budget_free(b);
	f = map_it(path, sizeof(path));
	((unsigned char *)f)[at] ^= with;
	munmap(f, sizeof(*f));
	b = make();
	if (why != NULL)
		ok(is_alone(b, BUDGET_ALONE, why), "%s: alone", what);
	else
		is_int(sent(b), 0, what);
	ok(take(b, 0, &(int64_t){0}) >= 0 && sent(b) == 1, "%s: and it is of use",
	    what);
	budget_free(b);
}

/* A right header, and then anything. */
static void
test_rubbish(void)
{
	char path[400];
	struct budget_file *f;
	struct budget *b = make();
	unsigned char *p;
	struct rng r;
	int64_t now, since = clock_mono_us();
	size_t bad = 0;

	spend(b, 1);
	budget_free(b);
	f = map_it(path, sizeof(path));
	rng_seed(&r, 9);
	for (int i = 0; i < 200; i++) {
		p = (unsigned char *)f->half;
		for (size_t k = 0; k < sizeof(f->half); k++)
			p[k] = (unsigned char)rng_next(&r);
		for (size_t k = 0; k < 2; k++)
			f->half[k].turns.n %= TURNS_MOST + 3;
		b = make();
		bad += take(b, 0, &now) == QUOTA_NEVER;
		bad += is_alone(b, BUDGET_SHARED, "") == false;
		bad += budget_seen(b)->cooldown.until > now + 400 * 1440 * MINUTE;
		budget_free(b);
	}
	munmap(f, sizeof(*f));
	ok(bad == 0 && clock_mono_us() - since < MINUTE,
	    "rubbish behind a right header is lived with");
}

static void
test_removed(void)
{
	struct budget *a = make(), *b = make();
	char path[400];
	int64_t now;

	spend(a, 3);
	spend(b, 1);
	(void)count_files(path, sizeof(path));
	unlink(path);
	/* Each looks once a second. */
	while (access(path, F_OK) != 0)
		(void)take(a, 60, &now);
	ok(sent(a) >= 4, "one that is removed is made again, with all in it");
	while (budget_seen(b)->sent != budget_seen(a)->sent)
		(void)sent(b);
	ok(count_files(NULL, 0) == 1, "and shared again");
	budget_free(a);
	budget_free(b);
}

/* ---- directories ---- */

static void
test_unsafe(void)
{
	char other[100];
	struct budget *b;
	int fd;

	snprintf(other, sizeof(other), "%s/other", top);
	mkdir(other, 0700);
	if (symlink(other, dir) != 0)
		exit(99);
	b = make();
	ok(is_alone(b, BUDGET_UNSAFE, "cannot open"),
	    "a directory that is a symbolic link is refused");
	ok(rmdir(other) == 0, "and nothing is made there");
	ok(take(b, 0, &(int64_t){0}) >= 0 && sent(b) == 1, "it goes on alone");
	budget_free(b);
	unlink(dir);

	mkdir(dir, 0700);
	chmod(dir, 0770);
	b = make();
	ok(is_alone(b, BUDGET_UNSAFE, "chmod 700"),
	    "one that is open to others, too");
	budget_free(b);
	rmdir(dir);

	fd = open(dir, O_CREAT | O_WRONLY, 0600);
	close(fd);
	b = make();
	ok(is_alone(b, BUDGET_UNSAFE, "cannot open"), "one that is a file");
	budget_free(b);
	unlink(dir);

	if (geteuid() == 0) {
		mkdir(dir, 0700);
		if (chown(dir, 12345, 12345) != 0)
			exit(99);
		b = make();
		ok(is_alone(b, BUDGET_UNSAFE, "another user's"), "another user's");
		budget_free(b);
		rmdir(dir);
	}
}

static void
test_links(void)
{
	char path[400], other[100];
	struct budget *b = make();

	spend(b, 1);
	(void)count_files(path, sizeof(path));
	budget_free(b);
	snprintf(other, sizeof(other), "%s/other", top);
	if (rename(path, other) != 0 || symlink(other, path) != 0)
		exit(99);
	b = make();
	ok(is_alone(b, BUDGET_ALONE, "cannot open a file"),
	    "a file that is a symbolic link is not followed");
	budget_free(b);
	unlink(other);
	unlink(path);
	mkdir(path, 0700);
	b = make();
	ok(is_alone(b, BUDGET_ALONE, "cannot open a file"),
	    "nor is a directory taken for one");
	budget_free(b);
	rmdir(path);
	mkfifo(path, 0600);
	b = make();
	ok(is_alone(b, BUDGET_ALONE, "broken"), "nor a FIFO");
	budget_free(b);
}

/* Where it is, by what the environment says. */
static void
test_places(void)
{
	char tmp[100];
	struct budget *b;

	snprintf(tmp, sizeof(tmp), "%s/bf-%lu", top, (unsigned long)geteuid());
	setenv("TMPDIR", top, 1);
	unsetenv("XDG_RUNTIME_DIR");
	b = make();
	spend(b, 1);
	ok(mode_of(tmp) == 0700 && is_alone(b, BUDGET_SHARED, ""),
	    "without XDG_RUNTIME_DIR it is below TMPDIR");
	budget_free(b);
	setenv("XDG_RUNTIME_DIR", "run", 1);
	b = make();
	is_int(sent(b), 1, "so it is where that is no absolute name");
	budget_free(b);
	setenv("XDG_RUNTIME_DIR", "/nowhere/at/all", 1);
	b = make();
	is_int(sent(b), 1, "or no directory");
	budget_free(b);
	if (geteuid() == 0) {
		char alien[100];
		snprintf(alien, sizeof(alien), "%s/alien", top);
		mkdir(alien, 0700);
		if (chown(alien, 12345, 12345) != 0)
			exit(99);
		setenv("XDG_RUNTIME_DIR", alien, 1);
		b = make();
		is_int(sent(b), 1, "or another user's");
		budget_free(b);
		rmdir(alien);
	}
	snprintf(dir, sizeof(dir), "%s", tmp);
	setenv("TMPDIR", "/nowhere/at/all", 1);
	unsetenv("XDG_RUNTIME_DIR");
	b = make();
	ok(is_alone(b, BUDGET_ALONE, "cannot make /nowhere/at/all/bf-"),
	    "where there is no place it is alone");
	budget_free(b);
}

static void
test_no_room(void)
{
	struct rlimit limit, none;
	struct budget *b = make();
	bool alone;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	none = limit;
	none.rlim_cur = 0;
	setrlimit(RLIMIT_FSIZE, &none);
	alone = is_alone(b, BUDGET_ALONE, "cannot write a file");
	setrlimit(RLIMIT_FSIZE, &limit);
	ok(alone, "without room for the file it is alone");
	is_int(count_files(NULL, 0), 0, "and leaves none");
	budget_free(b);
}

static void
test_locked_dir(void)
{
	struct budget *b = make();
	int fd;

	mkdir(dir, 0700);
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	if (flock(fd, LOCK_EX) != 0)
		exit(99);
	ok(is_alone(b, BUDGET_ALONE, "cannot lock"),
	    "one that is stopped while it makes a file is not waited for");
	close(fd);
	budget_free(b);
}

/* ---- files of long ago ---- */

static void
age(int64_t matters, int boot)
{
	char path[400];
	struct budget_file *f = map_it(path, sizeof(path));

	atomic_store(&f->head.matters, matters);
	f->head.boot[3] ^= (unsigned char)boot;
	munmap(f, sizeof(*f));
}

/* In a process of its own, which looks around when it makes a file. */
static void
spend_apart(const char *model, int n)
{
	if (fork() == 0) {
		spend(budget_new(URL, KEY, span_str(model)), n);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
}

static void
test_sweep(int64_t ago, int boot, int left, const char *what)
{
	struct budget *a = make();

	spend_apart("m", 3);
	(void)sent(a);
	age(clock_mono_us() - ago, boot);
	spend_apart("other", 1);
	is_int(count_files(NULL, 0), left, what);
	is_int(sent(a), 3, "who has it still loses nothing of what was spent");
	budget_free(a);
}

/* ---- */

static void
separately(void (*test)(void))
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		tap_failed = 0;
		test();
		fflush(stdout);
		counts->tap_count = tap_count;
		counts->tap_failed = tap_failed;
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0) {
		tap_failed++;
		printf("# it ended with %x\n", (unsigned)status);
	}
	tap_count = counts->tap_count;
	tap_failed += counts->tap_failed;
	counts->tap_failed = 0;
	clear();
}

static void
test_all_broken(void)
{
	test_broken("a file of another boot", 20, 1, NULL);
	clear();
	test_broken("another version", 10, 1, "broken");
	clear();
	test_broken("another size", 33, 1, "broken");
}

static void
test_sweep_old(void)
{
	test_sweep(SECOND, 0, 1, "a file that can matter to nobody is removed");
}

static void
test_sweep_new(void)
{
	test_sweep(-MINUTE, 0, 2, "one that can is not");
}

static void
test_sweep_boot(void)
{
	test_sweep(-MINUTE, 1, 1, "one of another boot is");
}

static void
test_some_kills(void)
{
	test_kills(many(50));
}

int
main(void)
{
	const char *tmp = getenv("TMPDIR");
	void (*const tests[])(void) = {test_shared, test_stopped, test_killed,
	    test_together, test_some_kills, test_stops, test_cut_off,
	    test_all_broken, test_rubbish, test_removed, test_unsafe, test_links,
	    test_no_room, test_locked_dir, test_sweep_old, test_sweep_new,
	    test_sweep_boot};

	snprintf(top, sizeof(top), "%s/bf-unit.XXXXXX", tmp == NULL ? "/tmp" : tmp);
	if (mkdtemp(top) == NULL)
		return 99;
	snprintf(dir, sizeof(dir), "%s/bf", top);
	setenv("XDG_RUNTIME_DIR", top, 1);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		separately(tests[i]);
	/* Last: it changes where things are. */
	test_places();
	clear();
	rmdir(top);
	return done();
}
