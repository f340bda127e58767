/*
 * fence: fenced code blocks.
 */
#include "answer/find.h"

#include <strings.h>

struct span
line_at(struct span s, size_t *used)
{
	const char *nl = s.n == 0 ? NULL : memchr(s.p, '\n', s.n);
	size_t n = nl == NULL ? s.n : (size_t)(nl - s.p);

	*used = nl == NULL ? n : n + 1;
	if (n > 0 && s.p[n - 1] == '\r')
		n--;
	return span_of(s.p, n);
}

static size_t
count_leading(struct span s, char c)
{
	size_t n = 0;

	while (n < s.n && s.p[n] == c)
		n++;
	return n;
}

/* An opening fence: up to three spaces, three or more of ` or ~, the info string.
 */
static bool
opening_parse(struct span line, struct fence *f, char *mark, size_t *count)
{
	f->indent = count_leading(line, ' ');
	line = skip(line, f->indent);
	if (f->indent > 3 || line.n < 3 || (line.p[0] != '`' && line.p[0] != '~'))
		return false;
	*mark = line.p[0];
	*count = count_leading(line, *mark);
	if (*count < 3)
		return false;
	f->info = text_trim(skip(line, *count));
	return *mark == '~' || f->info.n == 0 ||
	       memchr(f->info.p, '`', f->info.n) == NULL;
}

static bool
is_closing(struct span line, char mark, size_t count)
{
	size_t indent = count_leading(line, ' '), n;

	line = skip(line, indent);
	n = count_leading(line, mark);
	return indent <= 3 && n >= count && text_trim(skip(line, n)).n == 0;
}

bool
fence_at(struct span s, struct fence *f)
{
	size_t used, at, count;
	char mark;

	if (!opening_parse(line_at(s, &used), f, &mark, &count))
		return false;
	f->closed = false;
	f->body = skip(s, used);
	for (at = used; at < s.n; at += used) {
		if (is_closing(line_at(skip(s, at), &used), mark, count)) {
			f->body.n = (size_t)(s.p + at - f->body.p);
			f->closed = true;
			at += used;
			break;
		}
	}
	f->length = at;
	return true;
}

bool
fence_next(struct span *rest, struct fence *f)
{
	size_t used;

	for (; rest->n > 0; *rest = skip(*rest, used)) {
		if (fence_at(*rest, f)) {
			*rest = skip(*rest, f->length);
			return true;
		}
		line_at(*rest, &used);
	}
	return false;
}

bool
fence_is(const struct fence *f, struct span language)
{
	size_t n = 0;

	while (n < f->info.n && f->info.p[n] != ' ' && f->info.p[n] != '\t')
		n++;
	return n == language.n && strncasecmp(f->info.p, language.p, n) == 0;
}

void
fence_text(const struct fence *f, struct buf *out)
{
	struct span rest = f->body;
	size_t used, cut;

	for (; rest.n > 0; rest = skip(rest, used)) {
		line_at(rest, &used);
		cut = count_leading(rest, ' ');
		if (cut > f->indent)
			cut = f->indent;
		buf_add(out, rest.p + cut, used - cut);
	}
	if (out->len > 0 && out->data[out->len - 1] == '\n')
		out->len--;
	if (out->len > 0 && out->data[out->len - 1] == '\r')
		out->len--;
}
