#include "base/mem.h"
#include "io/fdio.h"
#include "io/tempfile.h"
#include "near.h"

#include <stdlib.h>

#define WRITE_SIZE ((size_t)128 << 10)

void
texts_init(struct texts *t, uint64_t memory)
{
	*t = (struct texts){.memory = memory, .fd = -1};
	buf_init(&t->bytes, SIZE_MAX / 2);
}

static int
write_bytes(struct texts *t, struct err *e)
{
	if (t->fd < 0)
		t->fd = tempfile_open(e);
	if (t->fd < 0 || tempfile_write(t->fd, buf_span(&t->bytes), e) < 0)
		return -1;
	t->written += t->bytes.len;
	buf_release(&t->bytes);
	return 0;
}

int
texts_add(struct texts *t, struct span text, struct err *e)
{
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 64 : 2 * t->cap;
		t->ends = mem_resize(t->ends, t->cap, sizeof(*t->ends));
	}
	buf_addspan(&t->bytes, text);
	t->ends[t->n++] = t->written + t->bytes.len;
	if (t->bytes.len > (t->fd < 0 ? t->memory : WRITE_SIZE))
		return write_bytes(t, e);
	return 0;
}

int
texts_end(struct texts *t, struct err *e)
{
	return t->fd >= 0 && t->bytes.len > 0 ? write_bytes(t, e) : 0;
}

static uint64_t
begin(const struct texts *t, size_t i)
{
	return i == 0 ? 0 : t->ends[i - 1];
}

struct span
texts_at(const struct texts *t, size_t i)
{
	return span_of(
	    t->bytes.data + begin(t, i), (size_t)(t->ends[i] - begin(t, i)));
}

int
texts_get(struct texts *t, size_t i, struct span *text, struct err *e)
{
	uint64_t at = begin(t, i);

	if (t->fd < 0) {
		*text = texts_at(t, i);
		return 0;
	}
	buf_clear(&t->text);
	if (tempfile_read(t->fd, at, (size_t)(t->ends[i] - at), &t->text, e) < 0)
		return -1;
	*text = buf_span(&t->text);
	return 0;
}

void
texts_clear(struct texts *t)
{
	t->n = 0;
	buf_clear(&t->bytes);
}

void
texts_release(struct texts *t)
{
	free(t->ends);
	buf_release(&t->bytes);
	buf_release(&t->text);
	if (t->fd >= 0)
		fd_close(t->fd);
}
