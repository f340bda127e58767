#include "json/entry.h"

#include "base/mem.h"
#include "json/check.h"

#include <stdlib.h>

static void
add_member(struct entry *en, const char *key, const char *key_end,
    const char *value, const char *value_end)
{
	if (en->n == en->cap) {
		en->cap = en->cap == 0 ? 16 : en->cap * 2;
		en->members = mem_resize(en->members, en->cap, sizeof *en->members);
	}
	en->members[en->n++] = (struct json_member){
	    span_of(key, (size_t)(key_end - key)),
	    span_of(value, (size_t)(value_end - value)),
	};
}

static bool
parse_member(struct entry *en, struct check *c)
{
	const char *key = c->p + 1, *key_end, *value;

	if (!check_name(c, &key_end))
		return false;
	value = c->p;
	if (!check_value(c, 1))
		return false;
	add_member(en, key, key_end, value, c->p);
	return true;
}

static bool
parse_object(struct entry *en, struct check *c)
{
	check_space(c);
	if (c->p == c->end)
		return check_fail(c);
	if (*c->p != '{')
		return check_fail_as(c, "not an object");
	c->p++;
	check_space(c);
	if (!check_at(c, '}')) {
		for (;;) {
			if (!parse_member(en, c))
				return false;
			check_space(c);
			if (!check_at(c, ','))
				break;
			c->p++;
			check_space(c);
		}
		if (!check_at(c, '}'))
			return check_fail(c);
	}
	c->p++;
	return check_end(c);
}

int
entry_parse(struct entry *en, struct span line, struct json_fault *f)
{
	struct check c;

	en->text = line.p == NULL ? span_of("", 0) : line;
	en->n = en->nedits = 0;
	c = (struct check){en->text.p, en->text.p + en->text.n, NULL};
	if (parse_object(en, &c))
		return 0;
	f->at = (size_t)(c.p - en->text.p);
	f->what = c.why;
	return -1;
}

/* Of duplicates the last; n if there is none. */
static size_t
find_member(const struct entry *en, struct span name)
{
	for (size_t i = en->n; i-- > 0;)
		if (json_key_is(en->members[i].key, name))
			return i;
	return en->n;
}

struct span
entry_getn(const struct entry *en, struct span name)
{
	size_t i = find_member(en, name);

	return i == en->n ? SPAN_NONE : en->members[i].value;
}

struct span
entry_get(const struct entry *en, const char *name)
{
	return entry_getn(en, span_str(name));
}

struct span
entry_name(const struct entry *en, size_t i, struct buf *names)
{
	size_t from;

	/* An escape is longer than what it stands for: there is room for all. */
	if (names->len == 0)
		buf_room(names, en->text.n);
	from = names->len;
	json_unescape(names, en->members[i].key);
	return span_of(names->data + from, names->len - from);
}

static void
edit(struct entry *en, struct span wanted, struct span value)
{
	for (size_t i = 0; i < en->nedits; i++) {
		if (span_eq(en->edits[i].name, wanted)) {
			en->edits[i].value = value;
			return;
		}
	}
	if (en->nedits == en->edits_cap) {
		en->edits_cap = en->edits_cap == 0 ? 8 : en->edits_cap * 2;
		en->edits = mem_resize(en->edits, en->edits_cap, sizeof *en->edits);
	}
	en->edits[en->nedits++] = (struct entry_edit){
	    wanted, value, find_member(en, wanted)};
}

void
entry_set(struct entry *en, const char *name, struct span value)
{
	edit(en, span_str(name), value);
}

void
entry_setn(struct entry *en, struct span name, struct span value)
{
	edit(en, name, value);
}

void
entry_del(struct entry *en, const char *name)
{
	edit(en, span_str(name), SPAN_NONE);
}

void
entry_deln(struct entry *en, struct span name)
{
	edit(en, name, SPAN_NONE);
}

/* A line being written: the text up to pos is dealt with. */
struct splice {
	struct buf *out;
	const char *pos;
	bool any; /* a member has been written or will be copied */
};

static void
copy_to(struct splice *s, const char *upto)
{
	buf_add(s->out, s->pos, (size_t)(upto - s->pos));
	s->pos = upto;
}

static const char *
member_end(const struct json_member *m)
{
	return m->value.p + m->value.n;
}

/*
 * Leaves out member i, with the comma before it; the first one left goes with
 * what stands between it and the next.
 */
static void
splice_out(struct splice *s, const struct entry *en, size_t i)
{
	const struct json_member *m = &en->members[i];

	if (s->any) {
		copy_to(s, member_end(m - 1));
		s->pos = member_end(m);
	} else {
		if (i == 0)
			copy_to(s, m->key.p - 1);
		s->pos = i + 1 < en->n ? m[1].key.p - 1 : member_end(m);
	}
}

/* What is to be done with member i, or NULL. */
static const struct entry_edit *
edit_of(const struct entry *en, size_t i)
{
	for (size_t k = 0; k < en->nedits; k++) {
		const struct entry_edit *ed = &en->edits[k];

		if (ed->member == i)
			return ed;
		if (ed->value.p == NULL &&
		    json_key_is(en->members[i].key, ed->name))
			return ed;
	}
	return NULL;
}

static void
splice_member(struct splice *s, const struct entry *en, size_t i)
{
	const struct json_member *m = &en->members[i];
	const struct entry_edit *ed = edit_of(en, i);

	if (ed != NULL && ed->value.p == NULL) {
		splice_out(s, en, i);
		return;
	}
	if (ed != NULL) {
		copy_to(s, m->value.p);
		buf_addspan(s->out, ed->value);
		s->pos = member_end(m);
	}
	s->any = true;
}

static void
splice_in(struct splice *s, const struct entry_edit *ed)
{
	if (s->any)
		buf_addc(s->out, ',');
	json_add_string(s->out, ed->name);
	buf_addc(s->out, ':');
	buf_addspan(s->out, ed->value);
	s->any = true;
}

void
entry_write(const struct entry *en, struct buf *out)
{
	struct splice s = {out, en->text.p, false};

	if (en->nedits > 0) {
		for (size_t i = 0; i < en->n; i++)
			splice_member(&s, en, i);
		copy_to(&s,
		    en->n > 0
			? member_end(&en->members[en->n - 1])
			: (const char *)memchr(en->text.p, '{', en->text.n) + 1);
		for (size_t i = 0; i < en->nedits; i++)
			if (en->edits[i].value.p != NULL &&
			    en->edits[i].member == en->n)
				splice_in(&s, &en->edits[i]);
	}
	copy_to(&s, en->text.p + en->text.n);
	buf_addc(out, '\n');
}

void
entry_release(struct entry *en)
{
	free(en->members);
	free(en->edits);
	*en = ENTRY_INIT;
}
