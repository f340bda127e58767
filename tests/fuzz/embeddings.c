/*
 * What servers send for embeddings: the first byte says for how many inputs, the
 * second of how many numbers, the third which provider; the rest is the body.  An
 * answer has a vector for each input, no two of them the same one, and what is kept
 * of a vector reads as that vector.
 */
#include "dialects/embeddings.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 8 };

/* Either is a part of the body. */
static bool
overlap(struct span a, struct span b)
{
	return a.p < b.p + b.n && b.p < a.p + a.n;
}

static void
check_places(const struct embeddings_answer *a, struct span body)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->values[i].p == NULL)
			abort();
		if (!overlap(a->values[i], body))
			continue; /* the null of one that is missing */
		for (size_t k = 0; k < i; k++)
			if (overlap(a->values[i], a->values[k]))
				abort();
	}
}

static void
check_answer(const struct dialect *d, struct span kept, const struct embedding *em)
{
	struct embedding again = EMBEDDING_INIT;
	struct buf out = BUF_INIT;
	struct dialect_answer da;
	struct err e = ERR_INIT;
	struct json_fault f;

	if (d->answer(&out, kept, SPAN("m"), &da, &e) != 0 ||
	    json_check(buf_span(&out), &f) != 0 ||
	    embedding_read(&again, buf_span(&out), &e) != 0 || again.n != em->n ||
	    memcmp(again.v, em->v, em->n * sizeof(*em->v)) != 0)
		abort();
	embedding_release(&again);
	buf_release(&out);
}

static void
check_kept(const struct embeddings *x, struct span value, int64_t dimensions,
    const struct dialect_usage *u)
{
	struct embedding em = EMBEDDING_INIT;
	struct buf kept = BUF_INIT;
	struct err e = ERR_INIT;
	struct json_fault f;

	if (embeddings_record(
		&kept, value, dimensions, SPAN("\"m\""), u, &em, &e) != 0) {
		if (kept.len != 0 || e.text[0] == '\0')
			abort();
	} else {
		if (json_check(buf_span(&kept), &f) != 0 ||
		    dialect_of_answer(buf_span(&kept)) != &dialect_embeddings ||
		    (dimensions > 0 && em.n != (uint64_t)dimensions))
			abort();
		check_answer(x->array, buf_span(&kept), &em);
		check_answer(x->base64, buf_span(&kept), &em);
	}
	buf_release(&kept);
	embedding_release(&em);
}

/* What a ledger has may be anything. */
static void
read_kept(const struct dialect *d, struct span body)
{
	struct buf out = BUF_INIT;
	struct dialect_answer a;
	struct err e = ERR_INIT;
	struct json_fault f;

	if (d->answer(&out, body, SPAN("m"), &a, &e) != 0) {
		if (out.len != 0 || e.text[0] == '\0')
			abort();
	} else if (json_check(buf_span(&out), &f) != 0)
		abort();
	buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct embeddings *x;
	struct span values[MOST], body;
	struct embeddings_answer a = {.values = values};
	struct err e = ERR_INIT;
	struct json_fault f;

	if (size < 3)
		return 0;
	a.n = 1 + data[0] % MOST;
	x = embeddings_of(
	    data[2] % 2 == 0 ? &dialect_openai_chat : &dialect_gemini);
	body = span_of((const char *)data + 3, size - 3);
	if (json_check(body, &f) != 0)
		return 0;
	read_kept(x->array, body);
	read_kept(x->base64, body);
	if (x->read(body, &a, &e) != 0) {
		if (e.text[0] == '\0')
			abort();
		return 0;
	}
	check_places(&a, body);
	for (size_t i = 0; i < a.n; i++)
		check_kept(x, a.values[i], data[1] % 4, &a.usage);
	return 0;
}
