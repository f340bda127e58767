#include "turn.h"

#include "answer/find.h"

#include <strings.h>

/* Whether text goes on with this, which is taken off then. */
static bool
take(struct span *text, struct span what)
{
	if (text->n < what.n || strncasecmp(text->p, what.p, what.n) != 0)
		return false;
	*text = skip(*text, what.n);
	return true;
}

struct span
turn_untagged(struct span text, struct span role)
{
	static const struct {
		struct span before, behind;
	} tags[] = {
	    {SPAN_INIT(""), SPAN_INIT(":")},
	    {SPAN_INIT("**"), SPAN_INIT(":**")},
	    {SPAN_INIT("**"), SPAN_INIT("**:")},
	    {SPAN_INIT("["), SPAN_INIT("]:")},
	    {SPAN_INIT("["), SPAN_INIT("]")},
	};
	struct span rest;

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		rest = text_trim(text);
		if (take(&rest, tags[i].before) && take(&rest, role) &&
		    take(&rest, tags[i].behind))
			return text_trim(rest);
	}
	return text;
}

/* The array without its end, and a comma where a turn stands before it. */
static void
open_array(struct buf *out, struct span array)
{
	size_t n = array.n - 1;

	while (n > 1 && strchr(" \t\r\n", array.p[n - 1]) != NULL)
		n--;
	buf_add(out, array.p, n);
	if (n > 1)
		buf_addc(out, ',');
}

int
turn_add(struct turn *t, struct span turns, struct span value, struct err *e)
{
	struct span said = value;

	if (turns.p == NULL)
		turns = SPAN("[]");
	if (json_type(turns) != JSON_ARRAY)
		return err_set(e, "\"%s\" is no array of turns (%s)",
		    buf_cstr(&t->field), json_type_name(json_type(turns)));
	if (json_text(value, &t->content, &said))
		said = turn_untagged(said, t->role);
	if (text_trim(said).n == 0)
		return 1;
	buf_clear(&t->turns);
	open_array(&t->turns, turns);
	buf_adds(&t->turns, "{\"role\":");
	json_add_string(&t->turns, t->role);
	buf_adds(&t->turns, ",\"content\":");
	json_add_string(&t->turns, said);
	buf_adds(&t->turns, "}]");
	return 0;
}

void
turn_release(struct turn *t)
{
	buf_release(&t->field);
	buf_release(&t->turns);
	buf_release(&t->content);
}
