#include "ledger/rewrite.h"

#include "base/mem.h"
#include "io/fdio.h"
#include "io/rng.h"
#include "ledger/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX    ".rewrite-"
#define MARK      "\x5b\x2a\x4d\x18\x0c\0\0\0bf-level "
#define MARK_SIZE 20 /* "bf-level 09\n" */

struct piece {
	char *name; /* the temporary one; NULL once it has its own */
	int fd;
	uint64_t size;
};

struct rewrite {
	int dir;
	const char *path;
	size_t block;
	struct frame_coder coder;
	struct piece *pieces;
	size_t n;
	struct buf lines;
	struct buf packed;
};

struct rewrite *
rewrite_new(int dir, const char *path, int level, size_t block)
{
	struct rewrite *r = mem_zero(1, sizeof(*r));

	r->dir = dir;
	r->path = path;
	r->block = block;
	r->coder.level = level;
	return r;
}

void
rewrite_free(struct rewrite *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++) {
		if (r->pieces[i].name != NULL)
			unlinkat(r->dir, r->pieces[i].name, 0);
		close(r->pieces[i].fd);
		free(r->pieces[i].name);
	}
	free(r->pieces);
	frame_coder_release(&r->coder);
	buf_release(&r->lines);
	buf_release(&r->packed);
	free(r);
}

static int
write_piece(struct rewrite *r, const char *p, size_t n, struct err *e)
{
	struct piece *last = &r->pieces[r->n - 1];

	if (fd_write(last->fd, p, n) != 0)
		return err_sys(e, "cannot write to %s/%s", r->path, last->name);
	last->size += n;
	return 0;
}

static int
begin_piece(struct rewrite *r, struct err *e)
{
	unsigned char header[FRAME_HEADER_SIZE];
	struct buf name = BUF_INIT;
	int fd;

	buf_addf(&name, PREFIX "%016" PRIx64, rng_entropy());
	fd = openat(r->dir, buf_cstr(&name),
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
		err_sys(e, "cannot make %s/%s", r->path, buf_cstr(&name));
		if (fd >= 0)
			close(fd);
		buf_release(&name);
		return -1;
	}
	r->pieces = mem_resize(r->pieces, r->n + 1, sizeof(*r->pieces));
	r->pieces[r->n++] = (struct piece){
	    .name = mem_strdup(buf_cstr(&name)), .fd = fd};
	buf_release(&name);
	frame_header(header);
	return write_piece(r, (char *)header, sizeof(header), e);
}

static int
end_frame(struct rewrite *r, struct err *e)
{
	if (r->lines.len == 0)
		return 0;
	buf_clear(&r->packed);
	if (frame_pack(&r->coder, buf_span(&r->lines), &r->packed, e) != 0)
		return -1;
	if ((r->n == 0 ||
		r->pieces[r->n - 1].size + r->packed.len >= ledger_sizes.segment) &&
	    begin_piece(r, e) != 0)
		return -1;
	buf_clear(&r->lines);
	return write_piece(r, r->packed.data, r->packed.len, e);
}

int
rewrite_line(struct rewrite *r, struct span line, struct err *e)
{
	if (r->lines.len + line.n >= r->block && end_frame(r, e) != 0)
		return -1;
	buf_addspan(&r->lines, line);
	buf_addc(&r->lines, '\n');
	return 0;
}

static int
sync_piece(struct rewrite *r, const struct piece *p, struct err *e)
{
	return fd_sync(p->fd) == 0
		   ? 0
		   : err_sys(e, "cannot sync %s/%s", r->path, p->name);
}

/* A skippable frame at the end: appended to, the segment loses it. */
static int
mark_piece(struct rewrite *r, const struct piece *p, struct err *e)
{
	char mark[MARK_SIZE];

	memcpy(mark, MARK, sizeof(MARK) - 1);
	mark[MARK_SIZE - 3] = (char)('0' + r->coder.level / 10 % 10);
	mark[MARK_SIZE - 2] = (char)('0' + r->coder.level % 10);
	mark[MARK_SIZE - 1] = '\n';
	return fd_write(p->fd, mark, MARK_SIZE) == 0
		   ? 0
		   : err_sys(e, "cannot write to %s/%s", r->path, p->name);
}

int
rewrite_end(struct rewrite *r, bool mark, struct err *e)
{
	if (end_frame(r, e) != 0 || (r->n == 0 && !mark && begin_piece(r, e) != 0))
		return -1;
	for (size_t i = 0; i < r->n; i++)
		if ((mark && mark_piece(r, &r->pieces[i], e) != 0) ||
		    sync_piece(r, &r->pieces[i], e) != 0)
			return -1;
	return 0;
}

int
rewrite_level_of(int fd)
{
	char mark[MARK_SIZE];
	struct stat st;

	if (fstat(fd, &st) != 0 || st.st_size < FRAME_HEADER_SIZE + MARK_SIZE ||
	    pread(fd, mark, sizeof(mark), st.st_size - MARK_SIZE) != MARK_SIZE ||
	    memcmp(mark, MARK, sizeof(MARK) - 1) != 0)
		return 0;
	return (mark[MARK_SIZE - 3] - '0') * 10 + mark[MARK_SIZE - 2] - '0';
}

static int
place_piece(struct rewrite *r, struct piece *p, const char *name, struct err *e)
{
	struct buf from = BUF_INIT, to = BUF_INIT;
	int rc = 0;

	buf_addf(&from, "%s/%s", r->path, p->name);
	buf_addf(&to, "%s/%s", r->path, name);
	if (rename(buf_cstr(&from), buf_cstr(&to)) != 0)
		rc = err_sys(e, "cannot rename to %s", buf_cstr(&to));
	buf_release(&from);
	buf_release(&to);
	if (rc != 0)
		return -1;
	free(p->name);
	p->name = NULL;
	return 0;
}

/* What replaces another file comes last: all else is there by then. */
int
rewrite_place(struct rewrite *r, const char *name, struct err *e)
{
	struct buf made = BUF_INIT;
	int rc = 0;

	for (size_t i = r->n; i-- > 0 && rc == 0;) {
		bool last = i == 0 && name != NULL;

		buf_clear(&made);
		ledger_segment_name(&made);
		if (last && directory_sync(r->dir, r->path, e) != 0)
			rc = -1;
		else
			rc = place_piece(
			    r, &r->pieces[i], last ? name : buf_cstr(&made), e);
	}
	buf_release(&made);
	return rc != 0 ? -1 : directory_sync(r->dir, r->path, e);
}

size_t
rewrite_count(const struct rewrite *r)
{
	return r->n;
}

uint64_t
rewrite_bytes(const struct rewrite *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->pieces[i].size;
	return n;
}

static void
sweep(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(dir, name, 0);
	close(fd);
}

void
rewrite_sweep(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((de = readdir(d)) != NULL)
		if (strncmp(de->d_name, PREFIX, sizeof(PREFIX) - 1) == 0)
			sweep(dir, de->d_name);
	closedir(d);
}
