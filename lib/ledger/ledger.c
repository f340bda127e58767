#include "ledger/ledger.h"

#include "base/mem.h"
#include "io/clock.h"
#include "io/fdio.h"
#include "ledger/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHER_FILES 24 /* segments, the writer's, the spool, the marks */
#define TURN_MAX    ((size_t)1 << 30) /* bytes appended and not committed */

const char *
ledger_default(void)
{
	const char *dir = getenv("BF_LEDGER");

	return dir != NULL && *dir != '\0' ? dir : ".bf/ledger";
}

void
ledger_report(struct ledger *l, const char *fmt, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	if (l->options.report == NULL)
		return;
	va_start(ap, fmt);
	buf_vaddf(&text, fmt, ap);
	va_end(ap);
	l->options.report(l->options.arg, buf_cstr(&text));
	buf_release(&text);
}

static int
open_dir(struct ledger *l, struct err *e)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

	if (l->path[0] == '\0')
		return err_set(e, "the ledger's name is empty");
	l->dir = open(l->path, flags);
	if (l->dir < 0 && errno == ENOENT) {
		if (l->options.read_only)
			return 0;
		if (fd_make_dirs(
			l->path, l->options.sync != LEDGER_SYNC_NEVER, e) != 0)
			return -1;
		l->dir = open(l->path, flags);
	}
	return l->dir >= 0 ? 0 : err_sys(e, "cannot open %s", l->path);
}

static void
ledger_free(struct ledger *l)
{
	writer_release(l);
	store_release(l);
	table_release(&l->table);
	blocks_free(l->blocks);
	repeats_forget(l);
	spool_release(&l->spool);
	frame_coder_release(&l->coder);
	buf_release(&l->window.bytes);
	buf_release(&l->found);
	buf_release(&l->scratch);
	for (size_t i = 0; i < l->nstrangers; i++)
		free(l->strangers[i]);
	free(l->strangers);
	if (l->dir >= 0)
		close(l->dir);
	free(l->path);
	free(l);
}

struct ledger *
ledger_open(const char *dir, const struct ledger_options *o, struct err *e)
{
	struct ledger *l = mem_zero(1, sizeof(*l));

	l->path = mem_strdup(dir);
	for (size_t n = strlen(dir); n > 1 && l->path[n - 1] == '/'; n--)
		l->path[n - 1] = '\0';
	l->dir = -1;
	l->options = *o;
	l->newest = l->oldest = l->free_frame = NO_FRAME;
	spool_init(&l->spool);
	l->window.bytes = BUF_INIT;
	table_init(&l->table);
	repeats_forget(l);
	l->blocks = blocks_new(ledger_sizes.blocks);
	writer_init(&l->writer);
	if (open_dir(l, e) != 0 || (l->dir >= 0 && scan_directory(l, e) != 0)) {
		ledger_free(l);
		return NULL;
	}
	return l;
}

static bool
is_answer(const struct table_entry *e)
{
	return (e->line & TABLE_FORGOTTEN) == 0;
}

bool
ledger_has(struct ledger *l, const unsigned char key[LEDGER_KEY_SIZE])
{
	struct place p;

	return place_find(l, key, &p) && is_answer(&p.entry);
}

/* Another process may have moved everything to other files since. */
static bool
find_elsewhere(struct ledger *l, struct place *p, struct found_line *line)
{
	struct err e;

	l->has_memo = false;
	if (p->indexed && l->segments[p->segment].index != NULL) {
		sidecar_drop(l, p->segment);
		scan_again(l, p->segment);
		if (place_find(l, p->entry.key, p) && is_answer(&p->entry) &&
		    place_line(l, p, line) == 0)
			return true;
	}
	l->has_memo = false;
	return scan_directory(l, &e) == 0 && place_find(l, p->entry.key, p) &&
	       is_answer(&p->entry) && place_line(l, p, line) == 0;
}

int
ledger_get(struct ledger *l, const unsigned char key[LEDGER_KEY_SIZE],
    struct ledger_record *rec, struct err *e)
{
	struct place p;
	struct found_line line;

	if (!place_find(l, key, &p) || !is_answer(&p.entry))
		return 0;
	if (place_line(l, &p, &line) != 0 && !find_elsewhere(l, &p, &line))
		err_set(
		    e, "the record cannot be read back, or its crc does not hold");
	else if (line.checked != NULL) {
		*rec = line.checked->record;
		return 1;
	} else if (record_check(line.text, e) == 0) {
		record_parse(line.text, &line.head, rec, &l->scratch);
		return 1;
	}
	ledger_report(l, "%s/%s: byte %llu, line at %u of the frame: %s", l->path,
	    l->segments[p.segment].name,
	    p.indexed ? 0 : (unsigned long long)l->frames[p.entry.frame].at,
	    p.entry.line & ~TABLE_FORGOTTEN, e->text);
	return 0;
}

/* Now, but later than anything that is known of the key: a clock may go back. */
static int64_t
time_for(struct ledger *l, const struct ledger_record *rec)
{
	int64_t now = clock_wall_ms(), then;
	struct place p;

	if (!place_find(l, rec->key, &p) || place_latest(l, &p) < now)
		return now;
	then = place_time(l, &p);
	return then < now ? now : then + 1;
}

int
ledger_refresh(struct ledger *l, struct err *e)
{
	if (l->dir < 0 && open_dir(l, e) != 0)
		return -1;
	return l->dir < 0 ? 0 : scan_refresh(l, e);
}

int
ledger_prepare(struct ledger *l, struct err *e)
{
	if (l->options.read_only || l->dir < 0)
		return err_set(e, "the ledger is open for reading only");
	if (l->writer.failed) {
		*e = l->writer.error;
		return -1;
	}
	return l->writer.fd >= 0 ? 0 : writer_acquire(l, e);
}

int
ledger_append(struct ledger *l, const struct ledger_record *rec, struct err *e)
{
	struct writer *w = &l->writer;
	struct ledger_record now;
	size_t start, size = rec->request.n + rec->response.n + rec->usage.n;

	if (l->options.read_only || l->dir < 0)
		return err_set(e, "the ledger is open for reading only");
	if (size > RECORD_MAX - 65536)
		return err_set(
		    e, "a record of %zu MiB is too big for the ledger", size >> 20);
	if (w->lines.len + size > TURN_MAX)
		return err_set(e, "too much is appended and not committed");
	if (w->fd < 0 && !w->failed) {
		struct err later;
		writer_acquire(
		    l, &later); /* a failure is ledger_commit()'s to tell */
	}
	if (rec->time == 0) {
		now = *rec;
		now.time = time_for(l, rec);
		rec = &now;
	}
	start = w->lines.len;
	ledger_record_write(&w->lines, rec);
	writer_added(l, start);
	return 0;
}

int
ledger_append_line(struct ledger *l, struct span line, struct err *e)
{
	struct writer *w = &l->writer;
	struct record_head h;
	size_t start;

	if (l->options.read_only || l->dir < 0)
		return err_set(e, "the ledger is open for reading only");
	if (record_head(line, &h) != 0)
		return err_set(e, "this is no record");
	if (memchr(line.p, '\n', line.n) != NULL || !record_crc_holds(line))
		return err_set(e, "the record's crc does not hold");
	if (line.n > RECORD_MAX)
		return err_set(e, "a record of %zu MiB is too big for the ledger",
		    line.n >> 20);
	if (w->lines.len + line.n > TURN_MAX)
		return err_set(e, "too much is appended and not committed");
	if (w->fd < 0 && !w->failed) {
		struct err later;
		writer_acquire(l, &later);
	}
	start = w->lines.len;
	buf_addspan(&w->lines, line);
	buf_addc(&w->lines, '\n');
	writer_added(l, start);
	return 0;
}

int
ledger_commit(struct ledger *l, struct err *e)
{
	return writer_commit(l, e);
}

struct span
ledger_unwritten(const struct ledger *l)
{
	const struct writer *w = &l->writer;
	size_t from = w->doubtful ? 0 : w->committed;

	if (!w->failed || w->lines.len == from)
		return SPAN("");
	return span_of(w->lines.data + from, w->lines.len - from);
}

int64_t
ledger_sync_due(const struct ledger *l)
{
	int64_t since = l->writer.dirty_since, left;

	if (since == 0 || l->writer.failed)
		return -1;
	left = since + 1000000 - clock_mono_us();
	return left <= 0 ? 0 : (left + 999) / 1000;
}

/* Whether the newest word on an entry's key is the entry itself. */
static bool
counts(struct ledger *l, const struct place *p)
{
	struct place newest;

	return is_answer(&p->entry) && place_find(l, p->entry.key, &newest) &&
	       place_same(p, &newest);
}

uint64_t
ledger_count(struct ledger *l)
{
	const struct table_entry *e;
	struct place p;
	uint64_t n = 0;

	for (uint32_t s = 0; s < l->nsegments; s++) {
		p = (struct place){.segment = s, .indexed = true};
		for (uint64_t i = 0; l->segments[s].index != NULL &&
				     index_entry(l->segments[s].index, i, &p.entry);
		     i++)
			n += counts(l, &p);
	}
	for (uint32_t i = 0; i < l->table.count; i++)
		if ((e = table_at(&l->table, i)) != NULL) {
			p = place_of_entry(l, e);
			n += counts(l, &p);
		}
	return n;
}

size_t
ledger_files(const struct ledger *l)
{
	return l->nsegments + OTHER_FILES;
}

int
ledger_close(struct ledger *l, struct err *e)
{
	int rc;

	if (l == NULL)
		return 0;
	rc = writer_close(l, e);
	ledger_free(l);
	return rc;
}
