/* How far a run is: shown as it goes, and told to those who ask with SIGUSR1. */
#include "engine/private.h"

#include "io/clock.h"
#include "io/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- how large the input is ---- */

static bool
is_compressed(int fd, off_t at)
{
	static const char gzip[] = {'\x1f', '\x8b'}, zstd[] = {'\x28', '\xb5'};
	char magic[2];

	return pread(fd, magic, 2, at) == 2 &&
	       (memcmp(magic, gzip, 2) == 0 || memcmp(magic, zstd, 2) == 0);
}

/* Bytes from here to the end of a regular file that is not compressed; else -1. */
static int64_t
size_of(int fd)
{
	struct stat st;
	off_t at = lseek(fd, 0, SEEK_CUR);

	if (at < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    is_compressed(fd, at))
		return -1;
	return st.st_size - at;
}

static int64_t
size_of_operand(const char *name)
{
	struct stat st;
	int64_t size = -1;
	int fd;

	if (strcmp(name, "-") == 0)
		return size_of(STDIN_FILENO);
	/* Opening and closing a FIFO would be felt at its other end. */
	if (stat(name, &st) != 0 || !S_ISREG(st.st_mode))
		return -1;
	fd = fd_open(name, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	if (fd >= 0) {
		size = size_of(fd);
		(void)fd_close(fd);
	}
	return size;
}

/* -1: not known. */
static int64_t
input_size(const struct engine *en)
{
	int64_t sum = 0, size;
	int i;

	if (en->o->nfiles == 0)
		return size_of(STDIN_FILENO);
	for (i = 0; i < en->o->nfiles; i++) {
		size = size_of_operand(en->o->files[i]);
		if (size < 0)
			return -1;
		sum += size;
	}
	return sum;
}

/* ---- how far it is ---- */

static int64_t
cooldown_left(const struct engine *en, int64_t now)
{
	int64_t left = 0, until;
	size_t i;

	for (i = 0; i < en->nlanes; i++) {
		until = lanes_cooldown_until(en->lanes[i]);
		if (until - now > left)
			left = until - now;
	}
	return left;
}

static double
part_read(const struct engine *en)
{
	if (en->input_ended)
		return 1;
	if (en->input_size <= 0)
		return -1;
	/* Blank lines were not counted, and the file may grow: never all. */
	if (en->input_bytes >= (uint64_t)en->input_size)
		return 0.999;
	return (double)en->input_bytes / (double)en->input_size;
}

static struct engine_progress
look(const struct engine *en)
{
	int64_t now = clock_mono_us();

	return (struct engine_progress){.elapsed_us = now - en->started,
	    .entries = en->entries,
	    .done = en->settled + en->hits,
	    .hits = en->hits,
	    .failed = en->failed,
	    .calls = en->calls,
	    .retries = en->retries,
	    .in_flight = en->flying,
	    .tokens_in = en->tokens_in,
	    .tokens_out = en->tokens_out,
	    .cost = en->cost,
	    .cooldown_us = cooldown_left(en, now),
	    .part_read = part_read(en)};
}

static void
on_progress_timer(void *arg)
{
	struct engine *en = arg;
	struct engine_progress p = look(en);

	en->o->progress(&p);
	loop_timer_set(
	    en->loop, &en->progress_timer, clock_mono_us() + PROGRESS_EVERY);
}

/* ---- asked by signal ---- */

static void
tell_status(struct engine *en)
{
	struct engine_progress p;
	struct buf text = BUF_INIT;

	p = look(en);
	progress_status(&text, &p);
	engine_say(en, ENGINE_WARN, "%s", buf_cstr(&text));
	buf_release(&text);
}

static void
on_told(void *arg, int fd, unsigned events)
{
	struct engine *en = arg;
	unsigned char signals[16];
	ssize_t i, n = read(fd, signals, sizeof signals);
	bool asked = false;

	(void)events;
	for (i = 0; i < n; i++)
		asked |= signals[i] == SIGUSR1;
	if (asked)
		tell_status(en);
}

/* ---- from the first to the last ---- */

int
tell_open(struct engine *en, struct err *e)
{
	if (fd_told_pipe() >= 0 &&
	    loop_watch(en->loop, fd_told_pipe(), LOOP_READ, on_told, en, e) != 0)
		return -1;
	en->input_size = input_size(en);
	if (en->o->progress == NULL)
		return 0;
	en->progress_timer = (struct loop_timer){
	    .fn = on_progress_timer, .arg = en};
	loop_timer_set(en->loop, &en->progress_timer, en->started + PROGRESS_EVERY);
	return 0;
}

void
tell_end(struct engine *en)
{
	struct engine_progress p;

	if (en->progress_timer.fn == NULL)
		return;
	loop_timer_clear(en->loop, &en->progress_timer);
	p = look(en);
	p.ended = true;
	en->o->progress(&p);
}

void
tell_close(struct engine *en)
{
	if (en->progress_timer.fn != NULL)
		loop_timer_clear(en->loop, &en->progress_timer);
}
