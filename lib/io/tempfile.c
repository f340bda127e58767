#include "io/tempfile.h"

#include "io/fdio.h"

int
tempfile_open(struct err *e)
{
	int fd = fd_open_nameless();

	return fd < 0 ? err_sys(e, "cannot make a temporary file") : fd;
}

int
tempfile_write(int fd, struct span bytes, struct err *e)
{
	if (fd_write(fd, bytes.p, bytes.n) < 0)
		return err_sys(e, "cannot write to a temporary file");
	return 0;
}

int
tempfile_read(int fd, uint64_t at, size_t n, struct buf *out, struct err *e)
{
	ssize_t got = fd_read_at(fd, buf_room(out, n), n, at);

	if (got < 0)
		return err_sys(e, "cannot read a temporary file");
	if ((size_t)got < n)
		return err_set(e, "a temporary file was cut short");
	out->len += n;
	return 0;
}
