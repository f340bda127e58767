/*
 * Lines stand one after the other, in memory; where they are more than may be
 * there, in a temporary file in the same order, so that each is where it was.
 */
#include "base/mem.h"
#include "base/msg.h"
#include "io/fdio.h"
#include "io/hash.h"
#include "io/tempfile.h"
#include "join.h"

#include <stdlib.h>

#define WRITE_SIZE ((size_t)128 << 10)

/* ---- reading ---- */

static int
write_lines(struct table *t, struct err *e)
{
	if (t->fd < 0)
		t->fd = tempfile_open(e);
	if (t->fd < 0 || tempfile_write(t->fd, buf_span(&t->lines), e) < 0)
		return -1;
	t->written += t->lines.len;
	buf_release(&t->lines);
	return 0;
}

static int
add(struct table *t, uint64_t hash, struct span line, struct err *e)
{
	if (t->n == UINT32_MAX)
		return err_set(e, "more than %u entries to join with", UINT32_MAX);
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 1024 : 2 * t->cap;
		t->rows = mem_resize(t->rows, t->cap, sizeof(*t->rows));
	}
	t->rows[t->n++] = (struct row){hash, t->written + t->lines.len, line.n, 0};
	buf_addspan(&t->lines, line);
	if (t->lines.len > (t->fd < 0 ? t->memory : WRITE_SIZE))
		return write_lines(t, e);
	return 0;
}

/* From the last row to the first, so that a chain has them in their order. */
static void
make_chains(struct table *t)
{
	uint32_t *chain;

	for (t->nchains = 1; t->nchains < t->n;)
		t->nchains *= 2;
	t->chains = mem_zero(t->nchains, sizeof(*t->chains));
	for (size_t i = t->n; i-- > 0;) {
		chain = &t->chains[t->rows[i].hash & (t->nchains - 1)];
		t->rows[i].next = *chain;
		*chain = (uint32_t)(i + 1);
	}
}

void
table_read(struct table *t, struct stage *st, char *const *file)
{
	struct entry en = ENTRY_INIT;
	struct err e = ERR_INIT;
	struct span key;
	int r = 0;

	buf_init(&t->lines, SIZE_MAX / 2);
	stage_input(st, file);
	while (r == 0 && stage_entry(st, &en)) {
		key = path_find_entry(t->key, &en);
		if (key.p == NULL)
			t->without++;
		else
			r = add(
			    t, hash_u64(key_text(key, &t->scratch)), en.text, &e);
	}
	if (r == 0 && t->fd >= 0 && t->lines.len > 0)
		r = write_lines(t, &e);
	if (r < 0)
		stage_stop(st, STATUS_CANNOT, "%s", e.text);
	make_chains(t);
	entry_release(&en);
}

/* ---- looking up ---- */

static int
line_of(struct table *t, const struct row *r, struct span *line, struct err *e)
{
	size_t n = (size_t)r->n;

	if (t->fd < 0) {
		*line = span_of(t->lines.data + r->at, n);
		return 0;
	}
	buf_clear(&t->line);
	if (tempfile_read(t->fd, r->at, n, &t->line, e) < 0)
		return -1;
	*line = buf_span(&t->line);
	return 0;
}

int
table_next(struct table *t, struct span key, uint32_t *row, struct entry *en,
    struct err *e)
{
	struct json_fault f;
	struct span line;
	uint64_t hash;
	uint32_t i;

	if (*row == 0) {
		hash = hash_u64(key);
		i = t->chains[hash & (t->nchains - 1)];
	} else {
		hash = t->rows[*row - 1].hash;
		i = t->rows[*row - 1].next;
	}
	for (; i != 0; i = t->rows[i - 1].next) {
		if (t->rows[i - 1].hash != hash)
			continue;
		if (line_of(t, &t->rows[i - 1], &line, e) < 0)
			return -1;
		entry_parse(en, line, &f); /* which has been checked */
		if (!span_eq(
			key_text(path_find_entry(t->key, en), &t->scratch), key))
			continue;
		*row = i;
		return 1;
	}
	return 0;
}

void
table_release(struct table *t)
{
	free(t->rows);
	free(t->chains);
	buf_release(&t->lines);
	buf_release(&t->line);
	buf_release(&t->scratch);
	if (t->fd >= 0)
		fd_close(t->fd);
}
