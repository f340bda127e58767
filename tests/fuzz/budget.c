/*
 * A budget's file that somebody left, of any bytes.  If the first byte is 1 the
 * others are a bucket, as it would be behind a sound header; if it is 2 they
 * are one in a file with such a header.  Whatever it is, calls can be sent, and
 * nobody is held back for longer than there is reason to.
 */
#include "pacing/budget.h"

#include "io/hash.h"
#include "pacing/budget_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char top[64], dir[80], path[120];
static unsigned char sound[offsetof(struct budget_file, half)];

static void
finish(void)
{
	unlink(path);
	rmdir(dir);
	rmdir(top);
}

/* Has one made, for its name and its header. */
static void
start(void)
{
	struct budget *b = budget_new("u", "k", SPAN("m"));
	struct dirent *de;
	int64_t now;
	DIR *d;
	int fd;

	snprintf(top, sizeof(top), "%s/bf-fuzz-budget-%d",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	snprintf(dir, sizeof(dir), "%s/bf", top);
	if (mkdir(top, 0700) != 0 || setenv("XDG_RUNTIME_DIR", top, 1) != 0)
		abort();
	(void)budget_begin(b, &now);
	(void)budget_end(b);
	budget_free(b);
	d = opendir(dir);
	while (d != NULL && (de = readdir(d)) != NULL)
		if (de->d_name[0] != '.')
			snprintf(path, sizeof(path), "%s/%.32s", dir, de->d_name);
	closedir(d);
	atexit(finish);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, sound, sizeof(sound)) != (ssize_t)sizeof(sound))
		abort();
	close(fd);
}

static void
put_file(const uint8_t *data, size_t size, bool with_header)
{
	static unsigned char file[sizeof(struct budget_file)];
	size_t at = with_header ? sizeof(sound) : 0, n;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	memset(file, 0, sizeof(file));
	memcpy(file, sound, at);
	n = size < sizeof(file) - at ? size : sizeof(file) - at;
	if (n > 0)
		memcpy(file + at, data, n);
	n = with_header ? sizeof(file) : n;
	if (fd < 0 || write(fd, file, n) != (ssize_t)n)
		abort();
	close(fd);
}

static const struct rates told = {{100, 50, 1000000}, {1000, 10, -1}};

/* All that may be asked of it, for a while. */
static void
use(struct bucket *b, int64_t now)
{
	struct bucket_ask a = {7, 600, 60000, 20, 16, true, 0.25};
	struct bucket_taken taken;
	int64_t opens;

	for (int i = 0; i < 40; i++) {
		opens = bucket_take(b, &a, now, &taken);
		if (opens > now + TURNS_LOOK_US || bucket_size(b) > sizeof(*b))
			abort();
		if (opens > now) {
			now = opens;
			continue;
		}
		if (i % 5 == 0)
			bucket_give_back(b, &taken);
		else if (i % 5 == 1)
			(void)bucket_refused(b, &taken, now, i * 1000, 0.5);
		else
			bucket_answered(b, &taken, i * 10);
		bucket_tell(b, now, &told, 3, 40);
		if (bucket_matters_until(b, now) < now)
			abort();
	}
	(void)bucket_counts_tokens(b, now);
	bucket_leave(b, 7);
}

static void
use_bucket(const uint8_t *data, size_t size)
{
	static struct bucket b;
	const int64_t now = INT64_C(5000000000);

	memset(&b, 0, sizeof(b));
	if (size > 0)
		memcpy(&b, data, size < sizeof(b) ? size : sizeof(b));
	bucket_bound(&b, now);
	use(&b, now);
}

static void
use_file(void)
{
	struct bucket_ask a = {0, 600, 60000, 20, 16, true, 0.25};
	struct budget *b = budget_new("u", "k", SPAN("m"));
	struct bucket_taken taken;
	struct bucket *s;
	int64_t now, opens;

	a.who = budget_who(b);
	for (int i = 0; i < 5; i++) {
		do {
			s = budget_begin(b, &now);
			opens = bucket_take(s, &a, now, &taken);
		} while (!budget_end(b));
		if (opens > now + TURNS_LOOK_US)
			abort();
	}
	budget_free(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == 1) {
		use_bucket(data + 1, size - 1);
		return 0;
	}
	if (path[0] == '\0')
		start();
	if (size > 0 && data[0] == 2)
		put_file(data + 1, size - 1, true);
	else
		put_file(data, size, false);
	use_file();
	return 0;
}
