#include "pipe/lines.h"

#include "base/mem.h"
#include "io/fdio.h"
#include "io/tempfile.h"

#include <stdlib.h>
#include <unistd.h>

void
lines_init(struct lines *l, size_t limit)
{
	*l = (struct lines){.limit = limit, .fd = -1};
}

void
lines_release(struct lines *l)
{
	if (l->fd >= 0)
		fd_close(l->fd);
	l->fd = -1;
}

/* 0, or -1: the file does not take it. */
static int
file(struct lines *l, struct line *line, struct span text)
{
	if (l->failed)
		return -1;
	if (l->fd < 0)
		l->fd = tempfile_open(&l->e);
	if (l->live == 0 && l->end > 0 && lseek(l->fd, 0, SEEK_SET) == 0)
		l->end = 0;
	if (l->fd < 0 || tempfile_write(l->fd, text, &l->e) < 0) {
		l->failed = true;
		return -1;
	}
	line->filed = true;
	line->at = l->end;
	l->end += text.n;
	l->live += text.n;
	return 0;
}

struct line *
lines_add(struct lines *l, struct span text)
{
	bool fits = l->used <= l->limit && text.n <= l->limit - l->used;
	struct line *line;

	if (!fits) {
		line = mem_alloc(sizeof(*line));
		*line = (struct line){.n = text.n};
		if (file(l, line, text) == 0)
			return line;
		free(line);
	}
	line = mem_alloc(sizeof(*line) + text.n);
	*line = (struct line){.n = text.n};
	memcpy(line->data, text.p, text.n);
	l->used += text.n;
	return line;
}

int
lines_get(struct lines *l, const struct line *line, struct buf *scratch,
    struct span *text)
{
	*text = span_of(line->data, line->n);
	if (!line->filed)
		return 0;
	buf_clear(scratch);
	if (tempfile_read(l->fd, line->at, line->n, scratch, &l->e) < 0)
		return -1;
	*text = buf_span(scratch);
	return 0;
}

void
lines_free(struct lines *l, struct line *line)
{
	if (line == NULL)
		return;
	if (line->filed)
		l->live -= line->n;
	else
		l->used -= line->n;
	free(line);
}
