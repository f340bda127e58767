/*
 * An index of any bytes beside a sound segment.  The first byte says what the
 * rest is: even, the bytes of the file; odd, changes to a sound one (pairs of
 * offset and value).  An answer is never a wrong one, and none is missing
 * unless every checksum holds.
 */
#include "ledger/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEYS 300

static char dir[64], segment[128], idx[140];
static struct buf sound;

static void
key_of(unsigned n, unsigned char *key)
{
	for (int i = 0; i < LEDGER_KEY_SIZE; i++)
		key[i] = (unsigned char)((n + 1) * 2654435761u >> i);
}

static struct ledger *
open_ledger(bool read_only)
{
	struct ledger_options o = {
	    .sync = LEDGER_SYNC_NEVER, .read_only = read_only, .cache = 1};
	struct err e;
	struct ledger *l = ledger_open(dir, &o, &e);

	if (l == NULL)
		abort();
	return l;
}

static void
finish(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, segment);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s", dir, idx);
	unlink(path);
	rmdir(dir);
}

static void
read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	while (fd >= 0 && (n = read(fd, buf_room(&sound, 65536), 65536)) > 0)
		sound.len += (size_t)n;
	close(fd);
}

/* A segment with its index; later runs change the index alone. */
static void
start(void)
{
	struct ledger *l;
	struct ledger_record r;
	char text[40], path[300];
	struct err e;

	snprintf(dir, sizeof(dir), "%s/bf-fuzz-index-%d",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	ledger_sizes.block = 2048;
	ledger_sizes.tail = 8192;
	ledger_sizes.index = 4096;
	ledger_sizes.blocks = 2;
	l = open_ledger(false);
	for (unsigned n = 0; n < KEYS; n++) {
		memset(&r, 0, sizeof(r));
		key_of(n, r.key);
		r.time = 1000 + n;
		snprintf(text, sizeof(text), "{\"n\":%u}", n);
		r.response = span_str(text);
		if (ledger_append(l, &r, &e) != 0)
			abort();
	}
	if (ledger_commit(l, &e) != 0)
		abort();
	snprintf(segment, sizeof(segment), "%s", l->segments[0].name);
	snprintf(idx, sizeof(idx), "%s.idx", segment);
	ledger_close(l, &e);
	snprintf(path, sizeof(path), "%s/%s", dir, idx);
	read_file(path);
	if (sound.len == 0)
		abort();
	atexit(finish);
}

static void
put(const char *p, size_t n)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, idx);
	unlink(path); /* an index is never changed in place */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		abort();
	close(fd);
}

static void
put_changed(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT;

	buf_addspan(&b, buf_span(&sound));
	for (; size >= 3; data += 3, size -= 3)
		b.data[(data[0] | (size_t)data[1] << 8) % b.len] = (char)data[2];
	put(b.data, b.len);
	buf_release(&b);
}

static void
look_up_all(void)
{
	struct ledger *l = open_ledger(true);
	unsigned char key[LEDGER_KEY_SIZE];
	struct ledger_record r;
	char text[40];
	struct err e;

	for (unsigned n = 0; n < KEYS + 20; n++) {
		int got;
		key_of(n, key);
		got = ledger_get(l, key, &r, &e);
		snprintf(text, sizeof(text), "{\"n\":%u}", n);
		if (got != (n < KEYS) ||
		    (got == 1 && !span_eq(r.response, span_str(text))))
			abort();
	}
	ledger_close(l, &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (dir[0] == '\0')
		start();
	if (size == 0)
		return 0;
	if (data[0] % 2 == 0)
		put((const char *)data + 1, size - 1);
	else
		put_changed(data + 1, size - 1);
	look_up_all();
	return 0;
}
