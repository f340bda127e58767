#include "history.h"

#define SHOWN_MAX 300 /* bytes of a name in a message */

static int
shown(struct span s)
{
	return (int)(s.n < SHOWN_MAX ? s.n : SHOWN_MAX);
}

/* What stands between the quotes of a string. */
static struct span
inner(struct span string)
{
	return span_of(string.p + 1, string.n - 2);
}

/* Whether more than one speaks who is not h->as. */
static bool
has_several_others(struct history *h, struct span turns)
{
	struct json_iter it = json_iter(turns);
	struct span first = SPAN_NONE, other, role;
	struct json_member m;

	while (json_next(&it, &m)) {
		role = json_get(m.value, "role");
		if (role.p == NULL || json_type(role) != JSON_STRING ||
		    json_is(role, "system") || json_key_is(inner(role), h->as))
			continue;
		if (first.p == NULL)
			json_text(role, &h->first, &first);
		else if (json_text(role, &h->other, &other) &&
			 !span_eq(first, other))
			return true;
	}
	return false;
}

/* A member that must be a text with something in it, without its quotes. */
static int
text_of(struct span turn, const char *name, struct span *text, struct err *e)
{
	struct span value = json_get(turn, name);

	if (value.p == NULL)
		return err_set(e, "no \"%s\"", name);
	if (json_type(value) != JSON_STRING)
		return err_set(e, "\"%s\" is no string (%s)", name,
		    json_type_name(json_type(value)));
	*text = inner(value);
	return text->n > 0 ? 0 : err_set(e, "\"%s\" is empty", name);
}

/* ROLE_NONE and e if it is none. */
static enum role
role_of(const struct history *h, struct span name, struct err *e)
{
	if (json_key_is(name, SPAN("system")))
		return ROLE_SYSTEM;
	if (h->as.p != NULL)
		return json_key_is(name, h->as) ? ROLE_ASSISTANT : ROLE_USER;
	if (json_key_is(name, SPAN("user")))
		return ROLE_USER;
	if (json_key_is(name, SPAN("assistant")))
		return ROLE_ASSISTANT;
	err_set(e,
	    "the role \"%.*s\": without --as it is user, assistant or system",
	    shown(name), name.p);
	return ROLE_NONE;
}

static int
turn_render(const struct history *h, struct messages *m, struct span turn,
    bool named, struct err *e)
{
	struct span name, content;
	enum role role;

	if (json_type(turn) != JSON_OBJECT)
		return err_set(
		    e, "no object (%s)", json_type_name(json_type(turn)));
	if (text_of(turn, "role", &name, e) < 0 ||
	    text_of(turn, "content", &content, e) < 0)
		return -1;
	role = role_of(h, name, e);
	if (role == ROLE_NONE)
		return -1;
	messages_begin(m, role);
	if (named && role == ROLE_USER) {
		buf_addspan(m->out, name);
		buf_adds(m->out, ": ");
	}
	buf_addspan(m->out, content);
	return 0;
}

int
history_render(
    struct history *h, struct messages *m, const struct entry *en, struct err *e)
{
	struct span turns = path_find_entry(h->path, en);
	struct span field = path_text(h->path);
	struct json_member turn;
	struct json_iter it;
	bool named;

	if (turns.p == NULL)
		return 0;
	if (json_type(turns) != JSON_ARRAY)
		return err_set(e, "\"%.*s\" is no array of turns (%s)",
		    shown(field), field.p, json_type_name(json_type(turns)));
	named = h->as.p != NULL && has_several_others(h, turns);
	it = json_iter(turns);
	for (size_t i = 0; json_next(&it, &turn); i++)
		if (turn_render(h, m, turn.value, named, e) < 0)
			return err_prefix(e, "%.*s[%zu]", shown(field), field.p, i);
	return 0;
}

void
history_release(struct history *h)
{
	path_free(h->path);
	buf_release(&h->first);
	buf_release(&h->other);
}
