#include "io/configfile.h"

#include "io/fdio.h"
#include "io/userdir.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 14)

int
configfile_read_path(const char *path, size_t max, struct buf *text, struct err *e)
{
	int fd = fd_open(path, O_RDONLY | O_NOCTTY, 0);
	size_t start = text->len;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0
							   : err_sys(e, "%s", path);
	while ((n = fd_read(fd, buf_room(text, PIECE), PIECE)) > 0 &&
	       text->len - start + (size_t)n <= max)
		text->len += (size_t)n;
	if (n < 0)
		err_sys(e, "%s", path);
	else if (n > 0)
		n = err_set(e, "%s: longer than it may be (%zu bytes)", path, max);
	fd_close(fd);
	return n == 0 ? 1 : -1;
}

int
configfile_read(
    const char *name, size_t max, struct buf *path, struct buf *text, struct err *e)
{
	if (!userdir(path, "XDG_CONFIG_HOME", ".config"))
		return 0;
	buf_addf(path, "/bf/%s", name);
	return configfile_read_path(buf_cstr(path), max, text, e);
}
