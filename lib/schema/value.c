#include "schema/value.h"

#include "base/mem.h"
#include "schema/decimal.h"

#include <stdlib.h>

#define FEW 8 /* members that are looked through */

/* ---- hashes ---- */

uint64_t
value_hash_text(struct span text)
{
	static const char here;
	uint64_t h = value_mix((uint64_t)(uintptr_t)&here, text.n), word;
	const char *p = text.p;
	size_t n = text.n;

	for (; n >= sizeof(word); p += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = value_mix(h, word);
	}
	word = 0;
	if (n > 0)
		memcpy(&word, p, n);
	return value_mix(h, word);
}

uint64_t
value_hash(const struct value *v)
{
	struct decimal d;
	uint64_t h = v->type;

	switch ((enum json_type)v->type) {
	case JSON_STRING:
		return value_hash_text(v->text);
	case JSON_NUMBER:
		decimal_parse(&d, v->text);
		return decimal_hash(&d);
	case JSON_ARRAY:
		for (const struct value *c = value_first(v); c != NULL;
		     c = value_next(v, c))
			h = value_mix(h, value_hash(c));
		return h;
	case JSON_OBJECT:
		for (const struct value *c = value_first(v); c != NULL;
		     c = value_next(v, c))
			h += value_mix(c->hash, value_hash(c));
		return h;
	default:
		return value_mix(h, h);
	}
}

/* ---- names ---- */

uint32_t
names_find(const struct names *t, struct span name, uint64_t hash)
{
	const struct names_entry *entry;

	if (t->n == 0)
		return NAMES_NONE;
	for (size_t i = hash & t->mask; t->slots[i] != 0; i = (i + 1) & t->mask) {
		entry = &t->entries[t->slots[i] - 1];
		if (entry->hash == hash && span_eq(entry->name, name))
			return entry->number;
	}
	return NAMES_NONE;
}

static void
names_place(struct names *t, uint64_t hash, size_t number)
{
	size_t i = hash & t->mask;

	while (t->slots[i] != 0)
		i = (i + 1) & t->mask;
	t->slots[i] = (uint32_t)number + 1;
}

static void
names_grow(struct names *t)
{
	size_t size = t->slots == NULL ? 8 : (t->mask + 1) * 2;

	free(t->slots);
	t->slots = mem_zero(size, sizeof(*t->slots));
	t->entries = mem_resize(t->entries, size, sizeof(*t->entries));
	t->mask = size - 1;
	for (size_t i = 0; i < t->n; i++)
		names_place(t, t->entries[i].hash, i);
}

void
names_put(struct names *t, struct span name, uint64_t hash, uint32_t number)
{
	if (t->slots == NULL || t->n * 2 > t->mask)
		names_grow(t);
	names_place(t, hash, t->n);
	t->entries[t->n++] = (struct names_entry){name, hash, number};
}

void
names_release(struct names *t)
{
	free(t->entries);
	free(t->slots);
	*t = (struct names){0};
}

/* ---- reading ---- */

struct reader {
	struct tree *t;
	const char *p, *end;
	size_t open; /* the innermost array or object */
	struct span key;
	uint64_t hash;
};

static struct value *
add(struct reader *r, enum json_type type, struct span text)
{
	struct tree *t = r->t;
	size_t n = t->n;
	struct value *v;

	if (n == t->cap) {
		t->cap = t->cap == 0 ? 64 : t->cap * 2;
		t->values = mem_resize(t->values, t->cap, sizeof(*t->values));
	}
	v = &t->values[t->n++];
	*v = (struct value){.text = text,
	    .key = r->key,
	    .hash = r->hash,
	    .size = 1,
	    .up = n == 0 ? 0 : (uint32_t)(n - r->open),
	    .type = (unsigned char)type};
	if (n > 0)
		t->values[r->open].count++;
	r->key = SPAN_NONE;
	r->hash = 0;
	return v;
}

/* The contents of the string at p, which is moved behind it. */
static struct span
take_string(struct reader *r)
{
	const char *begin = ++r->p, *p = begin;
	struct tree *t = r->t;
	size_t from;

	while (*p != '"' && *p != '\\')
		p++;
	if (*p == '"') {
		r->p = p + 1;
		return span_of(begin, (size_t)(p - begin));
	}
	for (; *p != '"'; p++)
		p += *p == '\\';
	r->p = p + 1;
	/* All that is left is room enough for all that is to come: nothing moves.
	 */
	if (t->text.len == 0)
		buf_room(&t->text, (size_t)(r->end - begin));
	from = t->text.len;
	json_unescape(&t->text, span_of(begin, (size_t)(p - begin)));
	return span_of(t->text.data + from, t->text.len - from);
}

/* Of two members of one name the first is dropped. */
static void
drop(struct tree *t, struct value *object, struct value *first, struct value *last)
{
	size_t at = (size_t)(last - t->values);

	first->dropped = true;
	object->count--;
	if (t->repeated == 0 || at < t->repeated)
		t->repeated = at;
}

static bool
same_name(const struct value *a, const struct value *b)
{
	return a->hash == b->hash && span_eq(a->key, b->key);
}

static void
find_repeated(struct tree *t, struct value *object)
{
	struct value *end = object + object->size;

	for (struct value *b = object + 1; b < end; b += b->size)
		for (struct value *a = object + 1; a < b; a += a->size)
			if (!a->dropped && same_name(a, b))
				drop(t, object, a, b);
}

static void
index_members(struct tree *t, struct value *object)
{
	struct value *end = object + object->size, *other;
	size_t size = 16, at;
	uint32_t *slots;

	while (size < (size_t)object->count * 2)
		size *= 2;
	if (t->nslots + size > t->slots_cap) {
		t->slots_cap = (t->nslots + size) * 2;
		t->slots = mem_resize(t->slots, t->slots_cap, sizeof(*t->slots));
	}
	slots = t->slots + t->nslots;
	memset(slots, 0, size * sizeof(*slots));
	for (struct value *v = object + 1; v < end; v += v->size) {
		for (at = v->hash & (size - 1); slots[at] != 0;
		     at = (at + 1) & (size - 1)) {
			other = object + slots[at];
			if (!same_name(other, v))
				continue;
			drop(t, object, other, v);
			break;
		}
		slots[at] = (uint32_t)(v - object);
	}
	object->index = (uint32_t)t->nslots;
	object->mask = (uint32_t)size - 1;
	t->nslots += size;
}

static void
close_value(struct reader *r)
{
	struct tree *t = r->t;
	struct value *v = &t->values[r->open];

	v->text.n = (size_t)(r->p - v->text.p);
	v->size = (uint32_t)(t->n - r->open);
	if (v->type == JSON_OBJECT && v->count > FEW)
		index_members(t, v);
	else if (v->type == JSON_OBJECT && v->count > 1)
		find_repeated(t, v);
	r->open -= v->up;
}

static enum json_type
scalar_type(char c)
{
	return c == 't'   ? JSON_TRUE
	       : c == 'f' ? JSON_FALSE
	       : c == 'n' ? JSON_NULL
			  : JSON_NUMBER;
}

static void
take_scalar(struct reader *r)
{
	const char *p = r->p;

	while (r->p < r->end && strchr(", \t\r\n]}", *r->p) == NULL)
		r->p++;
	add(r, scalar_type(*p), span_of(p, (size_t)(r->p - p)));
}

static void
take_text(struct reader *r)
{
	const struct tree *t = r->t;
	struct span text = take_string(r);

	if (r->key.p != NULL || t->n == 0 ||
	    t->values[r->open].type != JSON_OBJECT) {
		add(r, JSON_STRING, text);
		return;
	}
	r->key = text;
	r->hash = value_hash_text(text);
}

int
tree_parse(struct tree *t, struct span checked)
{
	struct reader r = {.t = t, .p = checked.p, .end = checked.p + checked.n};

	t->n = t->nslots = t->repeated = 0;
	buf_clear(&t->text);
	if (checked.n >= UINT32_MAX)
		return -1;
	while (r.p < r.end) {
		switch (*r.p) {
		case '{':
		case '[':
			add(&r, *r.p == '{' ? JSON_OBJECT : JSON_ARRAY,
			    span_of(r.p, 0));
			r.open = t->n - 1;
			r.p++;
			break;
		case '}':
		case ']':
			r.p++;
			close_value(&r);
			break;
		case '"':
			take_text(&r);
			break;
		case ' ':
		case '\t':
		case '\r':
		case '\n':
		case ',':
		case ':':
			r.p++;
			break;
		default:
			take_scalar(&r);
		}
	}
	return 0;
}

void
tree_release(struct tree *t)
{
	free(t->values);
	free(t->slots);
	buf_release(&t->text);
	*t = TREE_INIT;
}

/* ---- looking ---- */

static const struct value *
live(const struct value *v, const struct value *end)
{
	while (v < end && v->dropped)
		v += v->size;
	return v < end ? v : NULL;
}

const struct value *
value_first(const struct value *v)
{
	return live(v + 1, v + v->size);
}

const struct value *
value_next(const struct value *parent, const struct value *v)
{
	return live(v + v->size, parent + parent->size);
}

const struct value *
value_get(const struct tree *t, const struct value *object, struct span name,
    uint64_t hash)
{
	const struct value *v;
	const uint32_t *slots;
	size_t mask;

	if (object->type != JSON_OBJECT)
		return NULL;
	if (object->mask == 0) {
		for (v = value_first(object); v != NULL; v = value_next(object, v))
			if (v->hash == hash && span_eq(v->key, name))
				return v;
		return NULL;
	}
	slots = t->slots + object->index;
	mask = object->mask;
	for (size_t at = hash & mask; slots[at] != 0; at = (at + 1) & mask) {
		v = object + slots[at];
		if (v->hash == hash && span_eq(v->key, name))
			return v;
	}
	return NULL;
}

const struct value *
value_named(const struct tree *t, const struct value *object, const char *name)
{
	struct span s = span_str(name);

	return value_get(t, object, s, value_hash_text(s));
}

static bool
equal_members(const struct tree *ta, const struct value *a, const struct tree *tb,
    const struct value *b)
{
	const struct value *other;

	for (const struct value *c = value_first(a); c != NULL;
	     c = value_next(a, c)) {
		other = value_get(tb, b, c->key, c->hash);
		if (other == NULL || !value_equal(ta, c, tb, other))
			return false;
	}
	return true;
}

static bool
equal_elements(const struct tree *ta, const struct value *a, const struct tree *tb,
    const struct value *b)
{
	const struct value *other = value_first(b);

	for (const struct value *c = value_first(a); c != NULL;
	     c = value_next(a, c), other = value_next(b, other))
		if (!value_equal(ta, c, tb, other))
			return false;
	return true;
}

bool
value_equal(const struct tree *ta, const struct value *a, const struct tree *tb,
    const struct value *b)
{
	struct decimal da, db;

	if (a->type != b->type || a->count != b->count)
		return false;
	switch ((enum json_type)a->type) {
	case JSON_STRING:
		return span_eq(a->text, b->text);
	case JSON_NUMBER:
		decimal_parse(&da, a->text);
		decimal_parse(&db, b->text);
		return decimal_compare(&da, &db) == 0;
	case JSON_ARRAY:
		return equal_elements(ta, a, tb, b);
	case JSON_OBJECT:
		return equal_members(ta, a, tb, b);
	default:
		return true;
	}
}

/* ---- where a value is ---- */

static void
add_token(struct buf *out, struct span key)
{
	for (size_t i = 0; i < key.n; i++) {
		if (key.p[i] == '~')
			buf_adds(out, "~0");
		else if (key.p[i] == '/')
			buf_adds(out, "~1");
		else
			buf_addc(out, key.p[i]);
	}
}

static int64_t
position(const struct value *v)
{
	const struct value *parent = v - v->up;
	int64_t n = 0;

	for (const struct value *c = parent + 1; c < v; c += c->size)
		n++;
	return n;
}

void
value_pointer(struct buf *out, const struct value *v)
{
	const struct value *path[JSON_DEPTH_MAX + 1];
	size_t n = 0;

	for (; v->up != 0 && n <= JSON_DEPTH_MAX; v -= v->up)
		path[n++] = v;
	while (n-- > 0) {
		buf_addc(out, '/');
		if (path[n]->key.p != NULL)
			add_token(out, path[n]->key);
		else
			buf_addi(out, position(path[n]));
	}
}
