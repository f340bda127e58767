#include "ledger/internal.h"

#include "io/fdio.h"

#include <errno.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LEAVE ((uint64_t)256 << 20) /* bytes of the file system that stay free */
#define FIRST ((size_t)4 << 10)     /* bytes read to find a line's end in */

void
spool_init(struct spool *s)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
}

void
spool_release(struct spool *s)
{
	if (s->fd >= 0)
		close(s->fd);
	buf_release(&s->line);
}

static bool
has_room(int fd, size_t n)
{
	struct statvfs v;

	return fstatvfs(fd, &v) == 0 &&
	       (uint64_t)v.f_bavail * v.f_frsize > LEAVE + n;
}

int
spool_put(struct spool *s, struct span text, uint64_t *at)
{
	if (!s->off && s->fd < 0)
		s->fd = fd_open_nameless();
	if (s->off || s->fd < 0 || !has_room(s->fd, text.n) ||
	    fd_write(s->fd, text.p, text.n) != 0) {
		/* What is in it stays of use. */
		s->off = true;
		return 0;
	}
	*at = s->size;
	s->size += text.n;
	return 1;
}

int
spool_line(struct spool *s, uint64_t at, struct span *line)
{
	buf_clear(&s->line);
	for (size_t want = FIRST;; want = 2 * s->line.len) {
		char *p = buf_room(&s->line, want), *nl;
		ssize_t n = pread(s->fd, p, want, (off_t)(at + s->line.len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		nl = memchr(p, '\n', (size_t)n);
		s->line.len += (size_t)n;
		if (nl == NULL)
			continue;
		*line = span_of(s->line.data, (size_t)(nl - s->line.data));
		return 0;
	}
}
