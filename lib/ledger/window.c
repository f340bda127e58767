#include "ledger/internal.h"

#include <errno.h>
#include <unistd.h>

int
window_fill(struct window *w, int fd, uint64_t at, size_t want)
{
	if (at < w->at || at > window_end(w)) {
		window_clear(w);
		w->at = at;
	}
	if (window_end(w) - at >= want)
		return 0;
	buf_drop(&w->bytes, (size_t)(at - w->at));
	w->at = at;
	while (w->bytes.len < want) {
		size_t more = want - w->bytes.len;
		char *p = buf_room(&w->bytes, more);
		ssize_t n = pread(fd, p, more, (off_t)(at + w->bytes.len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		w->bytes.len += (size_t)n;
	}
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
