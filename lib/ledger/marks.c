#include "ledger/marks.h"

#include "base/mem.h"
#include "io/clock.h"
#include "io/hash.h"
#include "io/num.h"
#include "io/rng.h"
#include "ledger/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX    "inflight-"
#define MAGIC     "bf-inflight 1\n\0"
#define SLOT_SIZE 256
#define NAME_SIZE 100
#define SLOTS_MAX ((uint32_t)1 << 20)
#define BATCH     64                       /* files that are held at a time */
#define TIME_MAX  INT64_C(999999999999999) /* what a record can hold */
#define FREE      0
#define IN_FLIGHT 1

struct header {
	char magic[16];
	uint32_t slots;
	uint32_t slot_size;
	int64_t pid;
	int64_t begun;
	char host[LEDGER_HOST_MAX];
	char zero[SLOT_SIZE - 40 - LEDGER_HOST_MAX];
};

struct slot {
	_Atomic uint32_t state;
	uint32_t crc; /* of what follows */
	unsigned char key[LEDGER_KEY_SIZE];
	int64_t time;
	unsigned char model_n;
	unsigned char endpoint_n;
	char model[NAME_SIZE];
	char endpoint[NAME_SIZE];
	char zero[SLOT_SIZE - 34 - 2 * NAME_SIZE];
};

_Static_assert(sizeof(struct header) == SLOT_SIZE, "a header is as big as a slot");
_Static_assert(sizeof(struct slot) == SLOT_SIZE, "slots have no gaps");

struct marks {
	int dir;
	int fd;
	char *file;
	struct header *map;
	struct slot *slots;
	uint32_t n;
	uint32_t *free; /* numbers of free slots, a stack */
	uint32_t nfree;
};

static uint32_t
slot_crc(const struct slot *s)
{
	return hash_crc32c(0, s->key, SLOT_SIZE - offsetof(struct slot, key));
}

/* ---- the file of this process ---- */

/*
 * Makes and locks a file of this name: 1, 0 if the name is taken, -1 and errno.
 * Between the two somebody who collects may take an empty file for a dead one.
 */
static int
make_file(struct marks *m, const char *file)
{
	int errnum;

	m->fd = openat(
	    m->dir, file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (m->fd < 0)
		return errno == EEXIST ? 0 : -1;
	if (flock(m->fd, LOCK_EX | LOCK_NB) == 0 &&
	    directory_has(m->dir, file, m->fd))
		return 1;
	errnum = errno;
	if (directory_has(m->dir, file, m->fd))
		unlinkat(m->dir, file, 0);
	close(m->fd);
	m->fd = -1;
	errno = errnum;
	return errnum == EWOULDBLOCK || errnum == ENOENT || errnum == 0 ? 0 : -1;
}

static int
find_name(struct marks *m, const char *host, struct err *e)
{
	struct buf name = BUF_INIT;
	int made = 0;

	for (int i = 0; i < 16 && made == 0; i++) {
		buf_clear(&name);
		buf_addf(&name, PREFIX "%s-%ld", host, (long)getpid());
		if (i > 0)
			buf_addf(&name, "-%016" PRIx64, rng_entropy());
		errno = 0;
		made = make_file(m, buf_cstr(&name));
	}
	if (made == 1)
		m->file = mem_strdup(buf_cstr(&name));
	else
		err_sys(e, "cannot make %s", buf_cstr(&name));
	buf_release(&name);
	return made == 1 ? 0 : -1;
}

static int
map_file(struct marks *m, const char *host, struct err *e)
{
	size_t size = ((size_t)m->n + 1) * SLOT_SIZE;
	int rc = posix_fallocate(m->fd, 0, (off_t)size);

	if (rc != 0) {
		errno = rc;
		return err_sys(e, "cannot make room for %s", m->file);
	}
	m->map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (m->map == MAP_FAILED) {
		m->map = NULL;
		return err_sys(e, "cannot map %s", m->file);
	}
	m->map->slots = m->n;
	m->map->slot_size = SLOT_SIZE;
	m->map->pid = getpid();
	m->map->begun = clock_wall_ms();
	memcpy(m->map->host, host, strlen(host));
	atomic_thread_fence(memory_order_seq_cst);
	memcpy(m->map->magic, MAGIC, sizeof(m->map->magic));
	m->slots = (struct slot *)(m->map + 1);
	return 0;
}

/* The file is removed, unless marks are left in it. */
static void
marks_free(struct marks *m)
{
	if (m->file != NULL && m->nfree == m->n)
		unlinkat(m->dir, m->file, 0);
	if (m->map != NULL)
		munmap(m->map, ((size_t)m->n + 1) * SLOT_SIZE);
	if (m->fd >= 0)
		close(m->fd);
	if (m->dir >= 0)
		close(m->dir);
	free(m->file);
	free(m->free);
	free(m);
}

struct marks *
marks_open(const char *dir, uint32_t n, struct err *e)
{
	struct marks *m = mem_zero(1, sizeof(*m));
	char host[LEDGER_HOST_MAX];

	if (n > SLOTS_MAX)
		n = SLOTS_MAX;
	m->fd = -1;
	m->n = m->nfree = n;
	m->free = mem_zero(n, sizeof(*m->free));
	for (uint32_t i = 0; i < n; i++)
		m->free[i] = n - 1 - i;
	ledger_host(host, sizeof(host));
	m->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->dir < 0)
		err_sys(e, "cannot open %s", dir);
	else if (find_name(m, host, e) == 0 && map_file(m, host, e) == 0)
		return m;
	else
		err_prefix(e, "%s", dir);
	marks_free(m);
	return NULL;
}

/* Bytes of a name that fit, cut at a character's end. */
static unsigned char
copy_name(char *out, struct span s)
{
	size_t n = s.n;

	if (n > NAME_SIZE)
		for (n = NAME_SIZE;
		     n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80;)
			n--;
	memset(out, 0, NAME_SIZE);
	if (n > 0)
		memcpy(out, s.p, n);
	return (unsigned char)n;
}

uint32_t
marks_set(struct marks *m, const unsigned char key[LEDGER_KEY_SIZE],
    struct span model, struct span endpoint)
{
	uint32_t number;
	struct slot *s;

	if (m->nfree == 0)
		return MARKS_NONE;
	number = m->free[--m->nfree];
	s = &m->slots[number];
	memcpy(s->key, key, sizeof(s->key));
	s->time = clock_wall_ms();
	s->model_n = copy_name(s->model, model);
	s->endpoint_n = copy_name(s->endpoint, endpoint);
	s->crc = slot_crc(s);
	atomic_store(&s->state, IN_FLIGHT);
	return number;
}

void
marks_clear(struct marks *m, uint32_t slot)
{
	if (slot == MARKS_NONE)
		return;
	atomic_store(&m->slots[slot].state, FREE);
	m->free[m->nfree++] = slot;
}

void
marks_close(struct marks *m)
{
	if (m != NULL)
		marks_free(m);
}

/* ---- files of others ---- */

/* A file that was found. */
struct found {
	char *file;
	int fd; /* -1: not held */
	struct header header;
	struct buf bytes; /* the slots */
	struct marks_call *calls;
	size_t ncalls, broken;
	enum { READ_EMPTY, READ_OURS, READ_ALIEN } what;
};

static void
found_release(struct found *f)
{
	if (f->fd >= 0)
		close(f->fd); /* and the lock with it */
	buf_release(&f->bytes);
	free(f->calls);
	free(f->file);
}

/* inflight-<host>-<digits>[-<16 hex>] */
static bool
is_of_host(const char *file, const char *host)
{
	size_t n = strlen(host), digits;

	file += strlen(PREFIX);
	if (strncmp(file, host, n) != 0 || file[n] != '-')
		return false;
	file += n + 1;
	digits = strspn(file, "0123456789");
	if (digits == 0 || digits > 10)
		return false;
	file += digits;
	return *file == '\0' || (*file == '-' && strlen(file + 1) == 16 &&
				    strspn(file + 1, "0123456789abcdef") == 16);
}

static int
read_all(int fd, struct buf *out)
{
	size_t most = ((size_t)SLOTS_MAX + 1) * SLOT_SIZE;
	ssize_t n;

	buf_clear(out);
	do {
		n = pread(fd, buf_room(out, 65536), 65536, (off_t)out->len);
		if (n > 0)
			out->len += (size_t)n;
	} while ((n > 0 && out->len < most) || (n < 0 && errno == EINTR));
	return n < 0 ? -1 : 0;
}

static void
take_slot(struct found *f, const struct slot *s)
{
	if (s->state == FREE)
		return;
	if (s->state != IN_FLIGHT || s->crc != slot_crc(s) ||
	    s->model_n > NAME_SIZE || s->endpoint_n > NAME_SIZE || s->time < 0 ||
	    s->time > TIME_MAX) {
		f->broken++;
		return;
	}
	f->calls[f->ncalls].time = s->time;
	memcpy(f->calls[f->ncalls].key, s->key, sizeof(s->key));
	f->calls[f->ncalls].model = span_of(s->model, s->model_n);
	f->calls[f->ncalls].endpoint = span_of(s->endpoint, s->endpoint_n);
	f->ncalls++;
}

/* What the file says; -1 and errno if it cannot be read. */
static int
found_read(struct found *f)
{
	const struct slot *slots;
	size_t n;

	if (read_all(f->fd, &f->bytes) != 0)
		return -1;
	f->what = READ_EMPTY; /* killed before it was made: nothing was sent */
	if (f->bytes.len < SLOT_SIZE || f->bytes.data[0] == '\0')
		return 0;
	memcpy(&f->header, f->bytes.data, SLOT_SIZE);
	f->header.host[LEDGER_HOST_MAX - 1] = '\0';
	f->what = READ_ALIEN;
	if (memcmp(f->header.magic, MAGIC, sizeof(f->header.magic)) != 0 ||
	    f->header.slot_size != SLOT_SIZE)
		return 0;
	f->what = READ_OURS;
	n = f->bytes.len / SLOT_SIZE - 1;
	if (n > f->header.slots)
		n = f->header.slots;
	slots = (const struct slot *)(const void *)(f->bytes.data + SLOT_SIZE);
	f->calls = mem_zero(n, sizeof(*f->calls));
	for (size_t i = 0; i < n; i++)
		take_slot(f, &slots[i]);
	return 0;
}

/* Drops the calls whose answer came and was recorded before the mark was cleared.
 */
static void
drop_answered(struct found *f, struct ledger *l)
{
	struct ledger_record rec;
	struct err e = ERR_INIT;
	size_t kept = 0;

	for (size_t i = 0; i < f->ncalls; i++)
		if (!ledger_has(l, f->calls[i].key) ||
		    ledger_get(l, f->calls[i].key, &rec, &e) != 1 ||
		    rec.time < f->calls[i].time)
			f->calls[kept++] = f->calls[i];
	f->ncalls = kept;
}

static void
tell(const struct found *f, int owner,
    void (*found)(void *arg, const struct marks_run *run), void *arg)
{
	struct marks_run run = {.file = f->file,
	    .host = f->header.host,
	    .pid = f->header.pid,
	    .begun = f->header.begun,
	    .calls = f->calls,
	    .ncalls = f->ncalls,
	    .broken = f->broken};

	run.owner = owner;
	found(arg, &run);
}

/* The directory's inflight files; NULL and e, or NULL alone if it is not there. */
static DIR *
open_listing(const char *dir, struct err *e)
{
	DIR *d = opendir(dir);

	err_init(e);
	if (d == NULL && errno != ENOENT)
		err_sys(e, "cannot list %s", dir);
	return d;
}

static const char *
next_file(DIR *d)
{
	struct dirent *de;

	while ((de = readdir(d)) != NULL)
		if (strncmp(de->d_name, PREFIX, strlen(PREFIX)) == 0)
			return de->d_name;
	return NULL;
}

/* Opens one and takes its lock: 1, 0 if its owner lives or it is gone, -1 and
 * errno. */
static int
found_open(struct found *f, int dir, const char *file, int lock)
{
	struct stat st;

	memset(f, 0, sizeof(*f));
	f->bytes = BUF_INIT;
	f->file = mem_strdup(file);
	f->fd = openat(
	    dir, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (f->fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (fstat(f->fd, &st) != 0)
		return -1;
	errno = EINVAL;
	if (!S_ISREG(st.st_mode))
		return -1;
	if (flock(f->fd, lock | LOCK_NB) != 0)
		return errno == EWOULDBLOCK ? 0 : -1;
	return directory_has(dir, file, f->fd);
}

/* ---- looking ---- */

static int
look_at(DIR *d, const char *path, const char *file, struct ledger **l,
    void (*found)(void *arg, const struct marks_run *run), void *arg, struct err *e)
{
	const struct ledger_options o = {.read_only = true};
	char host[LEDGER_HOST_MAX];
	struct found f;
	int locked = found_open(&f, dirfd(d), file, LOCK_SH), rc = 0;
	bool here;

	ledger_host(host, sizeof(host));
	here = is_of_host(file, host);
	if (locked < 0 && errno == EACCES) {
		/* Another user's, for whom it is. */
	} else if (locked < 0 || (f.fd >= 0 && found_read(&f) != 0)) {
		rc = err_sys(e, "cannot read %s/%s", path, file);
	} else if (f.fd >= 0 && f.what == READ_OURS) {
		if (here && locked == 1 && f.ncalls > 0 && *l == NULL &&
		    (*l = ledger_open(path, &o, e)) == NULL)
			rc = -1;
		else if (here && locked == 1 && f.ncalls > 0)
			drop_answered(&f, *l);
		if (rc == 0)
			tell(&f,
			    !here         ? MARKS_ELSEWHERE
			    : locked == 1 ? MARKS_DEAD
					  : MARKS_ALIVE,
			    found, arg);
	}
	found_release(&f);
	return rc;
}

int
marks_look(const char *dir, void (*found)(void *arg, const struct marks_run *run),
    void *arg, struct err *e)
{
	DIR *d = open_listing(dir, e);
	struct ledger *l = NULL;
	struct err later;
	const char *file;
	int rc = 0;

	if (d == NULL)
		return e->text[0] == '\0' ? 0 : -1;
	while (rc == 0 && (file = next_file(d)) != NULL)
		rc = look_at(d, dir, file, &l, found, arg, e);
	ledger_close(l, &later);
	closedir(d);
	return rc;
}

/* ---- collecting ---- */

struct collection {
	const char *path;
	const struct ledger_options *o;
	void (*found)(void *arg, const struct marks_run *run);
	void *arg;
	struct found dead[BATCH];
	int n;
};

static void
hold(struct collection *c, int dir, const char *file)
{
	struct found *f = &c->dead[c->n];
	int locked = found_open(f, dir, file, LOCK_EX);
	bool readable = locked == 1 && found_read(f) == 0;
	struct err e;

	if (readable && f->what != READ_ALIEN) {
		c->n++;
		return;
	}
	if (readable)
		err_set(
		    &e, "calls in flight, in a form not known here; left alone");
	else
		err_sys(&e, "cannot be read");
	if (locked != 0 && c->o->report != NULL &&
	    (readable || e.errnum != EACCES)) {
		err_prefix(&e, "%s/%s", c->path, file);
		c->o->report(c->o->arg, e.text);
	}
	found_release(f);
}

/* Locks dead files of this host, as many as there is room for. */
static void
hold_dead(struct collection *c, DIR *d)
{
	char host[LEDGER_HOST_MAX];
	const char *file;

	ledger_host(host, sizeof(host));
	c->n = 0;
	while (c->n < BATCH && (file = next_file(d)) != NULL)
		if (is_of_host(file, host))
			hold(c, dirfd(d), file);
}

/* The same call marked the same way gives the same line: recorded twice it is one.
 */
static int
record_calls(struct ledger *l, const struct found *f, struct err *e)
{
	struct ledger_record rec = {.status = LEDGER_ERROR,
	    .attempts = 1,
	    .class = SPAN("possibly_billed"),
	    .request = SPAN("null")};

	for (size_t i = 0; i < f->ncalls; i++) {
		memcpy(rec.key, f->calls[i].key, sizeof(rec.key));
		rec.time = f->calls[i].time;
		rec.model = f->calls[i].model;
		rec.endpoint = f->calls[i].endpoint;
		if (ledger_append(l, &rec, e) != 0)
			return -1;
	}
	return 0;
}

/* What these have to tell, told and recorded. Their locks are held meanwhile. */
static int
take_in(struct collection *c, struct err *e)
{
	struct ledger *l = NULL;
	struct err later = ERR_INIT;
	int rc = 0;

	for (int i = 0; i < c->n && rc == 0; i++) {
		struct found *f = &c->dead[i];
		/* Opened after the lock was had: what the dead wrote is in sight.
		 */
		if (f->ncalls > 0 && l == NULL &&
		    (l = ledger_open(c->path, c->o, e)) == NULL)
			return -1;
		if (f->ncalls > 0)
			drop_answered(f, l);
		if (f->ncalls > 0 || f->broken > 0)
			tell(f, MARKS_DEAD, c->found, c->arg);
		if (f->ncalls > 0)
			rc = record_calls(l, f, e);
	}
	if (ledger_close(l, &later) != 0 && rc == 0) {
		*e = later;
		rc = -1;
	}
	return rc;
}

static int
let_go(struct collection *c, int dir, bool taken_in, struct err *e)
{
	int rc = 0;

	for (int i = 0; i < c->n; i++) {
		if (taken_in && unlinkat(dir, c->dead[i].file, 0) != 0)
			rc = err_sys(
			    e, "cannot remove %s/%s", c->path, c->dead[i].file);
		found_release(&c->dead[i]);
	}
	return rc;
}

int
marks_collect(const char *dir, const struct ledger_options *o,
    void (*found)(void *arg, const struct marks_run *run), void *arg, struct err *e)
{
	DIR *d = open_listing(dir, e);
	struct collection c = {.path = dir, .o = o, .found = found, .arg = arg};
	int rc;

	if (d == NULL)
		return 0; /* who opens the ledger will hear why */
	do {
		hold_dead(&c, d);
		rc = take_in(&c, e);
		if (let_go(&c, dirfd(d), rc == 0, e) != 0)
			rc = -1;
	} while (c.n == BATCH && rc == 0);
	closedir(d);
	return rc;
}
