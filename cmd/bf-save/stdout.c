/* Standard output, by way of the stage, which tells what goes wrong with it. */
#include "save.h"

static void
pass(struct save *s)
{
	buf_addspan(jsonl_out(&s->st.out), buf_span(&s->out));
	jsonl_written(&s->st.out);
	buf_clear(&s->out);
}

static int
begin(struct save *s, struct err *e)
{
	(void)e;
	if (s->format->begin != NULL)
		s->format->begin(s);
	return 0;
}

static int
add(struct save *s, struct err *e)
{
	if (save_add(s, e) < 0)
		return SAVE_REFUSED;
	pass(s);
	return SAVE_OK;
}

static int
end(struct save *s, struct err *e)
{
	(void)e;
	if (s->format->end != NULL)
		s->format->end(s);
	pass(s);
	return 0;
}

static int
nothing(struct save *s, struct err *e)
{
	(void)s;
	(void)e;
	return 0;
}

const struct target target_stdout = {
    .open = begin,
    .add = add,
    .end = end,
    .commit = nothing,
    .keep = nothing,
};
