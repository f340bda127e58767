#include "read.h"

#include "base/mem.h"

#include <cmark.h>

#include <stdint.h>
#include <stdlib.h>

/* cmark counts in int32_t, and its tree is larger than the text. */
#define MARKDOWN_MAX ((size_t)1 << 30)

/* A child of the document: its lines, from 0; last is one of them. */
struct block {
	int level; /* of a heading; 0 for all else, -1 for a thematic break */
	size_t first, last;
	char *title; /* of a heading */
};

struct document {
	struct reader *r;
	const struct file *file;
	struct span text;
	size_t
	    *line; /* where each line begins, and after the last the text's end */
	size_t nlines;
	struct block *blocks;
	size_t nblocks;
	struct outline outline;
};

/* ---- taking it apart ---- */

/* CommonMark knows the carriage return as a line end of its own. */
static void
find_lines(struct document *d, struct buf *text)
{
	size_t cap = 1024;

	d->line = mem_resize(NULL, cap, sizeof(*d->line));
	d->line[0] = 0;
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] == '\r')
			text->data[i] = '\n';
		if (text->data[i] != '\n' || i + 1 == text->len)
			continue;
		if (++d->nlines + 1 == cap) {
			cap *= 2;
			d->line = mem_resize(d->line, cap, sizeof(*d->line));
		}
		d->line[d->nlines] = i + 1;
	}
	if (text->len > 0)
		d->line[++d->nlines] = text->len;
	d->text = buf_span(text);
}

/* What a reader of the page sees of a heading. */
static char *
heading_title(cmark_node *heading)
{
	cmark_iter *it = cmark_iter_new(heading);
	struct buf title = BUF_INIT;
	struct span trimmed;
	char *copy;

	while (cmark_iter_next(it) != CMARK_EVENT_DONE) {
		cmark_node *node = cmark_iter_get_node(it);

		switch (cmark_node_get_type(node)) {
		case CMARK_NODE_TEXT:
		case CMARK_NODE_CODE:
			buf_adds(&title, cmark_node_get_literal(node));
			break;
		case CMARK_NODE_SOFTBREAK:
		case CMARK_NODE_LINEBREAK:
			buf_addc(&title, ' ');
			break;
		default:
			break;
		}
	}
	cmark_iter_free(it);
	trimmed = text_trim(buf_span(&title));
	copy = mem_strndup(trimmed.p, trimmed.n);
	buf_release(&title);
	return copy;
}

static struct block
make_block(cmark_node *node)
{
	int first = cmark_node_get_start_line(node);
	int last = cmark_node_get_end_line(node);
	struct block b = {.first = (size_t)(first < 1 ? 0 : first - 1)};

	b.last = last < first ? b.first : (size_t)(last < 1 ? 0 : last - 1);
	if (cmark_node_get_type(node) == CMARK_NODE_HEADING) {
		b.level = cmark_node_get_heading_level(node);
		b.title = heading_title(node);
	} else if (cmark_node_get_type(node) == CMARK_NODE_THEMATIC_BREAK) {
		b.level = -1;
	}
	return b;
}

/* Whatever the parser says of ends: blocks lie in the text and do not overlap. */
static void
keep_apart(struct document *d)
{
	size_t end = d->nlines;

	for (size_t i = d->nblocks; i-- > 0;) {
		struct block *b = &d->blocks[i];

		if (b->first >= end)
			b->first = end - (end > 0);
		if (b->last >= end)
			b->last = b->first < end ? end - 1 : b->first;
		end = b->first;
	}
}

static void
find_blocks(struct document *d)
{
	cmark_node *node, *root;
	size_t cap = 0;

	root = cmark_parse_document(d->text.p, d->text.n, CMARK_OPT_DEFAULT);
	for (node = cmark_node_first_child(root); node != NULL;
	     node = cmark_node_next(node)) {
		if (d->nblocks == cap) {
			cap = cap == 0 ? 64 : 2 * cap;
			d->blocks = mem_resize(d->blocks, cap, sizeof(*d->blocks));
		}
		d->blocks[d->nblocks++] = make_block(node);
	}
	cmark_node_free(root);
	keep_apart(d);
}

/* ---- putting it out ---- */

static struct span
lines_of(const struct document *d, size_t first, size_t end)
{
	return span_of(d->text.p + d->line[first], d->line[end] - d->line[first]);
}

/* One entry; line is for messages. false: stop. */
static bool
put(struct document *d, const char *field, struct span text, size_t line)
{
	struct reader *r = d->r;
	struct buf where = BUF_INIT;

	entry_begin(r, d->file->path, r->unit == UNIT_FILE ? NULL : &d->outline);
	entry_add(r, field, text);
	buf_addf(&where, "%s:%zu", d->file->path, line + 1);
	entry_end(r, buf_cstr(&where));
	buf_release(&where);
	return !stage_interrupted(r->st) && !stage_stopped(r->st);
}

static void
enter(struct document *d, const struct block *heading)
{
	outline_enter(&d->outline, heading->level, span_str(heading->title));
}

static bool
put_lines(struct document *d, size_t first, size_t end)
{
	struct span s;

	for (size_t i = first; i < end; i++) {
		s = text_trim(lines_of(d, i, i + 1));
		if (s.n > 0 && !put(d, "keyword", s, i))
			return false;
	}
	return true;
}

static bool
put_body(struct document *d, size_t first, size_t end)
{
	struct span s = SPAN("");

	if (first < end)
		s = text_trim_lines(lines_of(d, first, end));
	return s.n == 0 || put(d, "text", s, first);
}

/* What is between headings, all at once or line by line. */
static void
put_between(struct document *d)
{
	bool (*put_part)(struct document *, size_t,
	    size_t) = d->r->unit == UNIT_LINES ? put_lines : put_body;
	size_t from = 0;

	for (size_t i = 0; i < d->nblocks; i++) {
		if (d->blocks[i].level < 1)
			continue;
		if (!put_part(d, from, d->blocks[i].first))
			return;
		enter(d, &d->blocks[i]);
		from = d->blocks[i].last + 1;
	}
	put_part(d, from, d->nlines);
}

static void
put_paragraphs(struct document *d)
{
	for (size_t i = 0; i < d->nblocks; i++) {
		const struct block *b = &d->blocks[i];

		if (b->level > 0)
			enter(d, b);
		else if (b->level == 0 && !put_body(d, b->first, b->last + 1))
			return;
	}
}

static void
take_apart(struct document *d, struct buf *text)
{
	find_lines(d, text);
	find_blocks(d);
	if (d->r->unit == UNIT_PARAGRAPHS)
		put_paragraphs(d);
	else
		put_between(d);
	for (size_t i = 0; i < d->nblocks; i++)
		free(d->blocks[i].title);
	free(d->blocks);
	free(d->line);
	outline_release(&d->outline);
}

void
read_markdown(struct reader *r, const struct file *f)
{
	struct document d = {.r = r, .file = f};
	struct buf text = BUF_INIT;

	buf_init(&text, SIZE_MAX / 2);
	if (read_whole(r, f, &text)) {
		if (r->unit == UNIT_FILE)
			put(&d, "text", buf_span(&text), 0);
		else if (text.len > MARKDOWN_MAX)
			stage_lost(r->st, f->path,
			    "too large to be taken apart as Markdown (1 GiB)");
		else
			take_apart(&d, &text);
	}
	buf_release(&text);
}
