/* The table of calls in flight: kept, left behind, taken in. */
#include "ledger/marks.h"

#include "ledger_help.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static struct buf told = {NULL, 0, 0, 0};
static unsigned char key[LEDGER_KEY_SIZE];

/* One line for each run: who, how many calls, their models. */
static void
found(void *arg, const struct marks_run *run)
{
	static const char *const owner[] = {"alive", "dead", "elsewhere"};

	(void)arg;
	buf_addf(&told, "%s", owner[run->owner]);
	for (size_t i = 0; i < run->ncalls; i++)
		buf_addf(&told, " %d:%.*s@%.*s", run->calls[i].key[15],
		    (int)run->calls[i].model.n, run->calls[i].model.p,
		    (int)run->calls[i].endpoint.n, run->calls[i].endpoint.p);
	if (run->broken > 0)
		buf_addf(&told, " broken %zu", run->broken);
	buf_addc(&told, '\n');
}

static void
looks(const char *want, const char *what)
{
	buf_clear(&told);
	if (marks_look(dir, found, NULL, &e) != 0)
		ok(false, "look: %s", e.text);
	is_str(buf_cstr(&told), want, what);
}

static void
collects(const char *want, const char *what)
{
	buf_clear(&told);
	if (marks_collect(dir, &writing, found, NULL, &e) != 0)
		ok(false, "collect: %s", e.text);
	is_str(buf_cstr(&told), want, what);
}

static uint32_t
set(struct marks *m, unsigned n, const char *model)
{
	make_key(key, n);
	return marks_set(m, key, span_str(model), SPAN("mock"));
}

/* A child does this and is killed; all that it did is done. */
static void
killed(void (*function)(struct marks *m))
{
	pid_t pid = fork();

	if (pid == 0) {
		static struct marks *volatile m;
		if ((m = marks_open(dir, 4, &e)) == NULL)
			_exit(1);
		function(m);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
}

static void
three_calls(struct marks *m)
{
	uint32_t gone;

	set(m, 1, "a");
	gone = set(m, 2, "b");
	set(m, 3, "c");
	marks_clear(m, gone);
	set(m, 4, "d");
}

static void
no_calls(struct marks *m)
{
	marks_clear(m, set(m, 1, "a"));
}

/* Two calls; the first one's answer is recorded, and its mark still set. */
static void
recorded(struct marks *m)
{
	struct ledger *l = open_ledger(&writing);

	set(m, 1, "a");
	set(m, 2, "b");
	add(l, 1, "answer");
	commit(l);
}

static const char *
only_file(const char *begin)
{
	static char path[400];
	DIR *d = opendir(dir);
	struct dirent *de;

	path[0] = '\0';
	while ((de = readdir(d)) != NULL)
		if (strncmp(de->d_name, begin, strlen(begin)) == 0)
			snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
	closedir(d);
	return path;
}

static bool
any_file(void)
{
	return only_file("inflight-")[0] != '\0';
}

static void
scribble(const char *path, off_t at, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || pwrite(fd, bytes, n, at) != (ssize_t)n)
		ok(false, "cannot write to %s", path);
	close(fd);
}

static void
test_life(void)
{
	struct marks *m;
	struct stat st;
	uint32_t one;

	new_dir();
	looks("", "a directory that is not there");
	collects("", "and nothing to collect");
	mkdir(dir, 0700);
	m = marks_open(dir, 3, &e);
	ok(m != NULL, "made");
	ok(stat(only_file("inflight-"), &st) == 0 && (st.st_mode & 07777) == 0600,
	    "for its owner alone");
	looks("alive\n", "a living owner");
	one = set(m, 1,
	    "m\xc3\xb6"
	    "del");
	set(m, 2, "x");
	looks("alive 1:m\xc3\xb6"
	      "del@mock 2:x@mock\n",
	    "its calls in flight");
	collects("", "are nobody else's");
	ok(any_file(), "and the file stays");
	marks_clear(m, one);
	looks("alive 2:x@mock\n", "a mark cleared");
	set(m, 3, "");
	set(m, 4, "z");
	looks("alive 3:@mock 2:x@mock 4:z@mock\n", "slots are used again");
	is_int(set(m, 5, "z"), MARKS_NONE, "more than there are is no slot");
	marks_clear(m, MARKS_NONE);
	for (uint32_t i = 0; i < 3; i++)
		marks_clear(m, i);
	marks_close(m);
	ok(!any_file(), "a clean end removes the file");
	is_int(files(""), 0, "and leaves nothing else");
}

static void
test_lost_answer(void)
{
	struct marks *m;

	new_dir();
	mkdir(dir, 0700);
	m = marks_open(dir, 2, &e);
	set(m, 7, "m");
	marks_close(m);
	collects(
	    "dead 7:m@mock\n", "an answer that was lost is told by the next run");
}

static void
test_names(void)
{
	struct marks *m;
	char text[400];
	struct buf want = BUF_INIT;

	new_dir();
	mkdir(dir, 0700);
	m = marks_open(dir, 1, &e);
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	memcpy(text + 98, "\xf0\x9f\x98\x80", 4);
	set(m, 1, text);
	buf_addf(&want, "alive 1:%.98s@mock\n", text);
	looks(buf_cstr(&want), "a long name is cut at a character's end");
	marks_clear(m, 0);
	set(m, 1, "b");
	looks("alive 1:b@mock\n", "a shorter one after it");
	marks_clear(m, 0);
	marks_close(m);
	buf_release(&want);
}

static size_t
count_text(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static const char *
all_records(void)
{
	static char text[65536];
	char cmd[200];
	FILE *p;
	size_t n;

	snprintf(cmd, sizeof(cmd), "zstdcat '%s'/*.zst", dir);
	p = popen(cmd, "r");
	n = fread(text, 1, sizeof(text) - 1, p);
	text[n] = '\0';
	pclose(p);
	return text;
}

static void
test_killed(void)
{
	const char *records;

	new_dir();
	mkdir(dir, 0700);
	killed(three_calls);
	looks("dead 1:a@mock 4:d@mock 3:c@mock\n", "what a killed process left");
	looks("dead 1:a@mock 4:d@mock 3:c@mock\n", "and looking changes nothing");
	collects("dead 1:a@mock 4:d@mock 3:c@mock\n", "is collected");
	ok(!any_file(), "the file is gone");
	collects("", "once");
	records = all_records();
	is_int((long long)count_text(records, "\"class\":\"possibly_billed\""), 3,
	    "three records");
	is_int((long long)count_text(records,
		   "\"s\":\"error\",\"http\":0,\"attempts\":1,\"ms\":0,\"model\":"),
	    3, "which are history");
	is_int(
	    (long long)count_text(records, "\"req\":null"), 3, "without a request");
	killed(no_calls);
	ok(any_file(), "a file without marks");
	collects("", "tells nothing");
	ok(!any_file(), "and is removed");
	killed(recorded);
	looks("dead 2:b@mock\n", "a call whose answer is recorded does not count");
	collects("dead 2:b@mock\n", "nor when they are collected");
	records = all_records();
	is_int((long long)count_text(records, "\"class\":\"possibly_billed\""), 4,
	    "one more record");
	is_int(
	    (long long)count_text(records, "\"s\":\"ok\""), 1, "beside the answer");
}

/* The mark of a call that is newer than the answer that is there. */
static void
test_refreshed(void)
{
	struct ledger *l;

	new_dir();
	l = open_ledger(&writing);
	add(l, 1, "old");
	close_ledger(l, "an answer");
	nanosleep(&(struct timespec){0, 2000000}, NULL);
	killed(three_calls);
	collects("dead 1:a@mock 4:d@mock 3:c@mock\n",
	    "an answer from before the call is not that call's");
	l = open_ledger(&reading);
	ok(has_answer(l, 1, "old"), "and serves as before");
	close_ledger(l, "closed");
}

/* Twice in a row, as when the first was killed before it removed the file. */
static void
test_twice(void)
{
	struct buf first = BUF_INIT;
	char cmd[900];
	char *path;

	new_dir();
	mkdir(dir, 0700);
	killed(three_calls);
	path = strdup(only_file("inflight-"));
	snprintf(cmd, sizeof(cmd), "cp '%s' '%s.keep'", path, dir);
	ok(system(cmd) == 0, "a copy");
	collects("dead 1:a@mock 4:d@mock 3:c@mock\n", "collected");
	buf_adds(&first, all_records());
	snprintf(cmd, sizeof(cmd), "mv '%s.keep' '%s'", dir, path);
	ok(system(cmd) == 0, "the file again");
	collects("dead 1:a@mock 4:d@mock 3:c@mock\n", "and again");
	is_int((long long)strlen(all_records()), 2 * (long long)first.len,
	    "the same records");
	ok(memcmp(all_records(), buf_cstr(&first), first.len) == 0 &&
		memcmp(all_records() + first.len, buf_cstr(&first), first.len) == 0,
	    "byte for byte, which is one record each");
	buf_release(&first);
	free(path);
}

static void
test_damage(void)
{
	const char *path;
	int fd;

	new_dir();
	mkdir(dir, 0700);
	killed(three_calls);
	path = only_file("inflight-");
	scribble(path, 256 + 8, "?", 1);
	collects(
	    "dead 4:d@mock 3:c@mock broken 1\n", "a slot that was half written");
	killed(three_calls);
	path = only_file("inflight-");
	ok(truncate(path, 256 + 100) == 0, "cut");
	collects("", "a file that was cut in a slot");
	killed(three_calls);
	path = only_file("inflight-");
	ok(truncate(path, 0) == 0, "cut to nothing");
	collects("", "a file that was only begun");
	ok(!any_file(), "is removed");
	killed(three_calls);
	path = only_file("inflight-");
	scribble(path, 12, "2", 1);
	buf_clear(&reports);
	collects("", "one of a newer version");
	ok(any_file(), "is left alone");
	ok(strstr(buf_cstr(&reports), "left alone") != NULL, "and told");
	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	collects("", "an empty file");
	ok(!any_file(), "is removed");
}

/* A name that is taken, and the hosts of others. */
static void
test_taken(void)
{
	struct marks *m, *n;
	char host[LEDGER_HOST_MAX], from[400], to[900];

	new_dir();
	mkdir(dir, 0700);
	m = marks_open(dir, 1, &e);
	set(m, 1, "m");
	n = marks_open(dir, 1, &e);
	ok(n != NULL, "a name that is taken gets an addition");
	set(n, 2, "n");
	buf_clear(&told);
	marks_look(dir, found, NULL, &e);
	ok(strstr(buf_cstr(&told), "alive 1:m@mock\n") != NULL &&
		strstr(buf_cstr(&told), "alive 2:n@mock\n") != NULL,
	    "both are there");
	marks_close(n);
	collects("dead 2:n@mock\n", "the one that is left is collected");
	looks("alive 1:m@mock\n", "the other stays");
	marks_clear(m, 0);
	marks_close(m);

	killed(three_calls);
	ledger_host(host, sizeof(host));
	snprintf(from, sizeof(from), "%s", only_file("inflight-"));
	snprintf(to, sizeof(to), "%s/inflight-%s-other-12", dir, host);
	ok(rename(from, to) == 0, "a file of another host");
	looks("elsewhere 1:a@mock 4:d@mock 3:c@mock\n", "is seen");
	collects("", "and not judged");
	ok(any_file(), "nor removed");
}

/* Somebody who holds the lock of a file that is being made, as a collector may. */
static void
test_race(void)
{
	pid_t pids[4];
	int bad = 0, status;

	new_dir();
	mkdir(dir, 0700);
	for (int i = 0; i < 4; i++)
		if ((pids[i] = fork()) == 0) {
			for (int k = 0; k < 100; k++) {
				struct marks *m;
				if (i < 2) {
					marks_collect(
					    dir, &writing, found, NULL, &e);
					continue;
				}
				if ((m = marks_open(dir, 2, &e)) == NULL)
					_exit(1);
				marks_clear(m, set(m, 1, "m"));
				if (!any_file())
					_exit(2);
				marks_close(m);
			}
			_exit(told.len > 0);
		}
	for (int i = 0; i < 4; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status != 0)
			bad++;
	is_int(bad, 0, "files are made while others collect");
	collects("", "and nothing is left of it");
	ok(!any_file(), "not even a file");
}

/* In strict mode any system call but read, write and exit is a SIGKILL. */
__attribute__((unused)) static int
strict(void (*function)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
			_exit(3);
		function(arg);
		syscall(SYS_exit, 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

__attribute__((unused)) static void
read_clock(void *arg)
{
	struct timespec ts;

	(void)arg;
	clock_gettime(CLOCK_REALTIME, &ts);
}

__attribute__((unused)) static void
thousand(void *arg)
{
	for (unsigned i = 0; i < 1000; i++)
		marks_clear(arg, set(arg, i, "model"));
	set(arg, 9, "last");
}

static void
test_no_calls(void)
{
	struct marks *m;

	new_dir();
	mkdir(dir, 0700);
	m = marks_open(dir, 8, &e);
#ifdef __SANITIZE_ADDRESS__
	ok(true, "# SKIP the address sanitizer makes system calls of its own");
#else
	if (strict(read_clock, NULL) != 0)
		ok(true, "# SKIP no strict mode, or a clock that is a system call");
	else {
		is_int(strict(thousand, m), 0, "no system call for a mark");
		looks("alive 9:last@mock\n", "and they are seen at once");
	}
#endif
	marks_close(m);
}

static void
test_cannot(void)
{
	struct marks *m;

	new_dir();
	m = marks_open(dir, 8, &e);
	ok(m == NULL && strstr(e.text, "cannot open") != NULL, "no directory: %s",
	    e.text);
}

int
main(void)
{
	test_life();
	test_lost_answer();
	test_names();
	test_killed();
	test_refreshed();
	test_twice();
	test_damage();
	test_taken();
	test_race();
	test_no_calls();
	test_cannot();
	new_dir();
	return done();
}
