#include "pacing/budget_file.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/fdio.h"
#include "io/filemap.h"
#include "io/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "bf-budget 1\n\0\0\0"
#define NEW   "new" /* until it has its name */

enum { NAME_DIGITS = 32, LOCK_TRIES = 50, LOCK_PAUSE_NS = 4000000 };

/* ---- what was cut off ---- */

static _Thread_local sigjmp_buf after_cut;
static _Thread_local volatile sig_atomic_t touching;

static void
on_cut(int signo)
{
	if (touching)
		siglongjmp(after_cut, 1);
	fd_die_of(signo);
}

static void
unblock(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

bool
budget_file_touch(void (*fn)(void *arg), void *arg)
{
	if (sigsetjmp(after_cut, 0) != 0) {
		touching = 0;
		unblock(SIGBUS);
		return false;
	}
	touching = 1;
	fn(arg);
	touching = 0;
	return true;
}

/* ---- the directory ---- */

static bool
is_ours(const char *dir)
{
	struct stat st;

	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

static void
add_dir(struct buf *out)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *tmp = getenv("TMPDIR");

	if (run != NULL && *run == '/' && is_ours(run)) {
		buf_addf(out, "%s/bf", run);
		return;
	}
	buf_addf(out, "%s/bf-%lu", tmp != NULL && *tmp == '/' ? tmp : "/tmp",
	    (unsigned long)geteuid());
}

/* Its descriptor; -1 and e. */
static int
open_dir(const char *dir, bool *unsafe, struct err *e)
{
	struct stat st;
	int fd;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return err_sys(e, "cannot make %s", dir);
	fd = fd_open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	*unsafe = fd < 0 && (errno == ELOOP || errno == ENOTDIR);
	if (fd < 0)
		return err_sys(e, "cannot open %s", dir);
	if (fstat(fd, &st) != 0)
		err_sys(e, "cannot look at %s", dir);
	else if ((*unsafe = st.st_uid != geteuid()))
		err_set(e, "%s is another user's", dir);
	else if ((*unsafe = (st.st_mode & 077) != 0))
		err_set(e, "%s is open to other users: chmod 700 it", dir);
	else
		return fd;
	fd_close(fd);
	return -1;
}

/* One that is stopped while it has the lock is not waited for. */
static int
lock_dir(int dir, struct err *e)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(dir, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		nanosleep(&pause, NULL);
	}
	return err_sys(e, "cannot lock it");
}

/* ---- a file ---- */

static int
read_boot(unsigned char boot[16], struct err *e)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	int fd = fd_open(path, O_RDONLY, 0);
	ssize_t n = -1;
	char text[64];

	if (fd >= 0) {
		n = fd_read(fd, text, sizeof(text));
		fd_close(fd);
	}
	if (n <= 0)
		return err_sys(e, "cannot read %s", path);
	hash_blake2b(span_of(text, (size_t)n), boot, 16);
	return 0;
}

enum verdict { NONE, SOUND, CLOSED, STALE, ALIEN };

/* What is in the file that fd has open. */
static enum verdict
judge(int fd, const unsigned char boot[16], struct budget_head *head)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_size != sizeof(struct budget_file) ||
	    pread(fd, head, sizeof(*head), 0) != (ssize_t)sizeof(*head) ||
	    memcmp(head->magic, MAGIC, sizeof(head->magic)) != 0 ||
	    head->size != sizeof(struct budget_file))
		return ALIEN;
	if (memcmp(head->boot, boot, sizeof(head->boot)) != 0)
		return STALE;
	return (head->word & BUDGET_CLOSED) != 0 ? CLOSED : SOUND;
}

static int
open_file(int dir, const char *name)
{
	return openat(
	    dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static int
map_file(struct budget_map *m, int fd, struct err *e)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0)
		return err_sys(e, "cannot look at a file");
	p = mmap(NULL, sizeof(*m->file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return err_sys(e, "cannot map a file");
	m->file = p;
	m->dev = st.st_dev;
	m->ino = st.st_ino;
	return 0;
}

/* Under the name NEW; it takes the other name when it is whole. */
static int
write_file(
    int fd, const unsigned char boot[16], const struct bucket *seed, struct err *e)
{
	struct budget_file *f = mem_zero(1, sizeof(*f));
	/* So that a store never meets a full disk. */
	int rc = posix_fallocate(fd, 0, sizeof(*f));

	if (rc == 0) {
		memcpy(f->head.magic, MAGIC, sizeof(f->head.magic));
		memcpy(f->head.boot, boot, sizeof(f->head.boot));
		f->head.size = sizeof(*f);
		f->head.matters = bucket_matters_until(seed, clock_mono_us());
		f->half[0] = *seed;
		rc = fd_write(fd, f, sizeof(*f)) == 0 ? 0 : errno;
	}
	free(f);
	errno = rc;
	return rc == 0 ? 0 : err_sys(e, "cannot write a file");
}

static int
make_file(struct budget_map *m, int dir, const char *name,
    const unsigned char boot[16], const struct bucket *seed, struct err *e)
{
	int fd, rc;

	(void)unlinkat(dir, NEW, 0);
	fd = openat(
	    dir, NEW, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "cannot make a file");
	rc = write_file(fd, boot, seed, e);
	if (rc == 0)
		rc = map_file(m, fd, e);
	if (rc == 0 && renameat(dir, NEW, dir, name) != 0)
		rc = err_sys(e, "cannot rename a file");
	if (rc != 0)
		(void)unlinkat(dir, NEW, 0);
	close(fd);
	return rc;
}

/* What a closed file had last. */
static int
read_closed(int fd, uint64_t word, struct bucket *out, struct err *e)
{
	off_t at = (off_t)(offsetof(struct budget_file, half) +
			   BUDGET_HALF(word & ~BUDGET_CLOSED) * sizeof(*out));

	if (pread(fd, out, sizeof(*out), at) != (ssize_t)sizeof(*out))
		return err_set(e, "a file in it was cut off");
	bucket_bound(out, clock_mono_us());
	return 0;
}

/* ---- files of long ago ---- */

static void
close_for_good(void *arg)
{
	struct budget_file *f = arg;

	atomic_fetch_or(&f->head.word, BUDGET_CLOSED);
}

/* Nobody has use for it; who has it mapped is to see that it is gone. */
static void
sweep_file(int dir, const char *name, const unsigned char boot[16])
{
	struct budget_map m = {.file = NULL};
	struct budget_head head = {.size = 0};
	int fd = open_file(dir, name);
	enum verdict v = fd < 0 ? NONE : judge(fd, boot, &head);
	struct err e;

	if ((v == SOUND || v == CLOSED) && head.matters < clock_mono_us() &&
	    map_file(&m, fd, &e) == 0) {
		(void)budget_file_touch(close_for_good, m.file);
		munmap(m.file, sizeof(*m.file));
		v = STALE;
	}
	if (v == STALE)
		(void)unlinkat(dir, name, 0);
	if (fd >= 0)
		close(fd);
}

/* Once in a process. */
static void
sweep(int dir, const char *mine, const unsigned char boot[16])
{
	static bool swept;
	int copy = swept ? -1 : fcntl(dir, F_DUPFD_CLOEXEC, 3);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *de;

	swept = true;
	if (d == NULL && copy >= 0)
		close(copy);
	while (d != NULL && (de = readdir(d)) != NULL)
		if (strlen(de->d_name) == NAME_DIGITS &&
		    strcmp(de->d_name, mine) != 0)
			sweep_file(dir, de->d_name, boot);
	if (d != NULL)
		closedir(d);
}

/* ---- all of it ---- */

/* The directory is locked. */
static int
open_locked(struct budget_map *m, int dir, const char *name,
    const struct bucket *seed, struct err *e)
{
	struct bucket *last = NULL;
	unsigned char boot[16];
	struct budget_head head = {.size = 0};
	enum verdict v = NONE;
	int fd, rc = 0;

	if (read_boot(boot, e) != 0)
		return -1;
	fd = open_file(dir, name);
	if (fd < 0 && errno != ENOENT)
		return err_sys(e, "cannot open a file in it");
	if (fd >= 0)
		v = judge(fd, boot, &head);
	if (v == ALIEN)
		rc = err_set(e, "a file in it is broken");
	else if (v == CLOSED) {
		seed = last = mem_zero(1, sizeof(*last));
		rc = read_closed(fd, head.word, last, e);
	}
	if (rc == 0 && v == SOUND)
		rc = map_file(m, fd, e);
	else if (rc == 0) {
		sweep(dir, name, boot);
		rc = make_file(m, dir, name, boot, seed, e);
	}
	free(last);
	if (fd >= 0)
		close(fd);
	return rc;
}

int
budget_file_open(struct budget_map *m, const char *name, const struct bucket *seed,
    bool *unsafe, struct err *e)
{
	struct buf path = BUF_INIT;
	int dir, rc = -1;

	add_dir(&path);
	*m = (struct budget_map){.file = NULL};
	dir = open_dir(buf_cstr(&path), unsafe, e);
	if (dir >= 0) {
		filemap_on_shrink(on_cut);
		rc = lock_dir(dir, e);
		if (rc == 0)
			rc = open_locked(m, dir, name, seed, e);
		if (rc != 0)
			err_prefix(e, "%s", buf_cstr(&path));
		close(dir);
	}
	if (rc == 0) {
		buf_addf(&path, "/%s", name);
		m->path = mem_strdup(buf_cstr(&path));
	} else if (m->file != NULL)
		budget_file_close(m);
	buf_release(&path);
	return rc;
}

void
budget_file_close(struct budget_map *m)
{
	if (m->file != NULL)
		munmap(m->file, sizeof(*m->file));
	free(m->path);
	*m = (struct budget_map){.file = NULL};
}

bool
budget_file_is_there(const struct budget_map *m)
{
	struct stat st;

	return lstat(m->path, &st) == 0 && st.st_dev == m->dev &&
	       st.st_ino == m->ino;
}
