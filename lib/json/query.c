#include "json/query.h"

#include "base/mem.h"
#include "json/jq.h"
#include "json/path.h"

#include <stdlib.h>

struct query {
	struct path *path; /* NULL: an expression, or the whole text */
	struct jq *jq;     /* NULL: a path, or the whole text */
};

/* The path that a plain expression is; NULL: it is none. */
static struct path *
plain_path(const char *text)
{
	struct err e;

	/* Of these a path may have more than jq, or mean another thing. */
	if (*text != '.' || text[1] == '.' || strpbrk(text, " |,?\"-") != NULL)
		return NULL;
	return path_parse(span_str(text + 1), &e);
}

struct query *
query_open(const char *text, struct err *e)
{
	struct query *q = mem_zero(1, sizeof *q);
	bool pointer = *text == '/', whole = strcmp(text, ".") == 0;

	q->path = pointer ? path_parse(span_str(text), e) : plain_path(text);
	if (q->path == NULL && !pointer && !whole)
		q->jq = jq_open(text, e);
	if (q->path == NULL && q->jq == NULL && !whole) {
		query_free(q);
		return NULL;
	}
	return q;
}

void
query_free(struct query *q)
{
	if (q == NULL)
		return;
	path_free(q->path);
	jq_close(q->jq);
	free(q);
}

int
query_get(struct query *q, struct span text, struct buf *out, struct err *e)
{
	struct span v = json_value(text);
	size_t before = out->len;
	int rc;

	if (q->jq == NULL) {
		if (q->path != NULL)
			v = path_find(q->path, v);
		if (v.p == NULL || json_type(v) == JSON_NULL)
			return 0;
		json_compact(out, v);
		return 1;
	}
	rc = jq_first(q->jq, text, out, e);
	if (rc != 1 ||
	    json_type(span_of(out->data + before, out->len - before)) != JSON_NULL)
		return rc;
	out->len = before;
	return 0;
}
