/*
 * A ledger of any bytes: the first says how many of the rest, in 255ths, are
 * the segment, the others are its tail; 255: all are the text of a frame that
 * is sound.  Read, then written to: records that were there stay there.
 */
#include "ledger/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64], name[110], tail[120];
static int dirfd_;

static void
clear(void)
{
	DIR *d = opendir(dir);
	struct dirent *de;

	while (d != NULL && (de = readdir(d)) != NULL)
		if (de->d_name[0] != '.')
			unlinkat(dirfd_, de->d_name, 0);
	if (d != NULL)
		closedir(d);
}

static void
finish(void)
{
	clear();
	rmdir(dir);
}

static void
start(void)
{
	snprintf(dir, sizeof(dir), "%s/bf-fuzz-%d",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	if (mkdir(dir, 0700) != 0 ||
	    (dirfd_ = open(dir, O_RDONLY | O_DIRECTORY)) < 0)
		abort();
	atexit(finish);
	snprintf(name, sizeof(name), "20260101T000000Z-");
	if (gethostname(name + 17, 65) != 0)
		abort();
	snprintf(name + strlen(name), 20, "-0.jsonl.zst");
	snprintf(tail, sizeof(tail), "%s.tail", name);
}

static void
put(const char *file, const void *p, size_t n)
{
	int fd = openat(dirfd_, file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		abort();
	close(fd);
}

static void
put_frame(const void *p, size_t n)
{
	static struct frame_coder coder;
	struct buf out = BUF_INIT;
	struct err e;

	frame_header((unsigned char *)buf_room(&out, FRAME_HEADER_SIZE));
	out.len = FRAME_HEADER_SIZE;
	if (frame_pack(&coder, span_of(p, n), &out, &e) != 0)
		abort();
	put(name, out.data, out.len);
	buf_release(&out);
}

/* How many answers there are; *good: how many of them can be read. */
static uint64_t
answers(uint64_t *good)
{
	struct ledger_options o = {.read_only = true, .cache = 1};
	struct ledger_record rec;
	struct err e;
	struct ledger *l = ledger_open(dir, &o, &e);
	uint64_t n;

	*good = 0;
	if (l == NULL)
		return 0;
	n = ledger_count(l);
	for (uint32_t i = 0; i < l->table.count; i++)
		*good += ledger_get(l, l->table.chunks[i / 4096][i % 4096].key,
			     &rec, &e) == 1;
	ledger_close(l, &e);
	return n;
}

static int
write_one(void)
{
	struct ledger_options o = {.sync = LEDGER_SYNC_NEVER};
	struct ledger_record rec;
	struct err e;
	struct ledger *l = ledger_open(dir, &o, &e);

	if (l == NULL)
		return -1;
	memset(&rec, 0, sizeof(rec));
	memset(rec.key, 0xee, sizeof(rec.key));
	if (ledger_append(l, &rec, &e) != 0 || ledger_commit(l, &e) != 0)
		abort();
	return ledger_close(l, &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut;
	uint64_t good, after;

	if (dir[0] == '\0')
		start();
	if (size == 0)
		return 0;
	cut = (size - 1) * data[0] / 255;
	if (data[0] == 255)
		put_frame(data + 1, size - 1);
	else
		put(name, data + 1, cut);
	put(tail, data + 1 + cut, size - 1 - cut);
	if (answers(&good) < good)
		abort();
	if (write_one() == 0 && (answers(&after) < after || after < good + 1))
		abort();
	clear();
	return 0;
}
