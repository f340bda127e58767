#include "base/mem.h"
#include "io/hash.h"
#include "ledger/internal.h"
#include "json/json.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define PACKED_MAX ((size_t)4 << 20) /* larger frames are left to who asks */
#define TEXT_MAX   ((size_t)8 << 20)
#define STACK      ((size_t)1 << 20)

enum job_state { JOB_FREE, JOB_WANTED, JOB_BUSY, JOB_DONE };

/* A frame that will be asked for. */
struct job {
	enum job_state state;
	unsigned course; /* in which it was wanted */
	uint32_t segment;
	uint64_t at;
	size_t packed;
	int fd;     /* the thread's own */
	char *text; /* NULL: not to be had this way */
	size_t text_size;
	struct checked_line *lines; /* NULL: they are not all as they should be */
	size_t nlines;
};

struct ahead {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wanted, done;
	bool stop, idle;
	unsigned course;
	struct job jobs[AHEAD_MOST];

	/* the thread's alone */
	struct frame_coder coder;
	struct window window;
	struct buf scratch;
};

/* ---- the thread ---- */

/* Texts that had to be unescaped have no place here. */
static bool
check_line(struct ahead *a, struct span line, struct ledger_record *rec)
{
	struct record_head h;
	struct json_fault f;

	if (record_head(line, &h) != 0 || !record_crc_holds(line) ||
	    json_check(line, &f) != 0)
		return false;
	record_parse(line, &h, rec, &a->scratch);
	return a->scratch.len == 0;
}

static void
check_lines(struct ahead *a, struct job *j)
{
	struct span rest = span_of(j->text, j->text_size), line;
	struct checked_line *c;
	size_t cap = 0;
	bool whole;

	while (record_next(&rest, &line, &whole)) {
		if (j->nlines == cap) {
			cap = cap == 0 ? 128 : 2 * cap;
			j->lines = mem_resize(j->lines, cap, sizeof(*j->lines));
		}
		c = &j->lines[j->nlines++];
		c->at = (uint32_t)(line.p - j->text);
		c->size = (uint32_t)line.n;
		if (!whole || !check_line(a, line, &c->record)) {
			free(j->lines);
			j->lines = NULL;
			j->nlines = 0;
			return;
		}
	}
}

/* What goes wrong here is met again, and told, by who asks for the frame. */
static void
do_job(struct ahead *a, struct job *j)
{
	struct window *w = &a->window;
	size_t size, text;

	window_clear(w);
	if (window_fill(w, j->fd, j->at, j->packed) != 0 ||
	    frame_look(window_from(w, j->at), &size, &text) != FRAME_WHOLE ||
	    text > TEXT_MAX)
		return;
	j->text = mem_alloc(text);
	j->text_size = text;
	if (frame_unpack(&a->coder, span_of(w->bytes.data, size), j->text, text) ==
	    0) {
		check_lines(a, j);
		return;
	}
	free(j->text);
	j->text = NULL;
}

static struct job *
next_wanted(struct ahead *a)
{
	struct job *first = NULL;

	for (struct job *j = a->jobs; j < a->jobs + AHEAD_MOST; j++)
		if (j->state == JOB_WANTED && (first == NULL || j->at < first->at))
			first = j;
	return first;
}

static void *
work(void *arg)
{
	struct ahead *a = arg;
	struct job *j;

	pthread_mutex_lock(&a->lock);
	while (!a->stop) {
		if ((j = next_wanted(a)) == NULL) {
			a->idle = true;
			pthread_cond_wait(&a->wanted, &a->lock);
			continue;
		}
		j->state = JOB_BUSY;
		pthread_mutex_unlock(&a->lock);
		do_job(a, j);
		pthread_mutex_lock(&a->lock);
		j->state = JOB_DONE;
		pthread_cond_signal(&a->done);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* ---- who asks ---- */

/* Signals are for the program's own thread. */
static int
start(struct ahead *a)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int rc;

	if (pthread_attr_init(&attr) != 0)
		return -1;
	(void)pthread_attr_setstacksize(&attr, STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&a->thread, &attr, work, a);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (rc == 0)
		(void)pthread_setname_np(a->thread, "ahead");
	return rc == 0 ? 0 : -1;
}

struct ahead *
ahead_new(void)
{
	struct ahead *a = mem_zero(1, sizeof(*a));

	(void)hash_crc32c(0, "", 0); /* makes the tables, where it goes by tables */
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->wanted, NULL);
	pthread_cond_init(&a->done, NULL);
	if (start(a) == 0)
		return a;
	free(a);
	return NULL;
}

static void
job_clear(struct job *j)
{
	if (j->state != JOB_FREE)
		close(j->fd);
	free(j->text);
	free(j->lines);
	memset(j, 0, sizeof(*j));
}

void
ahead_free(struct ahead *a)
{
	if (a == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_signal(&a->wanted);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	for (struct job *j = a->jobs; j < a->jobs + AHEAD_MOST; j++)
		job_clear(j);
	frame_coder_release(&a->coder);
	buf_release(&a->window.bytes);
	buf_release(&a->scratch);
	pthread_cond_destroy(&a->done);
	pthread_cond_destroy(&a->wanted);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static struct job *
find_job(struct ahead *a, uint32_t segment, uint64_t at)
{
	for (struct job *j = a->jobs; j < a->jobs + AHEAD_MOST; j++)
		if (j->state != JOB_FREE && j->segment == segment && j->at == at)
			return j;
	return NULL;
}

bool
ahead_take(struct ahead *a, struct frame *f)
{
	struct job *j;

	pthread_mutex_lock(&a->lock);
	j = find_job(a, f->segment, f->at);
	if (j == NULL) {
		pthread_mutex_unlock(&a->lock);
		return false;
	}
	while (j->state != JOB_DONE)
		pthread_cond_wait(&a->done, &a->lock);
	f->text = j->text;
	f->text_size = j->text_size;
	f->lines = j->lines;
	f->nlines = j->nlines;
	j->text = NULL;
	j->lines = NULL;
	job_clear(j);
	pthread_mutex_unlock(&a->lock);
	return f->text != NULL;
}

/* What was wanted in another course makes room. */
static struct job *
free_job(struct ahead *a)
{
	for (struct job *j = a->jobs; j < a->jobs + AHEAD_MOST; j++) {
		if (j->state != JOB_BUSY && j->course != a->course)
			job_clear(j);
		if (j->state == JOB_FREE)
			return j;
	}
	return NULL;
}

void
ahead_turn(struct ahead *a)
{
	pthread_mutex_lock(&a->lock);
	a->course++;
	pthread_mutex_unlock(&a->lock);
}

void
ahead_want(struct ahead *a, uint32_t segment, int fd, uint64_t at, size_t packed)
{
	struct job *j;

	if (packed > PACKED_MAX)
		return;
	pthread_mutex_lock(&a->lock);
	if (find_job(a, segment, at) == NULL && (j = free_job(a)) != NULL &&
	    (fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)) >= 0) {
		*j = (struct job){.state = JOB_WANTED,
		    .course = a->course,
		    .segment = segment,
		    .at = at,
		    .packed = packed,
		    .fd = fd};
		if (a->idle)
			pthread_cond_signal(&a->wanted);
		a->idle = false;
	}
	pthread_mutex_unlock(&a->lock);
}
