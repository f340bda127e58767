/* sections: a Markdown text's headings, by libcmark. */
#include "base/mem.h"
#include "chunk.h"

#include <cmark.h>
#include <stdlib.h>

#define MARKDOWN_MAX ((size_t)1 << 30) /* bytes; cmark counts in int32_t */

static void
add(struct sections *s, size_t at)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 16 : 2 * s->cap;
		s->at = mem_resize(s->at, s->cap, sizeof(*s->at));
	}
	s->at[s->n++] = at;
}

/* Behind the line at an offset: CommonMark's line ends are \n, \r and both. */
static size_t
next_line(struct span text, size_t at)
{
	while (at < text.n && text.p[at] != '\n' && text.p[at] != '\r')
		at++;
	if (at + 1 < text.n && text.p[at] == '\r' && text.p[at + 1] == '\n')
		at++;
	return at < text.n ? at + 1 : at;
}

int
sections_find(struct sections *s, struct span text, struct err *e)
{
	cmark_node *root, *node;
	size_t at = 0;
	int line = 1;

	if (text.n > MARKDOWN_MAX)
		return err_set(e, "too large for Markdown (1 GiB)");
	s->n = 0;
	add(s, 0);
	root = cmark_parse_document(text.p, text.n, CMARK_OPT_DEFAULT);
	for (node = cmark_node_first_child(root); node != NULL;
	     node = cmark_node_next(node)) {
		if (cmark_node_get_type(node) != CMARK_NODE_HEADING)
			continue;
		for (; line < cmark_node_get_start_line(node); line++)
			at = next_line(text, at);
		if (at > s->at[s->n - 1] && at < text.n)
			add(s, at);
	}
	cmark_node_free(root);
	add(s, text.n);
	return 0;
}

void
sections_release(struct sections *s)
{
	free(s->at);
}
