/* jsonl and json: entries as they came, or an object of the chosen fields. */
#include "save.h"

static void
add_object(struct save *s)
{
	struct columns *c = &s->columns;
	struct span value;
	bool first = true;
	size_t i;

	if (!c->given) {
		buf_addspan(&s->out, s->en.text);
		return;
	}
	buf_addc(&s->out, '{');
	for (i = 0; i < c->n; i++) {
		value = column_get(&c->v[i], &s->en);
		if (value.p == NULL)
			continue;
		if (!first)
			buf_addc(&s->out, ',');
		first = false;
		json_add_string(&s->out, c->v[i].name);
		buf_addc(&s->out, ':');
		buf_addspan(&s->out, value);
	}
	buf_addc(&s->out, '}');
}

static int
jsonl_add(struct save *s, struct err *e)
{
	(void)e;
	add_object(s);
	buf_addc(&s->out, '\n');
	return 0;
}

static int
jsonl_resume(struct save *s, struct span *text, struct err *e)
{
	(void)s;
	(void)text;
	(void)e;
	return 0;
}

const struct format format_jsonl = {
    .name = "jsonl",
    .extension = ".jsonl",
    .add = jsonl_add,
    .resume = jsonl_resume,
};

/* ---- an array, an entry a line ---- */

static void
json_begin(struct save *s)
{
	buf_addc(&s->out, '[');
}

static int
json_add(struct save *s, struct err *e)
{
	(void)e;
	buf_adds(&s->out, s->in_file > 0 || s->resumed ? ",\n" : "\n");
	add_object(s);
	return 0;
}

static void
json_end(struct save *s)
{
	buf_adds(&s->out, s->in_file > 0 || s->resumed ? "\n]\n" : "]\n");
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* All of the array that is there, but for its end. */
static int
json_resume(struct save *s, struct span *text, struct err *e)
{
	struct json_fault f;
	size_t n = text->n;

	if (json_check(*text, &f) < 0)
		return err_set(e, "cannot append: byte %zu: %s", f.at + 1, f.what);
	while (n > 0 && is_space(text->p[n - 1]))
		n--;
	if (text->p[n - 1] != ']')
		return err_set(e, "cannot append: it holds no JSON array");
	n--;
	while (n > 0 && is_space(text->p[n - 1]))
		n--;
	/* Of an empty array only the bracket is left. */
	s->resumed = text->p[n - 1] != '[';
	text->n = n;
	return 0;
}

const struct format format_json = {
    .name = "json",
    .extension = ".json",
    .add = json_add,
    .begin = json_begin,
    .end = json_end,
    .resume = json_resume,
    .resume_whole = true,
};
