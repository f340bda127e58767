#include "io/fdio.h"
#include "ledger/internal.h"

int
window_fill(struct window *w, int fd, uint64_t at, size_t want)
{
	ssize_t got;

	if (at < w->at || at > window_end(w)) {
		window_clear(w);
		w->at = at;
	}
	if (window_end(w) - at >= want)
		return 0;
	buf_drop(&w->bytes, (size_t)(at - w->at));
	w->at = at;
	got = fd_read_at(fd, buf_room(&w->bytes, want - w->bytes.len),
	    want - w->bytes.len, window_end(w));
	if (got < 0)
		return -1;
	w->bytes.len += (size_t)got;
	return 0;
}

struct span
window_from(const struct window *w, uint64_t at)
{
	size_t skip = (size_t)(at - w->at);

	return span_of(w->bytes.data + skip, w->bytes.len - skip);
}

uint64_t
window_end(const struct window *w)
{
	return w->at + w->bytes.len;
}

void
window_clear(struct window *w)
{
	w->bytes.len = 0;
}
