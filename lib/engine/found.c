/* What -j auto found, from run to run: a file that may be lost at any time. */
#include "engine/private.h"

#include "base/mem.h"
#include "io/fdio.h"
#include "io/num.h"
#include "io/userdir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MOST = 1 << 20, LINES_MOST = 1000 };

/* $XDG_STATE_HOME/bf, else ~/.local/state/bf; false where there is neither. */
static bool
find_dir(struct buf *dir)
{
	if (!userdir(dir, "XDG_STATE_HOME", ".local/state"))
		return false;
	buf_adds(dir, "/bf");
	return true;
}

static void
read_file(const char *path, struct buf *text)
{
	ssize_t got = 0;
	int fd = fd_open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

	if (fd < 0)
		return;
	while (text->len <= FILE_MOST &&
	       (got = fd_read(fd, buf_room(text, 1 << 14), 1 << 14)) > 0)
		text->len += (size_t)got;
	if (got != 0 || text->len > FILE_MOST)
		buf_clear(text);
	fd_close(fd);
}

/* Takes a line off the front; false when there is none. */
static bool
next_line(struct span *text, struct span *line)
{
	const char *end = text->n == 0 ? NULL : memchr(text->p, '\n', text->n);

	if (end == NULL)
		return false;
	*line = span_of(text->p, (size_t)(end - text->p));
	*text = span_of(end + 1, text->n - line->n - 1);
	return true;
}

/* {"endpoint":"openai","model":"gpt-4o-mini", */
static void
add_subject(struct buf *out, const struct provider *p, struct span model)
{
	buf_adds(out, "{\"endpoint\":");
	json_add_string(out, span_str(p->endpoint));
	buf_adds(out, ",\"model\":");
	json_add_string(out, model);
	buf_addc(out, ',');
}

static unsigned
jobs_of(struct span line)
{
	struct json_fault f;
	uint64_t jobs;

	if (json_check(line, &f) != 0 ||
	    num_u64(json_get(line, "jobs"), &jobs) != 0 || jobs > ENGINE_AUTO_MOST)
		return 0;
	return (unsigned)jobs;
}

unsigned
found_before(struct engine *en, const struct provider *p, struct span model)
{
	struct buf path = BUF_INIT, subject = BUF_INIT;
	struct span text, line;
	unsigned jobs = 0;

	if (!en->found_read && find_dir(&path)) {
		buf_adds(&path, "/auto.jsonl");
		read_file(buf_cstr(&path), &en->found);
	}
	en->found_read = true;
	add_subject(&subject, p, model);
	text = buf_span(&en->found);
	while (jobs == 0 && next_line(&text, &line))
		if (span_starts(line, buf_span(&subject)))
			jobs = jobs_of(line);
	buf_release(&subject);
	buf_release(&path);
	return jobs;
}

void
found_tell(struct engine *en)
{
	const struct adapt *a;

	for (size_t i = 0; en->o->jobs_auto && i < en->nlanes; i++) {
		a = &en->lanes[i]->adapt;
		if (adapt_found(a) > 0)
			engine_say(en, ENGINE_INFO,
			    "-j auto: %s%u in flight for %s",
			    adapt_settled(a) ? "" : "at least ", adapt_found(a),
			    buf_cstr(&en->lanes[i]->name));
	}
}

/* ---- kept ---- */

static void
add_found(struct buf *out, const struct lane *l)
{
	if (adapt_found(&l->adapt) == 0)
		return;
	add_subject(out, l->provider, buf_span(&l->model));
	buf_addf(out, "\"jobs\":%u}\n", adapt_found(&l->adapt));
}

static bool
is_known(struct span fresh, struct span line)
{
	struct span one;
	size_t n;

	while (next_line(&fresh, &one)) {
		n = (size_t)((const char *)memrchr(one.p, ',', one.n) - one.p) + 1;
		if (span_starts(line, span_of(one.p, n)))
			return true;
	}
	return false;
}

/* What others have found, behind what was found now. */
static void
add_others(struct buf *out, const char *path)
{
	struct buf old = BUF_INIT;
	struct span text, line;
	size_t fresh = out->len;
	int lines = LINES_MOST;

	read_file(path, &old);
	text = buf_span(&old);
	while (lines-- > 0 && next_line(&text, &line)) {
		if (jobs_of(line) == 0 || is_known(span_of(out->data, fresh), line))
			continue;
		buf_addspan(out, line);
		buf_addc(out, '\n');
	}
	buf_release(&old);
}

static int
write_file(const char *path, struct span text, struct err *e)
{
	mode_t mask = umask(077);
	struct outfile *o = outfile_open(path, e);
	int rc = -1;

	if (o != NULL && outfile_write(o, text, e) == 0)
		rc = outfile_commit(o, NULL, e);
	else
		outfile_abandon(o);
	umask(mask);
	return rc;
}

void
found_keep(struct engine *en)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	struct err e = ERR_INIT;

	for (size_t i = 0; en->o->jobs_auto && i < en->nlanes; i++)
		add_found(&text, en->lanes[i]);
	if (text.len > 0 && find_dir(&path)) {
		if (fd_make_dirs(buf_cstr(&path), false, &e) == 0) {
			buf_adds(&path, "/auto.jsonl");
			add_others(&text, buf_cstr(&path));
			(void)write_file(buf_cstr(&path), buf_span(&text), &e);
		}
		if (e.text[0] != '\0')
			engine_say(en, ENGINE_DEBUG,
			    "what -j auto found is not kept: %s", e.text);
	}
	buf_release(&text);
	buf_release(&path);
	buf_release(&en->found);
}
