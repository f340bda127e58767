/* replies: loads prepared answers and finds them again. */
#include "replies.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/cli.h"
#include "io/fdio.h"
#include "json/entry.h"
#include "json/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#define GRAM 8

struct replies {
	struct reply *list;
	size_t n, cap;
	uint32_t *whole; /* heads of chains by hash of the match, index + 1 */
	uint32_t *gram;  /* by the eight bytes in the middle of the match */
	unsigned shift;  /* of both tables: 64 - log2 of their size */
	uint32_t *brief; /* matches too short for the gram table, in file order */
	size_t nbrief;
};

/* Multiplicative hashing with the golden ratio (Knuth, volume 3, 6.4). */
static size_t
slot(const struct replies *rs, uint64_t h)
{
	return (h * UINT64_C(0x9E3779B97F4A7C15)) >> rs->shift;
}

static uint64_t
gram_at(const char *p)
{
	uint64_t g;

	memcpy(&g, p, sizeof(g));
	return g;
}

static size_t
gram_offset(size_t n)
{
	return (n - GRAM) / 2;
}

/* FNV-1a (Fowler, Noll, Vo), with its high bits spread by slot(). */
static uint64_t
whole_hash(struct span s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static struct span
keep(struct span s)
{
	return s.p == NULL ? s : span_of(mem_strndup(s.p, s.n), s.n);
}

static struct span
keep_text(struct span string)
{
	struct buf scratch = BUF_INIT;
	struct span text;

	json_text(string, &scratch, &text);
	text = keep(text);
	buf_release(&scratch);
	return text;
}

static int
take_reply(struct reply *r, struct span value, struct err *e)
{
	if (value.p == NULL)
		value = SPAN("\"\"");
	switch (json_type(value)) {
	case JSON_STRING:
		r->content = keep(span_of(value.p + 1, value.n - 2));
		return 0;
	case JSON_OBJECT:
		r->message = keep(value);
		return 0;
	default:
		return err_set(e, "'reply' must be a string or a message object");
	}
}

static int
take_line(struct reply *r, const struct entry *en, struct err *e)
{
	struct span match = entry_get(en, "match"), reply = entry_get(en, "reply");
	struct span status = entry_get(en, "status");
	struct span finish = entry_get(en, "finish_reason");
	int64_t code = 200;

	if (match.p == NULL || json_type(match) != JSON_STRING)
		return err_set(e, "'match' is missing or no string");
	if (status.p != NULL &&
	    (!json_i64(status, &code) || code < 200 || code > 599))
		return err_set(e, "'status' must be an integer from 200 to 599");
	if (reply.p == NULL && code < 400)
		return err_set(e, "'reply' is missing");
	if (finish.p != NULL && json_type(finish) != JSON_STRING)
		return err_set(e, "'finish_reason' must be a string");
	*r = (struct reply){.match = keep_text(match), .status = (int)code};
	if (finish.p != NULL)
		r->finish_reason = keep_text(finish);
	return take_reply(r, reply, e);
}

static int
add_line(struct replies *rs, struct entry *en, struct span line, struct err *e)
{
	struct json_fault fault;

	if (entry_parse(en, line, &fault) == -1)
		return err_set(e, "column %zu: %s", fault.at + 1, fault.what);
	if (rs->n == rs->cap) {
		rs->cap = rs->cap == 0 ? 64 : 2 * rs->cap;
		rs->list = mem_resize(rs->list, rs->cap, sizeof(*rs->list));
	}
	rs->list[rs->n] = (struct reply){.status = 0};
	return take_line(&rs->list[rs->n++], en, e);
}

static int
load_lines(struct replies *rs, struct jsonl_reader *reader, struct err *e)
{
	struct entry en = ENTRY_INIT;
	struct span line;
	enum jsonl_result got;

	while ((got = jsonl_read(reader, &line, e)) == JSONL_LINE)
		if (add_line(rs, &en, line, e) == -1) {
			got = JSONL_BAD;
			break;
		}
	entry_release(&en);
	if (got == JSONL_END)
		return 0;
	return err_prefix(
	    e, "%s:%" PRIu64, jsonl_name(reader), jsonl_lineno(reader));
}

/* From the last line to the first, so that each chain is in file order. */
static void
make_index(struct replies *rs)
{
	unsigned bits = 4;

	while ((size_t)1 << bits < 2 * rs->n)
		bits++;
	rs->shift = 64 - bits;
	rs->whole = mem_zero((size_t)1 << bits, sizeof(*rs->whole));
	rs->gram = mem_zero((size_t)1 << bits, sizeof(*rs->gram));
	rs->brief = mem_zero(rs->n + 1, sizeof(*rs->brief));
	for (size_t i = rs->n; i-- > 0;) {
		struct reply *r = &rs->list[i];
		uint32_t *head = &rs->whole[slot(rs, whole_hash(r->match))];

		r->next_whole = *head;
		*head = (uint32_t)i + 1;
		if (r->match.n < GRAM)
			continue;
		head = &rs->gram[slot(
		    rs, gram_at(r->match.p + gram_offset(r->match.n)))];
		r->next_gram = *head;
		*head = (uint32_t)i + 1;
	}
	for (size_t i = 0; i < rs->n; i++)
		if (rs->list[i].match.n < GRAM)
			rs->brief[rs->nbrief++] = (uint32_t)i;
}

struct replies *
replies_load(const char *path, struct err *e)
{
	struct replies *rs;
	struct jsonl_reader *reader;
	int fd, failed;

	if ((fd = fd_open(path, O_RDONLY, 0)) == -1) {
		err_sys(e, "%s", path);
		return NULL;
	}
	rs = mem_zero(1, sizeof(*rs));
	reader = jsonl_reader_new(CLI_MAX_LINE_DEFAULT, NULL, NULL);
	jsonl_reader_open(reader, fd, path);
	failed = load_lines(rs, reader, e);
	jsonl_reader_free(reader);
	if (failed) {
		replies_free(rs);
		return NULL;
	}
	make_index(rs);
	return rs;
}

/* The lowest index of a match contained in the message; rs->n if none is. */
static size_t
find_part(const struct replies *rs, struct span message)
{
	size_t best = rs->n;

	for (size_t i = 0; i + GRAM <= message.n; i++) {
		uint32_t at = rs->gram[slot(rs, gram_at(message.p + i))];

		for (; at != 0 && at - 1 < best; at = rs->list[at - 1].next_gram) {
			struct span m = rs->list[at - 1].match;
			size_t before = gram_offset(m.n);

			if (before <= i && m.n - before <= message.n - i &&
			    memcmp(message.p + i - before, m.p, m.n) == 0)
				best = at - 1;
		}
	}
	for (size_t i = 0; i < rs->nbrief && rs->brief[i] < best; i++) {
		struct span m = rs->list[rs->brief[i]].match;

		if (m.n == 0 || memmem(message.p, message.n, m.p, m.n) != NULL)
			best = rs->brief[i];
	}
	return best;
}

const struct reply *
replies_find(const struct replies *rs, struct span message)
{
	uint32_t at = rs->whole[slot(rs, whole_hash(message))];
	size_t part;

	for (; at != 0; at = rs->list[at - 1].next_whole)
		if (span_eq(rs->list[at - 1].match, message))
			return &rs->list[at - 1];
	part = find_part(rs, message);
	return part < rs->n ? &rs->list[part] : NULL;
}

void
replies_free(struct replies *rs)
{
	if (rs == NULL)
		return;
	for (size_t i = 0; i < rs->n; i++) {
		free((char *)(uintptr_t)rs->list[i].match.p);
		free((char *)(uintptr_t)rs->list[i].content.p);
		free((char *)(uintptr_t)rs->list[i].message.p);
		free((char *)(uintptr_t)rs->list[i].finish_reason.p);
	}
	free(rs->list);
	free(rs->whole);
	free(rs->gram);
	free(rs->brief);
	free(rs);
}
