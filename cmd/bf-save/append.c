/*
 * --append: the text of former runs.
 *
 * Packed data are read to their end, to see that they are whole, and copied as
 * they are: what is added is a member or frame of its own, which readers take
 * for the continuation.  Only a format that must cut the old text packs it anew.
 */
#include "io/fdio.h"
#include "io/unpack.h"
#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define READ_SIZE ((size_t)1 << 20)

/* Reads up to `most` bytes behind what b holds. */
static int
read_more(struct unpack *u, struct buf *b, size_t most, struct err *e)
{
	size_t want = b->len + most;
	ssize_t n = 1;

	while (n != 0 && b->len < want) {
		buf_room(b, READ_SIZE);
		n = unpack_read(u, b->data + b->len,
		    want - b->len < READ_SIZE ? want - b->len : READ_SIZE, e);
		if (n < 0)
			return -1;
		b->len += (size_t)n;
	}
	return 0;
}

/* The file as its bytes are. */
static int
copy_bytes(struct save *s, int fd, struct err *e)
{
	struct buf b = BUF_INIT;
	uint64_t at = 0;
	ssize_t n;
	int r = 0;

	buf_room(&b, READ_SIZE);
	do {
		n = fd_read_at(fd, b.data, READ_SIZE, at);
		if (n < 0)
			r = err_sys(e, "cannot read");
		else
			r = file_copy(s, span_of(b.data, (size_t)n), e);
		at += n < 0 ? 0 : (uint64_t)n;
	} while (r == 0 && n > 0);
	buf_release(&b);
	return r;
}

/*
 * The rest behind old, which holds the beginning; old ends up with the end.
 * Packed, it is only looked at.
 */
static int
pass_rest(struct save *s, struct unpack *u, struct buf *old, struct err *e)
{
	char last;

	for (;;) {
		last = old->data[old->len - 1];
		buf_clear(old);
		if (read_more(u, old, READ_SIZE, e) < 0)
			return -1;
		if (old->len == 0)
			break;
		if (file_form(s) == PACK_NONE &&
		    file_write(s, buf_span(old), e) < 0)
			return -1;
	}
	if (last != '\n')
		buf_addc(&s->out, '\n');
	return 0;
}

static int
copy_old(struct save *s, int fd, struct unpack *u, struct err *e)
{
	const struct format *f = s->format;
	struct buf old = BUF_INIT;
	struct span keep;
	int r = -1;

	if (read_more(u, &old, f->resume_whole ? SIZE_MAX / 2 : READ_SIZE, e) < 0)
		goto out;
	if (old.len == 0) {
		if (f->begin != NULL)
			f->begin(s);
		r = 0;
		goto out;
	}
	keep = buf_span(&old);
	if (f->resume(s, &keep, e) < 0)
		goto out;
	if (f->resume_whole)
		r = file_write(s, keep, e);
	else if (file_form(s) == PACK_NONE)
		r = file_write(s, keep, e) < 0 ? -1 : pass_rest(s, u, &old, e);
	else
		r = pass_rest(s, u, &old, e) < 0 ? -1 : copy_bytes(s, fd, e);
out:
	buf_release(&old);
	return r;
}

/* Whether what is there is packed as the name says. */
static int
check_form(struct save *s, int fd, struct err *e)
{
	static const char *const names[] = {"plain text", "gzip data", "zstd data"};
	char start[4];
	ssize_t n = fd_read_at(fd, start, sizeof(start), 0);
	enum pack_form have;

	if (n < 0)
		return err_sys(e, "cannot read");
	have = pack_by_start(span_of(start, (size_t)n));
	if (n > 0 && have != file_form(s))
		return err_set(e,
		    "cannot append to %s under this name, which is for %s",
		    names[have], names[file_form(s)]);
	return 0;
}

int
append_old(struct save *s, struct err *e)
{
	struct unpack *u;
	int fd = fd_open(file_path(s), O_RDONLY | O_NOCTTY, 0), again, r;

	if (fd < 0 && errno == ENOENT) {
		if (s->format->begin != NULL)
			s->format->begin(s);
		return 0;
	}
	if (fd < 0)
		return err_sys(e, "%s", s->name);
	again = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	u = again < 0 ? NULL : unpack_open(again);
	if (u == NULL)
		r = err_sys(e, "cannot read");
	else
		r = check_form(s, fd, e) < 0 ? -1 : copy_old(s, fd, u, e);
	unpack_close(u);
	fd_close(fd);
	return r < 0 ? err_prefix(e, "%s", s->name) : 0;
}
