/* FILE, by way of a file beside it. */
#include "base/mem.h"
#include "base/msg.h"
#include "save.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
	struct outfile *out;
	enum pack_form form;
	struct pack *pack; /* NULL: nothing is to be packed */
	bool member;       /* something was packed, or must be: pack_end() is due */
	struct buf packed;
	struct err broken; /* of pack: its output cannot be kept */
};

const char *
file_path(const struct save *s)
{
	return outfile_path(s->file->out);
}

enum pack_form
file_form(const struct save *s)
{
	return s->file->form;
}

int
file_copy(struct save *s, struct span bytes, struct err *e)
{
	s->file->member = false;
	return outfile_write(s->file->out, bytes, e);
}

static int
write_packed(struct save *s, int r, struct err *e)
{
	struct file *f = s->file;

	if (r < 0) {
		err_prefix(e, "%s", s->name);
		f->broken = *e;
		return -1;
	}
	r = outfile_write(f->out, buf_span(&f->packed), e);
	buf_clear(&f->packed);
	return r;
}

int
file_write(struct save *s, struct span text, struct err *e)
{
	struct file *f = s->file;

	if (f->pack == NULL)
		return outfile_write(f->out, text, e);
	if (text.n == 0)
		return 0;
	f->member = true;
	return write_packed(s, pack_add(f->pack, text, &f->packed, e), e);
}

static int
write_out(struct save *s, struct err *e)
{
	int r = file_write(s, buf_span(&s->out), e);

	buf_clear(&s->out);
	return r;
}

/* Ends what was packed, so that what is there can be read. */
static int
finish(struct save *s, struct err *e)
{
	struct file *f = s->file;

	if (f->broken.text[0] != '\0') {
		*e = f->broken;
		return -1;
	}
	if (f->pack == NULL || !f->member)
		return 0;
	f->member = false;
	return write_packed(s, pack_end(f->pack, &f->packed, e), e);
}

static void
release(struct save *s)
{
	pack_close(s->file->pack);
	buf_release(&s->file->packed);
	free(s->file);
	s->file = NULL;
}

static void
abandon(struct save *s)
{
	outfile_abandon(s->file->out);
	release(s);
}

static int
begin(struct save *s, struct err *e)
{
	struct file *f = mem_zero(1, sizeof(*f));

	s->file = f;
	f->form = pack_by_name(span_str(s->name));
	f->member = true; /* no entries at all are a member too */
	if (f->form != PACK_NONE && (f->pack = pack_open(f->form, e)) == NULL) {
		err_prefix(e, "%s", s->name);
		free(f);
		return -1;
	}
	f->out = outfile_open(s->name, e);
	if (f->out == NULL) {
		release(s);
		return -1;
	}
	if (s->append && !outfile_is_direct(f->out)) {
		if (append_old(s, e) == 0)
			return 0;
		abandon(s);
		return -1;
	}
	if (s->format->begin != NULL)
		s->format->begin(s);
	return 0;
}

static int
add(struct save *s, struct err *e)
{
	if (save_add(s, e) < 0)
		return SAVE_REFUSED;
	return write_out(s, e) < 0 ? SAVE_FAILED : SAVE_OK;
}

static int
end(struct save *s, struct err *e)
{
	if (s->format->end != NULL)
		s->format->end(s);
	return write_out(s, e) < 0 || finish(s, e) < 0 ? -1 : 0;
}

void
save_remove_partial(const char *path)
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
commit(struct save *s, struct err *e)
{
	struct buf path = BUF_INIT;
	bool direct = outfile_is_direct(s->file->out);
	int r;

	buf_adds(&path, file_path(s));
	r = outfile_commit(s->file->out, &s->changed, e);
	release(s);
	if (r == 0 && !direct)
		save_remove_partial(buf_cstr(&path));
	buf_release(&path);
	return r;
}

static int
keep(struct save *s, struct err *e)
{
	int r;

	if (!outfile_is_direct(s->file->out))
		buf_addf(&s->aside, "%s.partial", file_path(s));
	if (finish(s, e) < 0) {
		abandon(s);
		return -1;
	}
	r = outfile_keep_partial(s->file->out, e);
	release(s);
	return r;
}

const struct target target_file = {
    .open = begin,
    .add = add,
    .end = end,
    .commit = commit,
    .keep = keep,
};
