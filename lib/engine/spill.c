/* Where answers go that were paid for and that the ledger does not take. */
#include "engine/private.h"

#include "io/fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
spill_open(struct spill *s)
{
	*s = (struct spill){.fd = -1};
}

/* The folders that are tried, in this order; NULL after the last. */
static const char *
folder(int n)
{
	static const char *const folders[] = {NULL, "/tmp", "/var/tmp", ".", NULL};
	const char *dir = getenv("TMPDIR");

	return n == 0 && dir != NULL && *dir != '\0' ? dir
						     : folders[n == 0 ? 1 : n];
}

/* Done with the file that is open; it goes if nothing is in it. */
static void
leave_file(struct spill *s)
{
	if (s->fd < 0)
		return;
	if (s->fresh)
		unlink(buf_cstr(&s->path));
	close(s->fd);
	s->fd = -1;
}

static int
make_file(struct spill *s, const char *dir)
{
	buf_clear(&s->path);
	buf_addf(&s->path, "%s/bf-llm-spill.XXXXXX", dir);
	buf_cstr(&s->path);
	s->fd = mkostemp(s->path.data, O_CLOEXEC); /* 0600 */
	s->fresh = true;
	return s->fd < 0 ? -1 : 0;
}

/* A word of a shell command. */
static void
add_word(struct buf *out, const char *word)
{
	size_t n = strlen(word);

	if (n > 0 &&
	    strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789_-./:@%+=,") == n) {
		buf_adds(out, word);
		return;
	}
	buf_addc(out, '\'');
	for (; *word != '\0'; word++)
		if (*word == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *word);
	buf_addc(out, '\'');
}

/* All of it, synced, or nothing. */
static int
write_file(struct spill *s, struct span lines)
{
	off_t was = lseek(s->fd, 0, SEEK_END);
	int errnum;

	if (fd_write(s->fd, lines.p, lines.n) == 0 && fd_sync(s->fd) == 0) {
		if (s->fresh) {
			buf_addc(&s->written, ' ');
			add_word(&s->written, buf_cstr(&s->path));
		}
		s->fresh = false;
		return 0;
	}
	errnum = errno;
	if (was < 0 || ftruncate(s->fd, was) != 0) {
		/* Half a line at its end, which a reader passes over. */
	}
	errno = errnum;
	return -1;
}

int
spill_lines(struct spill *s, struct span lines, struct err *e)
{
	const char *dir;

	if (lines.n == 0 || (s->fd >= 0 && write_file(s, lines) == 0))
		return 0;
	/* A new file, in the same folder too: what is full may be the file. */
	for (int i = 0; (dir = folder(i)) != NULL; i++) {
		leave_file(s);
		if (make_file(s, dir) == 0 && write_file(s, lines) == 0)
			return 0;
		if (i == 0)
			err_sys(e, "%s", buf_cstr(&s->path));
	}
	leave_file(s);
	return -1;
}

bool
spill_command(const struct spill *s, const char *ledger, struct buf *out)
{
	if (s->written.len == 0)
		return false;
	buf_adds(out, "bf-ledger merge -l ");
	add_word(out, ledger);
	buf_addspan(out, buf_span(&s->written));
	return true;
}

void
spill_close(struct spill *s)
{
	leave_file(s);
	buf_release(&s->path);
	buf_release(&s->written);
}
