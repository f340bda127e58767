#include "schema/internal.h"

#include "base/mem.h"

#include <stdlib.h>

/* What keeps the frames small that pile up with the depth. */
#define APART __attribute__((noinline))

#define NO_MARKS  SIZE_MAX
#define MARKS_MAX ((size_t)256 << 20)
#define HELD      10 /* for each error that is reported, before they are sorted */
#define FEW       8  /* items that are compared each with each */

static bool check(
    struct schema *s, uint32_t number, const struct value *v, size_t marks);

/* What a check is about: a keyword, a value, and what of it was evaluated. */
struct task {
	struct schema *s;
	const struct node *node;
	const struct op *op;
	const struct value *v;
	size_t marks; /* in the run's: a byte for each member; NO_MARKS */
};

/* ---- ends and errors ---- */

static bool
stop(struct schema *s, const char *why)
{
	if (!s->run.stopped)
		err_set(s->run.e, "%s", why);
	s->run.stopped = true;
	s->run.steps = 0;
	return false;
}

static bool
spend(struct schema *s, uint64_t steps)
{
	if (s->run.steps < steps)
		return stop(s, "too complex: the check takes too many steps");
	s->run.steps -= steps;
	return true;
}

/* To go through all of a value. */
static bool
spend_on(const struct task *t)
{
	return spend(t->s, t->v->size + t->v->text.n / 64);
}

static void
add_fault(struct run *r, struct fault f)
{
	if (r->quiet > 0)
		return;
	if (r->nfaults >= r->room) {
		r->missed++;
		return;
	}
	if (r->member != NULL) {
		f.v = r->member;
		f.kind = FAULT_NAME;
	}
	r->faults = schema_grow(
	    r->faults, r->nfaults, &r->faults_cap, sizeof(*r->faults));
	f.order = (uint32_t)r->nfaults;
	r->faults[r->nfaults++] = f;
}

static struct fault
plain_fault(const struct task *t)
{
	return (struct fault){
	    .v = t->v, .at = t->op->at, .op = t->op, .document = t->node->document};
}

APART static bool
fail(const struct task *t)
{
	add_fault(&t->s->run, plain_fault(t));
	return false;
}

APART static bool
fail_with(const struct task *t, const struct value *detail, uint64_t a, uint64_t b)
{
	struct fault f = plain_fault(t);

	f.detail = detail;
	f.a = a;
	f.b = b;
	add_fault(&t->s->run, f);
	return false;
}

/* ---- what was evaluated ---- */

/* NO_MARKS where the check is stopped. */
static size_t
new_marks(struct schema *s, const struct value *v)
{
	struct buf *marks = &s->run.marks;
	size_t at = marks->len;

	if (!spend(s, v->count / 16))
		return NO_MARKS;
	if (at + v->count > MARKS_MAX) {
		stop(s, "too complex: too much depends on what else was evaluated");
		return NO_MARKS;
	}
	memset(buf_room(marks, v->count), 0, v->count);
	marks->len += v->count;
	return at;
}

static void
mark(const struct task *t, size_t i)
{
	if (t->marks != NO_MARKS)
		t->s->run.marks.data[t->marks + i] = 1;
}

static bool
is_marked(const struct task *t, size_t i)
{
	return t->marks != NO_MARKS && t->s->run.marks.data[t->marks + i] != 0;
}

/* Gives own marks back; what is in them counts if the schema fits. */
static void
end_marks(
    struct schema *s, const struct value *v, size_t own, size_t marks, bool fits)
{
	char *data = s->run.marks.data;

	if (own == NO_MARKS)
		return;
	if (fits && marks != NO_MARKS)
		for (size_t i = 0; i < v->count; i++)
			data[marks + i] |= data[own + i];
	s->run.marks.len = own;
}

/* A schema that need not fit. */
static bool
try_schema(const struct task *t, uint32_t node)
{
	size_t own = t->marks == NO_MARKS ? NO_MARKS : new_marks(t->s, t->v);
	bool fits = check(t->s, node, t->v, own);

	end_marks(t->s, t->v, own, t->marks, fits);
	return fits && !t->s->run.stopped;
}

/* ---- values ---- */

static bool
check_type(const struct task *t)
{
	struct decimal d;

	if ((t->op->types >> t->v->type & 1) != 0)
		return true;
	if (t->v->type == JSON_NUMBER && (t->op->types & TYPE_INTEGER) != 0) {
		if (!spend_on(t))
			return false;
		decimal_parse(&d, t->v->text);
		if (decimal_is_integer(&d))
			return true;
	}
	return fail(t);
}

static bool
check_enum(const struct task *t)
{
	const struct tree *in = &t->s->documents[t->node->document]->tree;
	const struct names *table = &t->op->table;
	const struct names_entry *entry;
	uint64_t hash;

	if (!spend_on(t))
		return false;
	if (table->n == 0)
		return fail(t);
	hash = value_hash(t->v);
	for (size_t i = hash & table->mask; table->slots[i] != 0;
	     i = (i + 1) & table->mask) {
		entry = &table->entries[table->slots[i] - 1];
		if (entry->hash != hash)
			continue;
		if (!spend_on(t))
			return false;
		if (value_equal(
			in, t->op->at + entry->number, &t->s->run.tree, t->v))
			return true;
	}
	return fail(t);
}

static bool
check_const(const struct task *t)
{
	const struct tree *in = &t->s->documents[t->node->document]->tree;

	if (!spend_on(t))
		return false;
	return value_equal(in, t->op->at, &t->s->run.tree, t->v) || fail(t);
}

static bool
check_number(const struct task *t)
{
	struct decimal d;
	int order;

	if (t->v->type != JSON_NUMBER)
		return true;
	if (!spend_on(t))
		return false;
	decimal_parse(&d, t->v->text);
	if (t->op->kw == KW_MULTIPLE_OF) {
		order = decimal_is_multiple(&d, &t->op->number);
		if (order < 0)
			return stop(t->s, "a number is too long to be divided");
		return order == 1 || fail(t);
	}
	order = decimal_compare(&d, &t->op->number);
	switch (t->op->kw) {
	case KW_MAXIMUM:
		return order <= 0 || fail(t);
	case KW_EXCLUSIVE_MAXIMUM:
		return order < 0 || fail(t);
	case KW_MINIMUM:
		return order >= 0 || fail(t);
	default:
		return order > 0 || fail(t);
	}
}

static uint64_t
characters(struct span s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

/* Lengths of texts, arrays and objects. */
static bool
check_size(const struct task *t, enum json_type type, bool most)
{
	uint64_t n;

	if (t->v->type != type)
		return true;
	n = t->v->count;
	if (type == JSON_STRING) {
		if (!spend_on(t))
			return false;
		n = characters(t->v->text);
	}
	if (most ? n <= t->op->limit : n >= t->op->limit)
		return true;
	return fail_with(t, NULL, n, 0);
}

/* 1, 0, or -1: that cannot be told. */
APART static int
find(struct schema *s, struct regex *regex, struct span text)
{
	struct err why = ERR_INIT;
	int rc;

	if (!spend(s, 4 + text.n / 16))
		return -1;
	rc = regex_find(regex, text, &why);
	if (rc < 0)
		stop(s, "too complex: a pattern backtracks without end");
	return rc;
}

static bool
check_pattern(const struct task *t)
{
	int rc;

	if (t->v->type != JSON_STRING)
		return true;
	rc = find(t->s, t->op->regex, t->v->text);
	return rc > 0 || (rc == 0 && fail(t));
}

static bool
check_format(const struct task *t)
{
	if (t->v->type != JSON_STRING)
		return true;
	if (!spend_on(t))
		return false;
	return t->op->format(t->v->text) || fail(t);
}

/* ---- arrays ---- */

static bool
few_unique(const struct task *t)
{
	const struct tree *tree = &t->s->run.tree;
	const struct value *v = t->v, *a, *b;
	uint64_t i = 0, j;

	for (b = value_first(v); b != NULL; b = value_next(v, b), i++)
		for (a = value_first(v), j = 0; a < b; a = value_next(v, a), j++)
			if (value_equal(tree, a, tree, b))
				return fail_with(t, b, j, i);
	return true;
}

static size_t
prepare_slots(struct run *r, size_t count)
{
	size_t size = 16;

	while (size < count * 2)
		size *= 2;
	if (size > r->slots_cap) {
		r->slots_cap = size;
		r->slots = mem_resize(r->slots, size, sizeof(*r->slots));
		r->hashes = mem_resize(r->hashes, size, sizeof(*r->hashes));
	}
	memset(r->slots, 0, size * sizeof(*r->slots));
	return size;
}

static uint64_t
item_position(const struct value *array, const struct value *item)
{
	uint64_t n = 0;

	for (const struct value *c = value_first(array); c < item;
	     c = value_next(array, c))
		n++;
	return n;
}

static bool
check_unique(const struct task *t)
{
	struct run *r = &t->s->run;
	const struct value *v = t->v, *other;
	size_t size, at;
	uint64_t i = 0, hash;

	if (v->type != JSON_ARRAY || !spend_on(t))
		return v->type != JSON_ARRAY;
	if (v->count <= FEW)
		return few_unique(t);
	size = prepare_slots(r, v->count);
	for (const struct value *c = value_first(v); c != NULL;
	     c = value_next(v, c), i++) {
		hash = value_hash(c);
		for (at = hash & (size - 1); r->slots[at] != 0;
		     at = (at + 1) & (size - 1)) {
			other = v + r->slots[at];
			if (r->hashes[at] != hash)
				continue;
			if (!spend(t->s, c->size))
				return false;
			if (value_equal(&r->tree, other, &r->tree, c))
				return fail_with(t, c, item_position(v, other), i);
		}
		r->slots[at] = (uint32_t)(c - v);
		r->hashes[at] = hash;
	}
	return true;
}

static bool
check_items(const struct task *t)
{
	const uint32_t *lists = t->s->lists + t->op->list.first;
	bool good = true;
	size_t i = 0;
	uint32_t node;

	if (t->v->type != JSON_ARRAY)
		return true;
	for (const struct value *c = value_first(t->v); c != NULL;
	     c = value_next(t->v, c), i++) {
		node = i < t->op->list.n ? lists[i] : t->op->list.rest;
		if (node == 0)
			break;
		mark(t, i);
		if (!check(t->s, node, c, NO_MARKS)) {
			good = false;
			if (t->s->run.quiet > 0 || t->s->run.stopped)
				break;
		}
	}
	return good;
}

APART static bool
check_contains(const struct task *t)
{
	struct run *r = &t->s->run;
	const struct op *op = t->op;
	uint64_t found = 0;
	size_t i = 0;

	if (t->v->type != JSON_ARRAY)
		return true;
	r->quiet++;
	for (const struct value *c = value_first(t->v); c != NULL && !r->stopped;
	     c = value_next(t->v, c), i++) {
		if (!check(t->s, op->contains.node, c, NO_MARKS))
			continue;
		found++;
		mark(t, i);
		if (t->marks == NO_MARKS && found >= op->contains.least &&
		    op->contains.most == NO_LIMIT)
			break;
	}
	r->quiet--;
	if (r->stopped)
		return false;
	if (found < op->contains.least || found > op->contains.most)
		return fail_with(t, NULL, found, found > op->contains.most);
	return true;
}

static bool
check_unevaluated(const struct task *t, enum json_type type)
{
	bool good = true;
	size_t i = 0;

	if (t->v->type != type)
		return true;
	for (const struct value *c = value_first(t->v); c != NULL;
	     c = value_next(t->v, c), i++) {
		if (is_marked(t, i))
			continue;
		mark(t, i);
		if (!check(t->s, t->op->ref.node, c, NO_MARKS)) {
			good = false;
			if (t->s->run.quiet > 0 || t->s->run.stopped)
				break;
		}
	}
	return good;
}

/* ---- objects ---- */

static bool
check_required(const struct task *t)
{
	const struct names *names = &t->op->table;
	bool good = true;

	if (t->v->type != JSON_OBJECT || !spend(t->s, names->n / 4))
		return t->v->type != JSON_OBJECT;
	for (size_t i = 0; i < names->n; i++)
		if (value_get(&t->s->run.tree, t->v, names->entries[i].name,
			names->entries[i].hash) == NULL)
			good = fail_with(
			    t, t->op->at + names->entries[i].number, 0, 0);
	return good;
}

static bool
check_dependent_required(const struct task *t)
{
	const struct tree *tree = &t->s->run.tree;
	const struct names *names = &t->op->table;
	const struct value *name, *list;
	bool good = true;

	if (t->v->type != JSON_OBJECT || !spend(t->s, names->n / 4))
		return t->v->type != JSON_OBJECT;
	for (size_t i = 0; i < names->n; i++) {
		name = t->op->at + names->entries[i].number;
		list = name - name->up;
		if (value_get(tree, t->v, list->key, list->hash) != NULL &&
		    value_get(tree, t->v, name->text, names->entries[i].hash) ==
			NULL)
			good = fail_with(t, name, 0, 0);
	}
	return good;
}

APART static bool
check_name(const struct task *t, uint32_t node, const struct value *member)
{
	struct value name = {.text = member->key, .type = JSON_STRING, .size = 1};
	bool good;

	t->s->run.member = member;
	good = check(t->s, node, &name, NO_MARKS);
	t->s->run.member = NULL;
	return good;
}

static bool
check_member(const struct task *t, const struct value *c, size_t i)
{
	const struct object_ops *o = t->op->object;
	uint32_t node = names_find(&o->properties, c->key, c->hash);
	bool matched = node != NAMES_NONE, good = true;
	int rc;

	if (matched)
		good = check(t->s, node, c, NO_MARKS);
	for (size_t k = 0; k < o->npatterns; k++) {
		rc = find(t->s, o->patterns[k].regex, c->key);
		if (rc < 0)
			return false;
		if (rc == 0)
			continue;
		matched = true;
		good = check(t->s, o->patterns[k].node, c, NO_MARKS) && good;
	}
	if (!matched && o->additional != 0) {
		matched = true;
		good = check(t->s, o->additional, c, NO_MARKS);
	}
	if (matched)
		mark(t, i);
	if (o->names != 0)
		good = check_name(t, o->names, c) && good;
	return good;
}

APART static bool
check_object(const struct task *t)
{
	bool good = true;
	size_t i = 0;

	if (t->v->type != JSON_OBJECT || !spend(t->s, t->v->count))
		return t->v->type != JSON_OBJECT;
	for (const struct value *c = value_first(t->v); c != NULL;
	     c = value_next(t->v, c), i++) {
		if (check_member(t, c, i))
			continue;
		good = false;
		if (t->s->run.quiet > 0 || t->s->run.stopped)
			break;
	}
	return good;
}

static bool
check_dependent_schemas(const struct task *t)
{
	const uint32_t *node = t->s->lists + t->op->list.first;
	bool good = true;

	if (t->v->type != JSON_OBJECT || !spend(t->s, t->op->list.n))
		return t->v->type != JSON_OBJECT;
	for (const struct value *c = value_first(t->op->at); c != NULL;
	     c = value_next(t->op->at, c), node++)
		if (value_get(&t->s->run.tree, t->v, c->key, c->hash) != NULL)
			good = check(t->s, *node, t->v, t->marks) && good;
	return good;
}

/* ---- schemas ---- */

static bool
check_ref(const struct task *t)
{
	struct schema *s = t->s;
	uint32_t node = t->op->ref.node, found;
	struct span name = t->op->ref.name;

	/* The outermost schema in scope that has the dynamic anchor. */
	for (size_t i = 0; name.p != NULL && i < s->run.nscope; i++) {
		if (!spend(s, 1))
			return false;
		found = names_find(&s->by_anchor, name,
		    anchor_hash(t->op->ref.hash, s->run.scope[i]));
		if (found != NAMES_NONE && s->anchors[found].dynamic) {
			node = s->anchors[found].node;
			break;
		}
	}
	return check(s, node, t->v, t->marks);
}

static bool
check_all(const struct task *t)
{
	const uint32_t *nodes = t->s->lists + t->op->list.first;
	bool good = true;

	for (uint32_t i = 0; i < t->op->list.n; i++) {
		if (check(t->s, nodes[i], t->v, t->marks))
			continue;
		good = false;
		if (t->s->run.quiet > 0 || t->s->run.stopped)
			break;
	}
	return good;
}

APART static bool
check_not(const struct task *t)
{
	struct run *r = &t->s->run;
	bool fits;

	r->quiet++;
	fits = check(t->s, t->op->ref.node, t->v, NO_MARKS);
	r->quiet--;
	if (r->stopped)
		return false;
	return !fits || fail(t);
}

static bool
check_if(const struct task *t)
{
	struct run *r = &t->s->run;
	uint32_t then;

	r->quiet++;
	then = try_schema(t, t->op->ref.node) ? t->op->ref.yes : t->op->ref.no;
	r->quiet--;
	if (r->stopped)
		return false;
	return then == 0 || check(t->s, then, t->v, t->marks);
}

/* The errors of the schema of anyOf or oneOf that came closest so far. */
struct closest {
	size_t base, n; /* the faults [base + 1, base + 1 + n) */
	size_t missed;
	uint64_t distance;
	uint32_t number;
	unsigned types;  /* that the schemas are for */
	bool only_types; /* no schema got further than that */
};

/* How far a value is from a schema, by its errors: another kind of thing is far. */
static uint64_t
distance(const struct run *r, size_t from, const struct value *v)
{
	uint64_t sum = r->missed;

	for (size_t i = from; i < r->nfaults; i++) {
		const struct fault *f = &r->faults[i];
		enum keyword kw = f->op == NULL ? KW_COUNT : f->op->kw;

		if (f->v == v &&
		    (kw == KW_TYPE || kw == KW_CONST || kw == KW_ENUM ||
			(kw == KW_COUNT && f->kind == FAULT_PLAIN)))
			sum += 1000;
		else if (kw == KW_CONST || kw == KW_ENUM)
			sum += 50;
		else
			sum += 1;
	}
	return sum;
}

/* The faults behind the closest ones are another schema's. */
static void
compare(struct run *r, struct closest *c, uint32_t number, const struct value *v)
{
	size_t from = c->base + 1 + c->n, n = r->nfaults - from;
	const struct fault *first = &r->faults[from];
	uint64_t far = distance(r, from, v);

	if (n == 1 && first->v == v && first->op != NULL &&
	    first->op->kw == KW_TYPE)
		c->types |= first->op->types;
	else
		c->only_types = false;
	if (c->n == 0 || far < c->distance) {
		memmove(&r->faults[c->base + 1], first, n * sizeof(*first));
		c->n = n;
		c->distance = far;
		c->number = number;
		c->missed = r->missed;
	}
	r->nfaults = c->base + 1 + c->n;
}

static void
fail_closest(const struct task *t, const struct closest *c)
{
	struct run *r = &t->s->run;
	struct fault *f = &r->faults[c->base];

	f->a = c->number;
	f->b = t->op->list.n;
	r->missed += c->missed;
	if (!c->only_types)
		return;
	f->kind = f->kind == FAULT_NAME ? FAULT_NAME : FAULT_TYPES;
	f->a = c->types;
	r->nfaults = c->base + 1;
}

static bool
try_quietly(const struct task *t, uint32_t node)
{
	bool fits;

	t->s->run.quiet++;
	fits = try_schema(t, node);
	t->s->run.quiet--;
	return fits;
}

/* How many schemas fit, as far as that matters; two of them. */
static unsigned
count_fitting(const struct task *t, struct closest *c, uint32_t which[2])
{
	struct run *r = &t->s->run;
	const uint32_t *nodes = t->s->lists + t->op->list.first;
	bool any = t->op->kw == KW_ANY_OF;
	unsigned fits = 0;

	for (uint32_t i = 0; i < t->op->list.n && !r->stopped; i++) {
		r->room = c->base + 1 + c->n + t->s->errors * HELD;
		r->missed = 0;
		if (fits > 0 ? try_quietly(t, nodes[i]) : try_schema(t, nodes[i])) {
			if (fits < 2)
				which[fits] = i;
			fits++;
			if (any ? t->marks == NO_MARKS : fits > 1)
				break;
		} else if (fits == 0 && !r->stopped) {
			compare(r, c, i, t->v);
		}
	}
	return fits;
}

APART static bool
check_any_loud(const struct task *t)
{
	struct run *r = &t->s->run;
	struct closest c = {.base = r->nfaults, .only_types = true};
	size_t room = r->room, missed = r->missed;
	uint32_t which[2];
	unsigned fits;

	/* What is said if none fits; all errors that are tried are behind it. */
	r->room = SIZE_MAX;
	fail(t);
	fits = count_fitting(t, &c, which);
	r->room = room;
	r->missed = missed;
	if (fits > 0 || r->stopped)
		r->nfaults = c.base;
	else
		fail_closest(t, &c);
	if (fits > 1 && t->op->kw == KW_ONE_OF)
		return fail_with(t, t->v, which[0], which[1]);
	if (r->nfaults > room) {
		r->missed += r->nfaults - room;
		r->nfaults = room;
	}
	return fits > 0 && !r->stopped;
}

static bool
check_any_quiet(const struct task *t)
{
	const uint32_t *nodes = t->s->lists + t->op->list.first;
	bool any = t->op->kw == KW_ANY_OF;
	unsigned fits = 0;

	for (uint32_t i = 0; i < t->op->list.n && !t->s->run.stopped; i++) {
		fits += try_schema(t, nodes[i]);
		if (any ? fits > 0 && t->marks == NO_MARKS : fits > 1)
			break;
	}
	return any ? fits > 0 : fits == 1;
}

/* What looks at no other schema. */
APART static bool
check_alone(const struct task *t)
{
	switch (t->op->kw) {
	case KW_TYPE:
		return check_type(t);
	case KW_ENUM:
		return check_enum(t);
	case KW_CONST:
		return check_const(t);
	case KW_MULTIPLE_OF:
	case KW_MAXIMUM:
	case KW_EXCLUSIVE_MAXIMUM:
	case KW_MINIMUM:
	case KW_EXCLUSIVE_MINIMUM:
		return check_number(t);
	case KW_MAX_LENGTH:
	case KW_MIN_LENGTH:
		return check_size(t, JSON_STRING, t->op->kw == KW_MAX_LENGTH);
	case KW_MAX_ITEMS:
	case KW_MIN_ITEMS:
		return check_size(t, JSON_ARRAY, t->op->kw == KW_MAX_ITEMS);
	case KW_MAX_PROPERTIES:
	case KW_MIN_PROPERTIES:
		return check_size(t, JSON_OBJECT, t->op->kw == KW_MAX_PROPERTIES);
	case KW_PATTERN:
		return check_pattern(t);
	case KW_FORMAT:
		return check_format(t);
	case KW_UNIQUE_ITEMS:
		return check_unique(t);
	case KW_REQUIRED:
		return check_required(t);
	case KW_DEPENDENT_REQUIRED:
		return check_dependent_required(t);
	default:
		return true;
	}
}

static bool
check_op(const struct task *t)
{
	switch (t->op->kw) {
	case KW_CONTAINS:
		return check_contains(t);
	case KW_PREFIX_ITEMS:
		return check_items(t);
	case KW_PROPERTIES:
		return check_object(t);
	case KW_REF:
	case KW_DYNAMIC_REF:
		return check_ref(t);
	case KW_ALL_OF:
		return check_all(t);
	case KW_ANY_OF:
	case KW_ONE_OF:
		return t->s->run.quiet > 0 ? check_any_quiet(t) : check_any_loud(t);
	case KW_NOT:
		return check_not(t);
	case KW_IF:
		return check_if(t);
	case KW_DEPENDENT_SCHEMAS:
		return check_dependent_schemas(t);
	case KW_UNEVALUATED_ITEMS:
		return check_unevaluated(t, JSON_ARRAY);
	case KW_UNEVALUATED_PROPERTIES:
		return check_unevaluated(t, JSON_OBJECT);
	default:
		return check_alone(t);
	}
}

static void
enter(struct run *r, uint32_t resource)
{
	if (r->entered[resource]++ == 0)
		r->scope[r->nscope++] = resource;
}

static void
leave(struct run *r, uint32_t resource)
{
	if (--r->entered[resource] == 0)
		r->nscope--;
}

static bool
check_ops(struct task *t)
{
	const struct run *r = &t->s->run;
	bool good = true;

	for (uint32_t i = 0; i < t->node->n; i++) {
		t->op = &t->s->ops[t->node->first + i];
		if (check_op(t))
			continue;
		good = false;
		/* A value of the wrong type is not looked at any further. */
		if (r->quiet > 0 || r->stopped || t->op->kw == KW_TYPE)
			break;
	}
	return good && !r->stopped;
}

/* The schema "false". */
APART static bool
forbid(const struct task *t)
{
	add_fault(&t->s->run,
	    (struct fault){
		.v = t->v, .at = t->node->at, .document = t->node->document});
	return false;
}

static bool
check(struct schema *s, uint32_t number, const struct value *v, size_t marks)
{
	struct run *r = &s->run;
	struct task t = {.s = s, .node = &s->nodes[number], .v = v, .marks = marks};
	bool own, good;

	if (!spend(s, 1))
		return false;
	if (t.node->never)
		return forbid(&t);
	if (t.node->n == 0)
		return true;
	if (r->depth == SCHEMA_DEPTH_MAX)
		return stop(s, "too deep: the schema refers to itself without end, "
			       "or the value is nested too deeply for it");
	r->depth++;
	enter(r, t.node->resource);
	own = t.node->evaluates && v->count > 0;
	if (own)
		t.marks = new_marks(s, v);
	good = check_ops(&t);
	if (own)
		end_marks(s, v, t.marks, marks, good);
	leave(r, t.node->resource);
	r->depth--;
	return good;
}

int
schema_check(struct schema *s, struct span value, struct err *e)
{
	struct run *r = &s->run;
	bool good = true;

	r->e = e;
	r->stopped = false;
	r->nfaults = r->missed = r->depth = 0;
	r->room = s->errors * HELD;
	buf_clear(&r->marks);
	if (tree_parse(&r->tree, value) != 0)
		return err_set(e, "4 GB is too large");
	r->steps = s->steps != 0 ? s->steps
				 : SCHEMA_STEPS_DEFAULT + value.n +
				       SCHEMA_STEPS_PER_VALUE * r->tree.n;
	if (s->refuse_duplicates && r->tree.repeated != 0) {
		add_fault(r, (struct fault){.v = &r->tree.values[r->tree.repeated],
				 .kind = FAULT_REPEATED});
		good = false;
	}
	good = check(s, 1, r->tree.values, NO_MARKS) && good;
	if (r->stopped) {
		r->nfaults = r->missed = 0;
		return -1;
	}
	report_sort(s);
	return good;
}

void
run_release(struct run *r)
{
	tree_release(&r->tree);
	buf_release(&r->marks);
	free(r->faults);
	free(r->scope);
	free(r->entered);
	free(r->hashes);
	free(r->slots);
}
