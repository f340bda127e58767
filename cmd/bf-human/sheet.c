#include "sheet.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/fdio.h"
#include "io/hash.h"
#include "json/entry.h"
#include "json/incomplete.h"
#include "json/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { KEY_SIZE = 16, SHOWN_MOST = 60 };

/* ---- questions ---- */

static bool
is_ours(struct span name)
{
	static const struct span names[] = {SPAN_INIT("key"), SPAN_INIT("question"),
	    SPAN_INIT("choices"), SPAN_INIT("proposal"), SPAN_INIT("answer")};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (json_key_is(name, names[i]))
			return true;
	return false;
}

static void
add_member(struct buf *out, struct span question, const char *name)
{
	struct span v = json_get(question, name);

	if (v.p == NULL)
		return;
	buf_addf(out, ",\"%s\":", name);
	buf_addspan(out, v);
}

void
sheet_add(struct buf *out, const unsigned char *key, struct span question)
{
	struct json_iter it = json_iter(json_get(question, "entry"));
	struct json_member m;
	char hex[2 * KEY_SIZE];

	hash_hex(key, KEY_SIZE, hex);
	buf_adds(out, "{\"key\":\"");
	buf_add(out, hex, sizeof hex);
	buf_addc(out, '"');
	add_member(out, question, "question");
	while (json_next(&it, &m)) {
		buf_adds(out, is_ours(m.key) ? ",\"entry." : ",\"");
		buf_addspan(out, m.key);
		buf_adds(out, "\":");
		buf_addspan(out, m.value);
	}
	add_member(out, question, "choices");
	add_member(out, question, "proposal");
	buf_adds(out, ",\"answer\":\"\"}\n");
}

struct outfile *
sheet_open(const char *path, struct err *e)
{
	return outfile_open(path, e);
}

int
sheet_close(struct outfile *o, bool whole, struct err *e)
{
	mode_t mask = umask(077);
	int rc = whole ? outfile_commit(o, NULL, e) : outfile_keep_partial(o, e);

	(void)umask(mask);
	return rc;
}

/* ---- answers ---- */

struct reading {
	struct replies *r;
	const struct choices *choices;
	const char *path;
	bool keep_going;
	struct jsonl_reader *reader;
	struct entry en;
	struct buf scratch;
};

/* 0 where the file is read on. */
static int
bad(struct reading *x, uint64_t line, const char *what)
{
	msg_error("%s:%" PRIu64 ": %s", x->path, line, what);
	x->r->bad++;
	return x->keep_going ? 0 : -1;
}

static int
bad_choice(struct reading *x, uint64_t line, struct span text)
{
	struct buf what = BUF_INIT;
	int cut = text.n > SHOWN_MOST ? SHOWN_MOST : (int)text.n, rc;

	buf_addf(&what, "\"answer\": \"%.*s\" is none of the choices, which are ",
	    cut, text.p);
	choices_add_list(x->choices, &what);
	rc = bad(x, line, buf_cstr(&what));
	buf_release(&what);
	return rc;
}

static struct reply *
add_reply(struct replies *r)
{
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 64 : 2 * r->cap;
		r->v = mem_resize(r->v, r->cap, sizeof *r->v);
	}
	r->v[r->n] = (struct reply){.line = 0};
	return &r->v[r->n++];
}

/* The answer: 1, 0 where there is none yet, -1 and what is wrong with it. */
static int
read_answer(struct reading *x, struct span *text, const char **what)
{
	struct span v = entry_get(&x->en, "answer");

	if (v.p == NULL) {
		*what = "no \"answer\": is it a file of --export?";
		return -1;
	}
	if (json_type(v) == JSON_NULL)
		return 0;
	if (!json_text(v, &x->scratch, text)) {
		*what = "\"answer\" is no string: put it in quotes";
		return -1;
	}
	return text->n > 0;
}

static int
read_key(struct reading *x, unsigned char *key, const char **what)
{
	struct buf scratch = BUF_INIT;
	struct span v = entry_get(&x->en, "key"), text;
	int rc = -1;

	if (v.p == NULL || !json_text(v, &scratch, &text))
		*what = "no \"key\", a string: is it a file of --export?";
	else if (text.n != 2 * (size_t)KEY_SIZE ||
		 hash_unhex(text, key, KEY_SIZE) != 0)
		*what = "\"key\" is not 32 hex digits, as --export wrote them";
	else
		rc = 0;
	buf_release(&scratch);
	return rc;
}

static int
take_line(struct reading *x, struct span line)
{
	uint64_t lineno = jsonl_lineno(x->reader);
	struct json_fault f;
	const char *what = NULL;
	unsigned char key[KEY_SIZE];
	struct reply *one;
	struct span text;
	int status;

	if (incomplete_is(line, &status)) {
		msg_error(
		    "%s:%" PRIu64 ": the file is incomplete", x->path, lineno);
		return -1;
	}
	if (entry_parse(&x->en, line, &f) != 0)
		return bad(x, lineno, f.what);
	switch (read_answer(x, &text, &what)) {
	case 0:
		return 0;
	case -1:
		return bad(x, lineno, what);
	}
	if (read_key(x, key, &what) != 0)
		return bad(x, lineno, what);
	if (x->choices->n > 0 && choices_by_text(x->choices, text) == NULL)
		return bad_choice(x, lineno, text);
	one = add_reply(x->r);
	memcpy(one->key, key, sizeof key);
	one->line = lineno;
	one->at = x->r->texts.len;
	one->n = text.n;
	buf_addspan(&x->r->texts, text);
	return 0;
}

static int
read_lines(struct reading *x)
{
	struct err e = ERR_INIT;
	struct span line;

	for (;;)
		switch (jsonl_read(x->reader, &line, &e)) {
		case JSONL_LINE:
			if (take_line(x, line) != 0)
				return -1;
			break;
		case JSONL_BAD:
			if (bad(x, jsonl_lineno(x->reader), e.text) != 0)
				return -1;
			break;
		case JSONL_END:
			return 0;
		default:
			msg_error("%s: %s", x->path, e.text);
			return -1;
		}
}

static int
by_key(const void *a, const void *b)
{
	const struct reply *x = a, *y = b;
	int differ = memcmp(x->key, y->key, sizeof x->key);

	return differ != 0 ? differ : (x->line > y->line) - (x->line < y->line);
}

/* Of several with one key the first is kept, if they say the same. */
static int
check_twice(struct reading *x)
{
	struct replies *r = x->r;
	size_t n = 0;
	char what[100];

	if (r->n > 1)
		qsort(r->v, r->n, sizeof *r->v, by_key);
	for (size_t i = 0; i < r->n; i++) {
		struct reply *first = n > 0 ? &r->v[n - 1] : NULL;

		if (first == NULL ||
		    memcmp(first->key, r->v[i].key, sizeof first->key) != 0) {
			r->v[n++] = r->v[i];
			continue;
		}
		if (span_eq(replies_text(r, first), replies_text(r, &r->v[i])))
			continue;
		first->contradicted = true;
		snprintf(what, sizeof what,
		    "\"answer\" is another than in line %" PRIu64
		    ", which has the same key",
		    first->line);
		if (bad(x, r->v[i].line, what) != 0)
			return -1;
	}
	r->n = n;
	return 0;
}

int
replies_read(struct replies *r, const char *path, const struct choices *c,
    bool keep_going, size_t max_line)
{
	struct reading x = {.r = r,
	    .choices = c,
	    .path = path,
	    .keep_going = keep_going,
	    .en = ENTRY_INIT};
	int fd = fd_open(path, O_RDONLY | O_NOCTTY, 0), rc;

	*r = (struct replies){.n = 0};
	if (fd < 0) {
		msg_error("%s: %s", path, strerror(errno));
		return -1;
	}
	x.reader = jsonl_reader_new(max_line, NULL, NULL);
	jsonl_reader_open(x.reader, fd, path);
	rc = read_lines(&x);
	if (rc == 0)
		rc = check_twice(&x);
	jsonl_reader_free(x.reader);
	entry_release(&x.en);
	buf_release(&x.scratch);
	return rc;
}

void
replies_release(struct replies *r)
{
	free(r->v);
	buf_release(&r->texts);
	*r = (struct replies){.n = 0};
}

struct reply *
replies_find(struct replies *r, const unsigned char *key)
{
	size_t low = 0, high = r->n, middle;
	int differ;

	while (low < high) {
		middle = low + (high - low) / 2;
		differ = memcmp(r->v[middle].key, key, KEY_SIZE);
		if (differ == 0)
			return r->v[middle].contradicted ? NULL : &r->v[middle];
		if (differ < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct span
replies_text(const struct replies *r, const struct reply *one)
{
	return span_of(buf_span(&r->texts).p + one->at, one->n);
}

void
replies_tell(const struct replies *r, const char *path)
{
	uint64_t unknown = 0, old = 0;

	for (size_t i = 0; i < r->n; i++) {
		unknown += !r->v[i].met && !r->v[i].contradicted;
		old += r->v[i].met && !r->v[i].used;
	}
	if (unknown > 0)
		msg_warn("%s: %" PRIu64
			 " answer%s to no entry of this run: the question, the "
			 "fields that are shown, the choices or --as may differ",
		    path, unknown, unknown == 1 ? " is" : "s are");
	if (old > 0)
		msg_info("%s: %" PRIu64
			 " answer%s not taken: the ledger has answers to these "
			 "already",
		    path, old, old == 1 ? " is" : "s are");
}
