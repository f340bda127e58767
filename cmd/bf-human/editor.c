#include "editor.h"

#include "io/fdio.h"
#include "io/utf8.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MOST ((size_t)64 << 20)
#define READ_SIZE 65536

static void
drop_file(struct editor *ed)
{
	if (ed->path.len > 0)
		(void)unlink(buf_cstr(&ed->path));
	buf_clear(&ed->path);
}

static int
make_file(struct editor *ed, struct span text, struct err *e)
{
	const char *dir = getenv("TMPDIR");
	int fd, rc;

	buf_clear(&ed->path);
	buf_adds(&ed->path, dir == NULL || *dir == '\0' ? "/tmp" : dir);
	buf_adds(&ed->path, "/bf-human.XXXXXX");
	(void)buf_cstr(&ed->path);
	fd = mkostemp(ed->path.data, O_CLOEXEC);
	if (fd < 0) {
		err_sys(e, "%s", buf_cstr(&ed->path));
		buf_clear(&ed->path);
		return -1;
	}
	rc = fd_write(fd, text.p, text.n);
	if (rc == 0 && text.n > 0)
		rc = fd_write(fd, "\n", 1);
	if (rc != 0)
		err_sys(e, "%s", buf_cstr(&ed->path));
	if (fd_close(fd) != 0 && rc == 0)
		rc = err_sys(e, "%s", buf_cstr(&ed->path));
	if (rc != 0)
		drop_file(ed);
	return rc;
}

/*
 * The words that may follow a name are a shell's, as other programs take them.
 * Where it is one command the shell makes room for it, so that signals reach it.
 */
static int
start(struct editor *ed, const char *name, int fd, struct err *e)
{
	struct buf command = BUF_INIT;
	char *argv[6] = {(char *)(uintptr_t) "/bin/sh", (char *)(uintptr_t) "-c"};
	int rc;

	buf_adds(&command, strpbrk(name, "=;&|<>(){}!#\n") == NULL ? "exec " : "");
	buf_addf(&command, "%s \"$@\"", name);
	(void)buf_cstr(&command);
	(void)buf_cstr(&ed->path);
	argv[2] = command.data;
	argv[3] = (char *)(uintptr_t) "sh";
	argv[4] = ed->path.data;
	rc = process_start_at(&ed->p, argv, environ, fd, e);
	buf_release(&command);
	return rc;
}

int
editor_start(struct editor *ed, struct span text, struct err *e)
{
	const char *name = getenv("VISUAL");
	int fd, rc;

	if (name == NULL || *name == '\0')
		name = getenv("EDITOR");
	if (name == NULL || *name == '\0')
		name = "vi";
	if (make_file(ed, text, e) != 0)
		return -1;
	/* One that waits, and is no standard stream. */
	fd = fd_open(TERMINAL_PATH, O_RDWR | O_NOCTTY, 0);
	if (fd < 0) {
		rc = err_sys(e, TERMINAL_PATH);
	} else {
		rc = start(ed, name, fd, e);
		(void)fd_close(fd);
	}
	if (rc != 0)
		drop_file(ed);
	return rc;
}

static int
check_end(int status, struct err *e)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		return err_set(
		    e, "the editor ended with status %d", WEXITSTATUS(status));
	return err_set(e, "the editor was killed by signal %d", WTERMSIG(status));
}

static int
read_all(int fd, struct buf *text, struct err *e)
{
	ssize_t n;

	buf_clear(text);
	do {
		do
			n = read(fd, buf_room(text, READ_SIZE), READ_SIZE);
		while (n < 0 && errno == EINTR);
		text->len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && text->len <= TEXT_MOST);
	if (n < 0)
		return err_sys(e, "the edited file");
	if (text->len > TEXT_MOST)
		return err_set(
		    e, "the text is longer than %zu MiB", TEXT_MOST >> 20);
	if (utf8_valid(buf_span(text)) < text->len)
		return err_set(e, "the text is not UTF-8");
	if (text->len > 0 && text->data[text->len - 1] == '\n')
		text->len--;
	return 0;
}

/* Editors may have put another file in its place. */
static int
read_file(struct editor *ed, struct buf *text, struct err *e)
{
	int fd = fd_open(
	    buf_cstr(&ed->path), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW, 0);
	int rc;

	if (fd < 0)
		return err_sys(e, "the edited file");
	rc = read_all(fd, text, e);
	(void)fd_close(fd);
	return rc;
}

int
editor_take(struct editor *ed, struct buf *text, struct err *e)
{
	int rc = check_end(ed->p.status, e);

	if (rc == 0)
		rc = read_file(ed, text, e);
	drop_file(ed);
	return rc;
}

void
editor_release(struct editor *ed)
{
	process_stop(&ed->p);
	drop_file(ed);
	buf_release(&ed->path);
}
