#include "choices.h"

#include "base/mem.h"
#include "io/utf8.h"
#include "io/visible.h"
#include "json/json.h"

#include <stdlib.h>

/* Those that a terminal shows, and that no key of ours is. */
static bool
is_key(uint32_t c)
{
	return c > ' ' && c != '\\' && !(c >= 0x7f && c < 0xa0);
}

static int
add(struct choices *c, struct span item, struct err *e)
{
	struct choice new;
	const struct choice *like;
	uint32_t code;
	size_t n = item.n == 0 ? 0 : utf8_decode(item.p, item.n, &code);

	if (item.n == 0)
		return err_set(e, "a choice is empty");
	if (n == 0 || utf8_valid(item) < item.n)
		return err_set(e, "not UTF-8");
	if (!is_key(code))
		return err_set(
		    e, "\"%.*s\" begins with no key", (int)item.n, item.p);
	new.key = span_of(item.p, n);
	new.text = item;
	if (item.n > n && item.p[n] == '=')
		new.text = span_of(item.p + n + 1, item.n - n - 1);
	if (new.text.n == 0)
		return err_set(e, "the key %.*s has no answer", (int)n, item.p);
	if (choices_by_text(c, new.text) != NULL)
		return err_set(
		    e, "\"%.*s\" is there twice", (int)new.text.n, new.text.p);
	like = choices_by_key(c, new.key);
	if (like != NULL)
		return err_set(e,
		    "\"%.*s\" and \"%.*s\" both have the key %.*s: name keys, as "
		    "in y=yes",
		    (int)like->text.n, like->text.p, (int)new.text.n, new.text.p,
		    (int)n, item.p);
	c->v = mem_resize(c->v, c->n + 1, sizeof *c->v);
	c->v[c->n++] = new;
	return 0;
}

int
choices_parse(struct choices *c, struct span list, struct err *e)
{
	const char *comma;
	size_t n;

	*c = (struct choices){.n = 0};
	for (;; list = span_of(list.p + n + 1, list.n - n - 1)) {
		comma = list.n == 0 ? NULL : memchr(list.p, ',', list.n);
		n = comma == NULL ? list.n : (size_t)(comma - list.p);
		if (add(c, span_of(list.p, n), e) != 0) {
			choices_release(c);
			return -1;
		}
		if (comma == NULL)
			return 0;
	}
}

void
choices_release(struct choices *c)
{
	free(c->v);
	*c = (struct choices){.n = 0};
}

const struct choice *
choices_by_key(const struct choices *c, struct span key)
{
	for (size_t i = 0; i < c->n; i++)
		if (span_eq(c->v[i].key, key))
			return &c->v[i];
	return NULL;
}

const struct choice *
choices_by_text(const struct choices *c, struct span text)
{
	for (size_t i = 0; i < c->n; i++)
		if (span_eq(c->v[i].text, text))
			return &c->v[i];
	return NULL;
}

void
choices_add_json(const struct choices *c, struct buf *out)
{
	for (size_t i = 0; i < c->n; i++) {
		buf_addc(out, i == 0 ? '[' : ',');
		json_add_string(out, c->v[i].text);
	}
	buf_addc(out, ']');
}

void
choices_add_list(const struct choices *c, struct buf *out)
{
	for (size_t i = 0; i < c->n; i++) {
		buf_adds(out, i == 0 ? "" : ", ");
		visible_add_line(out, c->v[i].text);
	}
}
