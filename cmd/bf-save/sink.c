/* Where the bytes go: FILE by way of a file beside it, or standard output. */
#include "base/msg.h"
#include "io/fdio.h"
#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE ((size_t)1 << 20)

int
sink_open(struct save *s, struct err *e)
{
	if (strcmp(s->name, "-") == 0)
		return 0;
	s->file = outfile_open(s->name, e);
	return s->file == NULL ? -1 : 0;
}

/* Takes what the format has made. */
int
sink_write(struct save *s, struct err *e)
{
	int r;

	if (s->file == NULL) {
		buf_addspan(jsonl_out(&s->st.out), buf_span(&s->out));
		r = jsonl_written(&s->st.out); /* stage_close() tells */
	} else
		r = outfile_write(s->file, buf_span(&s->out), e);
	buf_clear(&s->out);
	return r;
}

/* ---- --append ---- */

/* Reads up to `most` bytes behind what b holds. */
static int
read_more(int fd, struct buf *b, size_t most, struct err *e)
{
	size_t want = b->len + most;
	ssize_t n = 1;

	while (n != 0 && b->len < want) {
		buf_room(b, READ_SIZE);
		n = fd_read(fd, b->data + b->len,
		    want - b->len < READ_SIZE ? want - b->len : READ_SIZE);
		if (n < 0)
			return err_sys(e, "cannot read");
		b->len += (size_t)n;
	}
	return 0;
}

static int
copy_old(struct save *s, int fd, struct err *e)
{
	const struct format *f = s->format;
	struct buf old = BUF_INIT;
	struct span keep;
	size_t had;
	char last;
	int r = -1;

	if (read_more(fd, &old, f->resume_whole ? SIZE_MAX / 2 : READ_SIZE, e) < 0)
		goto out;
	if (old.len == 0) {
		if (f->begin != NULL)
			f->begin(s);
		r = 0;
		goto out;
	}
	keep = buf_span(&old);
	if (span_starts(keep, SPAN("\x1f\x8b")) ||
	    span_starts(keep, SPAN("\x28\xb5\x2f\xfd"))) {
		err_set(e, "cannot append to compressed data");
		goto out;
	}
	if (f->resume(s, &keep, e) < 0 || outfile_write(s->file, keep, e) < 0)
		goto out;
	last = keep.p[keep.n - 1];
	for (had = old.len; !f->resume_whole && had > 0; had = old.len) {
		buf_clear(&old);
		if (read_more(fd, &old, READ_SIZE, e) < 0 ||
		    outfile_write(s->file, buf_span(&old), e) < 0)
			goto out;
		if (old.len > 0)
			last = old.data[old.len - 1];
	}
	if (!f->resume_whole && last != '\n')
		buf_addc(&s->out, '\n');
	r = 0;
out:
	buf_release(&old);
	return r;
}

int
sink_resume(struct save *s, struct err *e)
{
	struct err why = ERR_INIT;
	int fd = -1, r;

	if (s->append && s->file != NULL && !outfile_is_direct(s->file)) {
		fd = fd_open(outfile_path(s->file), O_RDONLY | O_NOCTTY, 0);
		if (fd < 0 && errno != ENOENT)
			return err_sys(e, "%s", s->name);
	}
	if (fd < 0) {
		if (s->format->begin != NULL)
			s->format->begin(s);
		return 0;
	}
	r = copy_old(s, fd, &why);
	fd_close(fd);
	return r < 0 ? err_set(e, "%s: %s", s->name, why.text) : 0;
}

/* ---- the end ---- */

/* What an earlier run left is older than what is in place now. */
static void
remove_partial(const char *path)
{
	struct buf name = BUF_INIT;
	struct stat st;

	buf_addf(&name, "%s.partial", path);
	if (lstat(buf_cstr(&name), &st) == 0 && S_ISREG(st.st_mode) &&
	    unlink(name.data) < 0)
		msg_warn("%s: cannot remove it: %s", name.data, strerror(errno));
	buf_release(&name);
}

static int
commit(struct save *s)
{
	struct err e = ERR_INIT;
	struct buf path = BUF_INIT;
	bool changed, direct = outfile_is_direct(s->file);
	int r;

	buf_adds(&path, outfile_path(s->file));
	r = outfile_commit(s->file, &changed, &e);
	s->file = NULL;
	if (r < 0)
		msg_error("%s", e.text);
	else {
		if (!direct)
			remove_partial(buf_cstr(&path));
		msg_debug("%s: %" PRIu64 " entries%s", s->name, s->count,
		    changed ? "" : ", unchanged");
	}
	buf_release(&path);
	return r;
}

/* The file stays as it was; what came is kept beside it. */
static int
keep(struct save *s, const char *why)
{
	struct err e = ERR_INIT;
	struct buf path = BUF_INIT;
	bool direct = outfile_is_direct(s->file);
	int r;

	buf_adds(&path, outfile_path(s->file));
	r = outfile_keep_partial(s->file, &e);
	s->file = NULL;
	if (r < 0 && strcmp(why, e.text) == 0)
		msg_error("%s", why);
	else if (r < 0)
		msg_error("%s: not saved: %s; %s", s->name, why, e.text);
	else if (direct)
		msg_error("%s: not all is saved: %s", s->name, why);
	else
		msg_error("%s: not saved: %s; what came is in %s.partial", s->name,
		    why, buf_cstr(&path));
	buf_release(&path);
	return r;
}

int
sink_close(struct save *s)
{
	struct buf why = BUF_INIT;
	int status = STATUS_OK;

	if (s->tee && jsonl_flush(&s->st.out) < 0)
		buf_adds(
		    &why, "standard output failed"); /* stage_close() says how */
	if (stage_is_cut(&s->st)) {
		buf_clear(&why);
		stage_why(&s->st, &why);
	} else if (s->expects && s->count != s->expected) {
		buf_addf(&why, "%" PRIu64 " entries instead of %" PRIu64, s->count,
		    s->expected);
		status = STATUS_CANNOT;
	}
	if (s->file == NULL) {
		if (status != STATUS_OK)
			stage_stop(&s->st, status, "%s", buf_cstr(&why));
	} else if (why.len > 0)
		status = keep(s, buf_cstr(&why)) < 0 ? STATUS_CANNOT : status;
	else
		status = commit(s) < 0 ? STATUS_CANNOT : STATUS_OK;
	buf_release(&why);
	return status;
}
