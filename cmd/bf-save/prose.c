/* md and txt: for readers. */
#include "save.h"

/* The chosen field of that name; without --fields the entry's own. */
static struct span
get(const struct save *s, const char *name)
{
	size_t i;

	if (!s->columns.given)
		return entry_get(&s->en, name);
	i = columns_find(&s->columns, span_str(name));
	return i < s->columns.n ? column_get(&s->columns.v[i], &s->en) : SPAN_NONE;
}

/* Text without the newlines at its end, so that exactly one blank line follows. */
static void
add_text(struct buf *out, struct span text)
{
	while (text.n > 0 &&
	       (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	buf_addspan(out, text);
	buf_addc(out, '\n');
}

/* A heading is one line, whatever its text is. */
static void
add_one_line(struct buf *out, struct span text)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		buf_addc(
		    out, text.p[i] == '\n' || text.p[i] == '\r' ? ' ' : text.p[i]);
}

static void
separate(struct save *s)
{
	if (s->out.len > 0 || s->in_file > 0 || s->resumed)
		buf_addc(&s->out, '\n');
}

/* ---- md ---- */

static void
add_heading(struct save *s, size_t level, struct span text)
{
	size_t i;

	separate(s);
	for (i = 0; i < level && i < 6; i++)
		buf_addc(&s->out, '#');
	buf_addc(&s->out, ' ');
	add_one_line(&s->out, text);
	buf_addc(&s->out, '\n');
}

/* The headings over the entry, each ended by a NUL; their number. */
static size_t
heading_path(struct save *s, struct buf *path)
{
	struct span headings = get(s, "headings"), directory = get(s, "directory");
	struct json_iter it;
	struct json_member m;
	struct span text;
	size_t n = 0, i;

	if (headings.p != NULL && json_type(headings) == JSON_ARRAY) {
		it = json_iter(headings);
		for (; json_next(&it, &m); n++) {
			buf_addspan(path, save_text(s, SPAN("headings"), m.value));
			buf_addc(path, '\0');
		}
		return n;
	}
	if (directory.p == NULL)
		return 0;
	text = save_text(s, SPAN("directory"), directory);
	if (text.n == 0)
		return 0;
	for (i = 0, n = 1; i < text.n; i++) {
		n += text.p[i] == '/';
		buf_addc(path, text.p[i] == '/' ? '\0' : text.p[i]);
	}
	buf_addc(path, '\0');
	return n;
}

/* Prints those headings that do not stand there yet; the last one's text. */
static struct span
add_headings(struct save *s, const struct buf *path, size_t n)
{
	struct span at = buf_span(path), was = buf_span(&s->path), one = SPAN_NONE;
	bool same = true;
	size_t i;

	for (i = 0; i < n; i++) {
		one = span_of(at.p, strnlen(at.p, at.n));
		at = span_of(at.p + one.n + 1, at.n - one.n - 1);
		same = same && was.n > one.n &&
		       memcmp(was.p, one.p, one.n + 1) == 0;
		if (same)
			was = span_of(was.p + one.n + 1, was.n - one.n - 1);
		else
			add_heading(s, i + 1, one);
	}
	return one;
}

/* The chosen fields that have no place in a document of their own. */
static void
add_list(struct save *s)
{
	static const char *const placed[] = {
	    "headings", "directory", "keyword", "text"};
	struct column *c;
	struct span value;
	size_t i, j;
	bool first = true;

	for (i = 0; s->columns.given && i < s->columns.n; i++) {
		c = &s->columns.v[i];
		for (j = 0; j < 4; j++)
			if (span_eq(c->name, span_str(placed[j])))
				break;
		value = column_get(c, &s->en);
		if (j < 4 || value.p == NULL)
			continue;
		if (first)
			separate(s);
		first = false;
		buf_adds(&s->out, "- ");
		buf_addspan(&s->out, c->name);
		buf_adds(&s->out, ": ");
		add_one_line(&s->out, save_text(s, c->name, value));
		buf_addc(&s->out, '\n');
	}
}

static int
md_add(struct save *s, struct err *e)
{
	struct span keyword = get(s, "keyword"), text = get(s, "text"), last;
	struct buf path = BUF_INIT;
	size_t n;

	if (keyword.p == NULL && text.p == NULL && !s->columns.given)
		return err_set(e,
		    "no field \"keyword\" or \"text\"; choose with --fields, "
		    "as in --fields text=response.text");
	n = heading_path(s, &path);
	last = add_headings(s, &path, n);
	if (keyword.p != NULL) {
		keyword = save_text(s, SPAN("keyword"), keyword);
		if (n == 0 || !span_eq(keyword, last))
			add_heading(s, n + 1, keyword);
	}
	add_list(s);
	if (text.p != NULL) {
		text = save_text(s, SPAN("text"), text);
		if (text.n > 0) {
			separate(s);
			add_text(&s->out, text);
		}
	}
	if (s->halved.p != NULL) /* it is refused, and its headings with it */
		buf_release(&path);
	else {
		buf_release(&s->path);
		s->path = path;
	}
	return 0;
}

/* ---- txt ---- */

static int
txt_add(struct save *s, struct err *e)
{
	struct columns *c = &s->columns;
	struct span value;
	bool first = true;
	size_t i;

	if (!c->given) {
		value = entry_get(&s->en, "text");
		if (value.p == NULL)
			return err_set(
			    e, "no field \"text\"; choose with --fields");
		separate(s);
		add_text(&s->out, save_text(s, SPAN("text"), value));
		return 0;
	}
	for (i = 0; i < c->n; i++) {
		value = column_get(&c->v[i], &s->en);
		if (value.p == NULL)
			continue;
		if (first)
			separate(s);
		first = false;
		add_text(&s->out, save_text(s, c->v[i].name, value));
	}
	return 0;
}

static int
prose_resume(struct save *s, struct span *text, struct err *e)
{
	(void)text;
	(void)e;
	s->resumed = true;
	return 0;
}

const struct format format_md = {
    .name = "md",
    .extension = ".md",
    .add = md_add,
    .resume = prose_resume,
};

const struct format format_txt = {
    .name = "txt",
    .extension = ".txt",
    .add = txt_add,
    .resume = prose_resume,
};
