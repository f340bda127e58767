/*
 * An inflight file that somebody left, of any bytes: looked at, then collected.
 * If the first byte is 1 the others are slots after a sound header, their
 * checksums made right.  Whatever it is, the ledger can be read afterwards.
 */
#include "ledger/marks.h"
#include "io/hash.h"
#include "ledger/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SLOT = 256 };

static char dir[64], path[200];
static size_t told, bad;

static void
clear(void)
{
	DIR *d = opendir(dir);
	struct dirent *de;

	while (d != NULL && (de = readdir(d)) != NULL)
		if (de->d_name[0] != '.')
			unlinkat(dirfd(d), de->d_name, 0);
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
	char host[LEDGER_HOST_MAX];

	snprintf(dir, sizeof(dir), "%s/bf-fuzz-%d",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	if (mkdir(dir, 0700) != 0)
		abort();
	atexit(finish);
	ledger_host(host, sizeof(host));
	snprintf(path, sizeof(path), "%s/inflight-%s-1", dir, host);
}

static void
put_slots(struct buf *out, const uint8_t *data, size_t size)
{
	uint32_t numbers[2] = {(uint32_t)(size / SLOT), SLOT};

	buf_add(out, "bf-inflight 1\n\0", 16);
	buf_add(out, numbers, sizeof(numbers));
	memset(buf_room(out, SLOT), 'h', SLOT);
	out->len = SLOT;
	buf_add(out, data, size);
	for (size_t at = SLOT; at + SLOT <= out->len; at += SLOT) {
		uint32_t crc = hash_crc32c(0, out->data + at + 8, SLOT - 8);
		memcpy(out->data + at + 4, &crc, sizeof(crc));
	}
}

static void
found(void *arg, const struct marks_run *run)
{
	(void)arg;
	told += run->ncalls;
	if (strlen(run->host) >= LEDGER_HOST_MAX)
		abort();
	for (size_t i = 0; i < run->ncalls; i++)
		if (run->calls[i].model.n > 100 || run->calls[i].endpoint.n > 100)
			abort();
}

static void
report(void *arg, const char *text)
{
	(void)arg;
	bad += strstr(text, "inflight-") == NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ledger_options o = {
	    .report = report, .sync = LEDGER_SYNC_NEVER};
	struct buf bytes = BUF_INIT;
	struct ledger *l;
	struct err e;
	size_t looked;
	int fd;

	if (dir[0] == '\0')
		start();
	clear();
	if (size > 0 && data[0] == 1)
		put_slots(&bytes, data + 1, size - 1);
	else
		buf_add(&bytes, data, size);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, bytes.data, bytes.len) != (ssize_t)bytes.len)
		abort();
	close(fd);
	buf_release(&bytes);
	told = bad = 0;
	if (marks_look(dir, found, NULL, &e) != 0)
		abort();
	looked = told;
	told = 0;
	if (marks_collect(dir, &o, found, NULL, &e) != 0 || told != looked)
		abort();
	if ((l = ledger_open(dir, &o, &e)) == NULL || bad > 0)
		abort();
	ledger_close(l, &e);
	return 0;
}
