#include "read.h"

#include "base/msg.h"
#include "io/fdio.h"
#include "io/unpack.h"
#include "io/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define READ_SIZE ((size_t)128 << 10)

static bool
is_white(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span
text_trim(struct span s)
{
	while (s.n > 0 && is_white(s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && is_white(*s.p)) {
		s.p++;
		s.n--;
	}
	return s;
}

struct span
text_trim_lines(struct span s)
{
	const char *nl;

	while (s.n > 0 && is_white(s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && (nl = memchr(s.p, '\n', s.n)) != NULL &&
	       text_trim(span_of(s.p, (size_t)(nl - s.p))).n == 0) {
		s.n -= (size_t)(nl - s.p) + 1;
		s.p = nl + 1;
	}
	return s;
}

/* ---- whole files ---- */

static const struct span bom = {"\xef\xbb\xbf", 3};

/* The file's bytes as they are; false if there are not all of them. */
static bool
read_bytes(struct reader *r, const char *path, struct unpack *in, struct buf *text)
{
	size_t max = (size_t)r->st->cli->max_line;
	struct err e = ERR_INIT;
	struct buf where = BUF_INIT;
	ssize_t n;

	do {
		n = unpack_read(in, buf_room(text, READ_SIZE), READ_SIZE, &e);
		if (n > 0)
			text->len += (size_t)n;
	} while (n > 0 && text->len <= max);
	if (n < 0) {
		if (!stage_interrupted(r->st))
			stage_lost(r->st, path, e.text);
		return false;
	}
	if (text->len <= max)
		return true;
	buf_addf(&where, "%s:1", path);
	err_set(&e, "a file longer than %zu bytes (see --max-line)", max);
	stage_bad(r->st, buf_cstr(&where), 1, e.text);
	buf_release(&where);
	return false;
}

/* Reports what stands at an offset. */
static void
bad_at(struct reader *r, const char *path, struct span text, size_t at,
    const char *what)
{
	struct buf where = BUF_INIT;
	size_t line = 1, start = 0;

	for (size_t i = 0; i < at; i++)
		if (text.p[i] == '\n') {
			line++;
			start = i + 1;
		}
	buf_addf(&where, "%s:%zu", path, line);
	stage_bad(r->st, buf_cstr(&where), at - start + 1, what);
	buf_release(&where);
}

static bool
check(struct reader *r, const char *path, struct span text)
{
	const char *nul = memchr(text.p, '\0', text.n);
	size_t valid = utf8_valid(text);

	if (nul != NULL && (size_t)(nul - text.p) < valid)
		bad_at(
		    r, path, text, (size_t)(nul - text.p), "NUL byte in the text");
	else if (valid < text.n)
		bad_at(r, path, text, valid, "invalid UTF-8");
	else
		return true;
	return false;
}

static void
unify_line_ends(struct buf *text)
{
	size_t to = 0;

	if (text->len == 0 || memchr(text->data, '\r', text->len) == NULL)
		return;
	for (size_t i = 0; i < text->len; i++)
		if (text->data[i] != '\r' || i + 1 == text->len ||
		    text->data[i + 1] != '\n')
			text->data[to++] = text->data[i];
	text->len = to;
}

int
open_file(struct reader *r, const struct file *f)
{
	int fd;

	if (strcmp(f->path, "-") == 0)
		return STDIN_FILENO;
	fd = fd_open(f->path, O_RDONLY | O_NOCTTY, 0);
	if (fd < 0)
		stage_lost(r->st, f->path, strerror(errno));
	return fd;
}

void
reader_flush(void *reader)
{
	struct reader *r = reader;

	jsonl_flush(&r->st->out);
}

bool
read_whole(struct reader *r, const struct file *f, struct buf *text)
{
	const char *name = file_name(f);
	int fd = open_file(r, f);
	struct unpack *in;
	bool good;

	if (fd < 0)
		return false;
	in = unpack_open(fd);
	reader_flush(r);
	good = read_bytes(r, name, in, text);
	unpack_close(in);
	if (!good || !check(r, name, buf_span(text)))
		return false;
	if (span_starts(buf_span(text), bom))
		buf_drop(text, bom.n);
	unify_line_ends(text);
	return true;
}

/* ---- plain text ---- */

static const struct outline no_headings;

static void
text_lines(struct reader *r, const struct file *f)
{
	struct span line;

	stage_input(r->st, &f->path);
	while (stage_text_line(r->st, &line)) {
		line = text_trim(line);
		if (line.n == 0)
			continue;
		entry_begin(r, f->path, &no_headings);
		entry_add(r, "keyword", line);
		entry_end(r, stage_where(r->st));
	}
}

static void
emit_paragraph(
    struct reader *r, const struct file *f, struct buf *text, const char *where)
{
	struct span s = text_trim_lines(buf_span(text));

	if (s.n > 0) {
		entry_begin(r, f->path, &no_headings);
		entry_add(r, "text", s);
		entry_end(r, where);
	}
	buf_clear(text);
}

/* The reader passes over blank lines, but counts them: a gap ends a paragraph. */
static void
text_paragraphs(struct reader *r, const struct file *f)
{
	struct buf text = BUF_INIT, where = BUF_INIT;
	size_t max = (size_t)r->st->cli->max_line;
	uint64_t lineno, last = 0;
	bool too_long = false;
	struct span line;

	stage_input(r->st, &f->path);
	while (!too_long && stage_text_line(r->st, &line)) {
		lineno = jsonl_lineno(r->st->reader);
		if (lineno != last + 1)
			emit_paragraph(r, f, &text, buf_cstr(&where));
		if (text.len == 0) {
			buf_clear(&where);
			buf_adds(&where, stage_where(r->st));
		}
		too_long = text.len + line.n > max;
		buf_addspan(&text, line);
		buf_addc(&text, '\n');
		last = lineno;
	}
	if (too_long)
		stage_stop(r->st, STATUS_CANNOT,
		    "%s: a paragraph longer than %zu bytes (see --max-line)",
		    buf_cstr(&where), max);
	else if (!stage_stopped(r->st))
		emit_paragraph(r, f, &text, buf_cstr(&where));
	buf_release(&text);
	buf_release(&where);
}

static void
text_whole(struct reader *r, const struct file *f)
{
	bool section = r->unit == UNIT_SECTIONS;
	struct buf text = BUF_INIT;
	struct span s;

	buf_init(&text, SIZE_MAX / 2);
	if (read_whole(r, f, &text)) {
		s = section ? text_trim_lines(buf_span(&text)) : buf_span(&text);
		if (!section || s.n > 0) {
			entry_begin(r, f->path, section ? &no_headings : NULL);
			entry_add(r, "text", s);
			entry_end(r, f->path);
		}
	}
	buf_release(&text);
}

void
read_text(struct reader *r, const struct file *f)
{
	switch (r->unit) {
	case UNIT_LINES:
		text_lines(r, f);
		break;
	case UNIT_PARAGRAPHS:
		text_paragraphs(r, f);
		break;
	case UNIT_FILE:
	case UNIT_SECTIONS:
		text_whole(r, f);
		break;
	}
}
