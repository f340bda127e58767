#include "io/filemap.h"

#include "io/fdio.h"
#include "io/unpack.h"

#include <sys/mman.h>

#include <signal.h>
#include <stdint.h>
#include <unistd.h>

int
filemap_open(struct filemap *m, int fd, uint64_t most)
{
	void *p;

	if (fstat(fd, &m->was) < 0 || !S_ISREG(m->was.st_mode) ||
	    m->was.st_size <= 0 || (uint64_t)m->was.st_size > most ||
	    lseek(fd, 0, SEEK_CUR) != 0)
		return -1;
	p = mmap(NULL, (size_t)m->was.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return -1;
	if (unpack_is_packed(span_of(p, (size_t)m->was.st_size))) {
		munmap(p, (size_t)m->was.st_size);
		return -1;
	}
	m->fd = fd;
	m->name = NULL;
	m->bytes = span_of(p, (size_t)m->was.st_size);
	return 0;
}

bool
filemap_changed(const struct filemap *m)
{
	struct stat now;

	return fstat(m->fd, &now) < 0 || now.st_size != m->was.st_size ||
	       now.st_mtim.tv_sec != m->was.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != m->was.st_mtim.tv_nsec;
}

void
filemap_close(struct filemap *m)
{
	munmap((void *)(uintptr_t)m->bytes.p, m->bytes.n);
	m->bytes = SPAN_NONE;
	if (m->fd != STDIN_FILENO)
		fd_close(m->fd);
}

void
filemap_on_shrink(void (*handler)(int))
{
	struct sigaction sa = {.sa_handler = handler};

	sigemptyset(&sa.sa_mask);
	sigaction(SIGBUS, &sa, NULL);
}
