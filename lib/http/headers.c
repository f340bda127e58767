#include "http/headers.h"

#include <string.h>
#include <strings.h>

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span
trim(struct span s)
{
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && is_space(*s.p))
		s = span_of(s.p + 1, s.n - 1);
	return s;
}

/* The next line, without its end; false: there is none. */
static bool
take_line(struct span *text, struct span *line)
{
	const char *end = text->n == 0 ? NULL : memchr(text->p, '\n', text->n);
	size_t n = end == NULL ? text->n : (size_t)(end - text->p) + 1;

	*line = span_of(text->p, n);
	*text = span_of(text->p + n, text->n - n);
	return n > 0;
}

void
headers_find(struct span headers, const char *name, struct buf *out)
{
	size_t n = strlen(name);
	bool joins = strcmp(name, "link") == 0;
	struct span line;

	while (take_line(&headers, &line)) {
		if (line.n <= n || line.p[n] != ':' ||
		    strncasecmp(line.p, name, n) != 0)
			continue;
		if (joins && out->len > 0)
			buf_adds(out, ", ");
		if (!joins)
			buf_clear(out);
		buf_addspan(out, trim(span_of(line.p + n + 1, line.n - n - 1)));
	}
}

/* What stands before the first of these characters. */
static struct span
before(struct span s, const char *ends)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] != '\0' && strchr(ends, s.p[i]) != NULL)
			break;
	return span_of(s.p, i);
}

struct span
headers_parameter(struct span value, const char *name)
{
	size_t n = strlen(name);
	const char *p = value.p, *end = value.p + value.n;
	struct span v;

	while (p != NULL && (p = memchr(p, ';', (size_t)(end - p))) != NULL) {
		v = trim(span_of(p + 1, (size_t)(end - p) - 1));
		p++;
		if (v.n <= n || v.p[n] != '=' || strncasecmp(v.p, name, n) != 0)
			continue;
		v = span_of(v.p + n + 1, v.n - n - 1);
		return v.n > 0 && *v.p == '"'
			   ? before(span_of(v.p + 1, v.n - 1), "\"")
			   : before(v, "; \t,");
	}
	return SPAN_NONE;
}

struct span
headers_next_link(struct span links)
{
	const char *open, *close, *end = links.p + links.n, *after;
	struct span rel;

	while (links.n > 0 && (open = memchr(links.p, '<', links.n)) != NULL &&
	       (close = memchr(open, '>', (size_t)(end - open))) != NULL) {
		after = memchr(close, '<', (size_t)(end - close));
		after = after == NULL ? end : after;
		rel = headers_parameter(
		    span_of(close, (size_t)(after - close)), "rel");
		if (rel.n == 4 && strncasecmp(rel.p, "next", 4) == 0)
			return span_of(open + 1, (size_t)(close - open) - 1);
		links = span_of(after, (size_t)(end - after));
	}
	return SPAN_NONE;
}
