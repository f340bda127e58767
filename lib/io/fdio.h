/*
 * fdio: reading and writing descriptors, as it should be done.
 *
 * EINTR is retried, short writes are completed, EAGAIN on a descriptor that a
 * parent left non-blocking is waited out with poll(2).  Every descriptor is
 * opened O_CLOEXEC.
 *
 * Stop requests: after fd_catch_stop() the first INT or TERM only sets a flag;
 * fd_read() then returns -1 with errno EINTR, also when the signal comes just
 * before the call would block (a pipe to itself closes that gap).  A second
 * signal ends the process in the ordinary way.  Writes are completed all the
 * same, so that a line is never torn.
 */
#ifndef BF_IO_FDIO_H
#define BF_IO_FDIO_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>
#include <sys/types.h>

/*
 * Opens /dev/null onto each of 0, 1, 2 that is closed, so that no file opened
 * later becomes "stdout": 0 is opened for writing only and 1 and 2 for reading
 * only, so that using a descriptor that was closed fails with EBADF as it
 * would have.
 */
void fd_open_std(void);

int fd_open(const char *path, int flags, int mode); /* open(2), O_CLOEXEC, EINTR */

/*
 * A file without a name in $TMPDIR or /tmp, to write and read, the user's alone:
 * it goes when it is closed.  -1 and errno.
 */
int fd_open_nameless(void);

/* read(2): bytes, 0 at the end, -1 and errno. */
ssize_t fd_read(int fd, void *p, size_t n);

/* Writes all n bytes; 0, or -1 and errno. */
int fd_write(int fd, const void *p, size_t n);

/* pread(2) until n bytes are there or the file ends: how many, or -1 and errno. */
ssize_t fd_read_at(int fd, void *p, size_t n, uint64_t at);

/* Whether two files hold the same, from their beginnings; false if one cannot be read. */
bool fd_same_bytes(int a, int b);

/* Raises the soft limit on open files to the hard one; -1 if that is where it was. */
int fd_raise_limit(void);

/* fsync(2), fdatasync(2), close(2) with EINTR taken care of; 0, or -1 and errno. */
int fd_sync(int fd);
int fd_datasync(int fd);
int fd_close(int fd);

void fd_catch_stop(void);
int fd_stopped(void);      /* the signal's number, or 0 */
int fd_stop_pipe(void);    /* readable once stopped; for an event loop; -1 before fd_catch_stop() */

/*
 * From now on a signal that stops nothing (SIGUSR1) is told by its number, as a
 * byte to read from the pipe: for an event loop.  -1 before the first.
 */
void fd_tell_of(int signo);
int fd_told_pipe(void);

_Noreturn void fd_die_of(int signo); /* default action, raised: the parent sees the signal */

/*
 * mkdir -p: each new part is the user's alone; with sync it outlasts the end of
 * power. 0, or -1 and e.
 */
int fd_make_dirs(const char *dir, bool sync, struct err *e);

#endif
