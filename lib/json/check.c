#include "json/check.h"
#include "json/scan.h"

/* The arrays and objects around the next byte: a bit each says which. */
struct nest {
	uint64_t objects[JSON_DEPTH_MAX / 64];
	size_t depth;
	bool object; /* the innermost */
};

bool
check_fail_as(struct check *c, const char *why)
{
	c->why = why;
	return false;
}

bool
check_fail(struct check *c)
{
	return check_fail_as(
	    c, c->p == c->end ? "unexpected end" : "unexpected character");
}

bool
check_string(struct check *c)
{
	const char *quote = scan->string(c->p + 1, c->end);

	if (quote == NULL) {
		c->p = scan_string_fault(c->p + 1, c->end, &c->why);
		return false;
	}
	c->p = quote + 1;
	return true;
}

static bool
check_literal(struct check *c, const char *word)
{
	for (; *word != '\0'; word++, c->p++)
		if (!check_at(c, *word))
			return check_fail(c);
	return true;
}

static bool
check_digits(struct check *c)
{
	if (c->p == c->end || *c->p < '0' || *c->p > '9')
		return check_fail(c);
	while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
		c->p++;
	return true;
}

static bool
check_number(struct check *c)
{
	if (check_at(c, '-'))
		c->p++;
	if (check_at(c, '0'))
		c->p++;
	else if (!check_digits(c))
		return false;
	if (check_at(c, '.')) {
		c->p++;
		if (!check_digits(c))
			return false;
	}
	if (check_at(c, 'e') || check_at(c, 'E')) {
		c->p++;
		if (check_at(c, '+') || check_at(c, '-'))
			c->p++;
		return check_digits(c);
	}
	return true;
}

/* Any value but an array or an object. */
static bool
check_scalar(struct check *c)
{
	if (c->p == c->end)
		return check_fail(c);
	switch (*c->p) {
	case '"':
		return check_string(c);
	case 'n':
		return check_literal(c, "null");
	case 't':
		return check_literal(c, "true");
	case 'f':
		return check_literal(c, "false");
	default:
		return check_number(c);
	}
}

bool
check_name(struct check *c, const char **end)
{
	if (!check_at(c, '"'))
		return check_fail(c);
	if (!check_string(c))
		return false;
	*end = c->p - 1;
	check_space(c);
	if (!check_at(c, ':'))
		return check_fail(c);
	c->p++;
	check_space(c);
	return true;
}

static bool
nest_push(struct nest *n, struct check *c)
{
	uint64_t bit = UINT64_C(1) << n->depth % 64;

	if (n->depth == JSON_DEPTH_MAX)
		return check_fail_as(c, "nested too deeply");
	n->object = *c->p == '{';
	if (n->object)
		n->objects[n->depth / 64] |= bit;
	else
		n->objects[n->depth / 64] &= ~bit;
	n->depth++;
	return true;
}

static void
nest_pop(struct nest *n)
{
	n->depth--;
	if (n->depth > 0) {
		size_t top = n->depth - 1;

		n->object = n->objects[top / 64] >> top % 64 & 1;
	}
}

/*
 * From the end of a value to the next one, or to the end of the outermost,
 * which has only outer arrays and objects around it.
 */
static bool
check_onward(struct check *c, struct nest *n, size_t outer)
{
	const char *name_end;

	while (n->depth > outer) {
		check_space(c);
		if (check_at(c, ',')) {
			c->p++;
			check_space(c);
			return !n->object || check_name(c, &name_end);
		}
		if (!check_at(c, n->object ? '}' : ']'))
			return check_fail(c);
		c->p++;
		nest_pop(n);
	}
	return true;
}

/* Past the bracket, to the first value inside, or past an empty pair. */
static bool
check_open(struct check *c, struct nest *n, bool *empty)
{
	const char *name_end;

	if (!nest_push(n, c))
		return false;
	c->p++;
	check_space(c);
	*empty = check_at(c, n->object ? '}' : ']');
	if (*empty) {
		c->p++;
		nest_pop(n);
		return true;
	}
	return !n->object || check_name(c, &name_end);
}

static bool
at_bracket(const struct check *c)
{
	return check_at(c, '{') || check_at(c, '[');
}

static bool
check_nested(struct check *c, size_t depth)
{
	struct nest n;
	bool whole;

	memset(&n, 0, sizeof n);
	n.depth = depth;
	do {
		if (at_bracket(c)) {
			if (!check_open(c, &n, &whole))
				return false;
		} else {
			if (!check_scalar(c))
				return false;
			whole = true;
		}
		if (whole && !check_onward(c, &n, depth))
			return false;
	} while (n.depth > depth);
	return true;
}

bool
check_value(struct check *c, size_t depth)
{
	return at_bracket(c) ? check_nested(c, depth) : check_scalar(c);
}

bool
check_end(struct check *c)
{
	check_space(c);
	return c->p == c->end ||
	       check_fail_as(c, "unexpected character after the value");
}

static int
fault_at(const struct check *c, struct span text, struct json_fault *f)
{
	f->at = (size_t)(c->p - text.p);
	f->what = c->why;
	return -1;
}

static struct check
check_begin(struct span text)
{
	const char *p = text.p == NULL ? "" : text.p;

	return (struct check){p, p + text.n, NULL};
}

int
json_check(struct span text, struct json_fault *f)
{
	struct check c = check_begin(text);

	text.p = c.p;
	check_space(&c);
	return check_value(&c, 0) && check_end(&c) ? 0 : fault_at(&c, text, f);
}

bool
check_ends_word(const struct check *c)
{
	unsigned char last = (unsigned char)c->p[-1], next;

	if (c->p == c->end || last == '"' || last == '}' || last == ']')
		return true;
	next = (unsigned char)*c->p;
	return check_is_space((char)next) || next == '"' || next == '{' ||
	       next == '[';
}

int
json_check_next(struct span text, size_t *used, struct json_fault *f)
{
	struct check c = check_begin(text);

	text.p = c.p;
	check_space(&c);
	*used = (size_t)(c.p - text.p);
	if (c.p == c.end)
		return 1;
	if (!check_value(&c, 0))
		return fault_at(&c, text, f);
	if (!check_ends_word(&c)) {
		check_fail(&c);
		return fault_at(&c, text, f);
	}
	*used = (size_t)(c.p - text.p);
	return 0;
}
