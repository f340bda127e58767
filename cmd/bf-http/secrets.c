#include "secrets.h"

#include "base/mem.h"
#include "http/url.h"

#include <stdlib.h>

int
secrets_add(struct secrets *s, struct span name, struct err *e)
{
	char *text = mem_strndup(name.p, name.n);
	const char *value = getenv(text);
	struct buf encoded = BUF_INIT;

	if (value == NULL || *value == '\0') {
		err_set(e, "%s is not set in the environment", text);
		free(text);
		return -1;
	}
	if (secrets_value(s, name).p != NULL) {
		free(text);
		return 0;
	}
	s->names = mem_resize(s->names, s->n + 1, sizeof *s->names);
	s->values = mem_resize(s->values, s->n + 2, sizeof *s->values);
	s->encoded = mem_resize(s->encoded, s->n + 1, sizeof *s->encoded);
	url_add_encoded(&encoded, span_str(value));
	s->names[s->n] = text;
	s->encoded[s->n] = mem_strdup(buf_cstr(&encoded));
	buf_release(&encoded);
	s->values[s->n++] = value;
	s->values[s->n] = NULL;
	return 0;
}

static size_t
find_name(const struct secrets *s, struct span name)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (span_eq(span_str(s->names[i]), name))
			break;
	return i;
}

struct span
secrets_value(const struct secrets *s, struct span name)
{
	size_t i = find_name(s, name);

	return i == s->n ? SPAN_NONE : span_str(s->values[i]);
}

/* The name of which ${NAME} begins text, in *n bytes. */
static size_t
name_at(const struct secrets *s, struct span text, size_t *n)
{
	const char *end = NULL;

	if (span_starts(text, SPAN("${")))
		end = memchr(text.p, '}', text.n);
	if (end == NULL)
		return s->n;
	*n = (size_t)(end + 1 - text.p);
	return find_name(s, span_of(text.p + 2, *n - 3));
}

enum { LEAST = 8 }; /* shorter ones are no secrets, but words */

/* The one whose value text begins with, in *n bytes; the longest of them. */
static size_t
value_at(const struct secrets *s, struct span text, size_t *n)
{
	size_t found = s->n;
	struct span value[2];

	*n = 0;
	for (size_t i = 0; i < 2 * s->n; i++) {
		value[0] = span_str(s->values[i / 2]);
		value[1] = span_str(s->encoded[i / 2]);
		if (value[i % 2].n <= *n || value[0].n < LEAST ||
		    !span_starts(text, value[i % 2]))
			continue;
		*n = value[i % 2].n;
		found = i / 2;
	}
	return found;
}

void
secrets_show(const struct secrets *s, struct span text, struct buf *out)
{
	size_t i, n = 0;

	for (; text.n > 0; text = span_of(text.p + n, text.n - n)) {
		i = name_at(s, text, &n);
		if (i < s->n) {
			buf_adds(out, s->encoded[i]);
			continue;
		}
		n = 1;
		buf_addc(out, *text.p);
	}
}

void
secrets_hide(const struct secrets *s, struct span text, struct buf *out)
{
	size_t i, n = 0;

	for (; text.n > 0; text = span_of(text.p + n, text.n - n)) {
		i = value_at(s, text, &n);
		if (i < s->n) {
			buf_addf(out, "${%s}", s->names[i]);
			continue;
		}
		n = 1;
		buf_addc(out, *text.p);
	}
}

void
secrets_release(struct secrets *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->names[i]);
		free(s->encoded[i]);
	}
	free(s->names);
	free(s->encoded);
	free(s->values);
}
