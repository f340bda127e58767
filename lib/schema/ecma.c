#include "schema/ecma.h"

#include "io/hash.h"

#include <inttypes.h>

/* White space and line ends, and all else, as members of a class. */
#define SPACE                                                                   \
	"\\x09-\\x0d\\x20\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}" \
	"\\x{202f}\\x{205f}\\x{3000}\\x{feff}"
#define NO_SPACE                                                                  \
	"\\x00-\\x08\\x0e-\\x1f\\x21-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}" \
	"\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}"               \
	"\\x{2060}-\\x{2fff}\\x{3001}-\\x{d7ff}\\x{e000}-\\x{fefe}"               \
	"\\x{ff00}-\\x{10ffff}"

struct pattern {
	struct buf *out;
	struct err *e;
	const char *begin, *p, *end;
	bool class;      /* within brackets */
	bool repeatable; /* what was written last may have a quantifier */
};

static int
refuse(struct pattern *t, const char *at, const char *why)
{
	return err_set(t->e, "at byte %td: %s", at - t->begin + 1, why);
}

static bool
next_is(const struct pattern *t, const char *s)
{
	return span_starts(span_of(t->p, (size_t)(t->end - t->p)), span_str(s));
}

static bool
skip(struct pattern *t, const char *s)
{
	if (!next_is(t, s))
		return false;
	t->p += strlen(s);
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- escapes ---- */

/* n hex digits. */
static bool
take_hex(struct pattern *t, size_t n, uint32_t *code)
{
	unsigned char bytes[2];

	if ((size_t)(t->end - t->p) < n ||
	    hash_unhex(span_of(t->p, n), bytes, n / 2) != 0)
		return false;
	*code = n == 2 ? bytes[0] : (uint32_t)bytes[0] << 8 | bytes[1];
	t->p += n;
	return true;
}

static int
take_braced(struct pattern *t, const char *at, uint32_t *code)
{
	unsigned char byte;
	char digits[2] = {'0', '0'};

	*code = 0;
	for (; t->p < t->end && *t->p != '}'; t->p++) {
		digits[1] = *t->p;
		if (hash_unhex(span_of(digits, 2), &byte, 1) != 0 ||
		    (*code = *code << 4 | byte) > 0x10ffff)
			return refuse(t, at, "not a code point");
	}
	return skip(t, "}") ? 0 : refuse(t, at, "not a code point");
}

/* Behind \u. */
static int
take_code(struct pattern *t, const char *at, uint32_t *code)
{
	const char *second;
	uint32_t low;

	if (skip(t, "{"))
		return take_braced(t, at, code);
	if (!take_hex(t, 4, code))
		return refuse(t, at, "\\u wants four hex digits");
	second = t->p;
	if (*code >= 0xd800 && *code < 0xdc00 && skip(t, "\\u") &&
	    take_hex(t, 4, &low) && low >= 0xdc00 && low < 0xe000)
		*code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
	else
		t->p = second;
	return 0;
}

static int
add_code(struct pattern *t, const char *at, uint32_t code)
{
	if (code >= 0xd800 && code < 0xe000)
		return refuse(t, at, "half of a surrogate pair");
	buf_addf(t->out, "\\x{%" PRIx32 "}", code);
	return 0;
}

/* The general categories by their long names; PCRE2 knows the short. */
static struct span
short_name(struct span name)
{
	static const char *const names[] = {"Letter=L", "Cased_Letter=L&",
	    "Uppercase_Letter=Lu", "Lowercase_Letter=Ll", "Titlecase_Letter=Lt",
	    "Modifier_Letter=Lm", "Other_Letter=Lo", "Mark=M", "Combining_Mark=M",
	    "Nonspacing_Mark=Mn", "Spacing_Mark=Mc", "Enclosing_Mark=Me",
	    "Number=N", "Decimal_Number=Nd", "digit=Nd", "Letter_Number=Nl",
	    "Other_Number=No", "Punctuation=P", "punct=P",
	    "Connector_Punctuation=Pc", "Dash_Punctuation=Pd",
	    "Open_Punctuation=Ps", "Close_Punctuation=Pe", "Initial_Punctuation=Pi",
	    "Final_Punctuation=Pf", "Other_Punctuation=Po", "Symbol=S",
	    "Math_Symbol=Sm", "Currency_Symbol=Sc", "Modifier_Symbol=Sk",
	    "Other_Symbol=So", "Separator=Z", "Space_Separator=Zs",
	    "Line_Separator=Zl", "Paragraph_Separator=Zp", "Other=C", "Control=Cc",
	    "cntrl=Cc", "Format=Cf", "Surrogate=Cs", "Private_Use=Co",
	    "Unassigned=Cn", "LC=L&"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *equals = strchr(names[i], '=');

		if (span_eq(name, span_of(names[i], (size_t)(equals - names[i]))))
			return span_str(equals + 1);
	}
	return name;
}

/* Behind \p or \P. */
static int
take_property(struct pattern *t, const char *at)
{
	const char *begin;
	struct span name;

	if (!skip(t, "{"))
		return refuse(t, at, "\\p wants a name in braces");
	if (!skip(t, "General_Category="))
		skip(t, "gc=");
	for (begin = t->p; t->p < t->end && *t->p != '}';)
		t->p++;
	name = short_name(span_of(begin, (size_t)(t->p - begin)));
	if (!skip(t, "}") || memchr(name.p, '\0', name.n) != NULL)
		return refuse(t, at, "\\p wants a name in braces");
	buf_addf(t->out, "\\%c{%.*s}", at[1], (int)name.n, name.p);
	return 0;
}

/* A group that took no part is empty. */
static int
take_number(struct pattern *t)
{
	const char *begin = t->p - 1;
	int n;

	while (t->p < t->end && is_digit(*t->p))
		t->p++;
	n = (int)(t->p - begin);
	buf_addf(t->out, "(?(%.*s)\\g{%.*s})", n, begin, n, begin);
	return 0;
}

static int
take_name(struct pattern *t, const char *at)
{
	const char *begin;
	int n;

	if (!skip(t, "<"))
		return refuse(t, at, "\\k wants a name in angle brackets");
	for (begin = t->p; t->p < t->end && *t->p != '>' && *t->p != '\0';)
		t->p++;
	n = (int)(t->p - begin);
	if (!skip(t, ">"))
		return refuse(t, at, "\\k wants a name in angle brackets");
	buf_addf(t->out, "(?(<%.*s>)\\k<%.*s>)", n, begin, n, begin);
	return 0;
}

static void
add_space(struct pattern *t, const char *members)
{
	if (t->class)
		buf_adds(t->out, members);
	else
		buf_addf(t->out, "[%s]", members);
}

static int
take_letter(struct pattern *t, const char *at)
{
	uint32_t code;

	switch (at[1]) {
	case 'd':
	case 'D':
	case 'w':
	case 'W':
	case 't':
	case 'n':
	case 'r':
	case 'f':
		buf_add(t->out, at, 2);
		return 0;
	case 'v':
		buf_adds(t->out, "\\x0b");
		return 0;
	case 's':
		add_space(t, SPACE);
		return 0;
	case 'S':
		add_space(t, NO_SPACE);
		return 0;
	case 'b':
	case 'B':
		if (t->class && at[1] == 'B')
			break;
		t->repeatable = t->class;
		buf_add(t->out, at, 2);
		return 0;
	case 'c':
		if (t->p == t->end || !is_letter(*t->p))
			break;
		return add_code(t, at, (uint32_t)*t->p++ & 31);
	case 'x':
		if (!take_hex(t, 2, &code))
			break;
		return add_code(t, at, code);
	case 'u':
		return take_code(t, at, &code) == 0 ? add_code(t, at, code) : -1;
	case 'p':
	case 'P':
		return take_property(t, at);
	case 'k':
		if (!t->class)
			return take_name(t, at);
		break;
	default:
		break;
	}
	return refuse(t, at, "no escape of ECMA-262");
}

static int
take_escape(struct pattern *t)
{
	const char *at = t->p++;
	char c;

	if (t->p == t->end)
		return refuse(t, at, "\\ at the end");
	t->repeatable = true;
	c = *t->p++;
	if (is_letter(c))
		return take_letter(t, at);
	if (c == '0' && (t->p == t->end || !is_digit(*t->p)))
		return add_code(t, at, 0);
	if (is_digit(c))
		return t->class || c == '0' ? refuse(t, at, "no escape of ECMA-262")
					    : take_number(t);
	if (c == '\0')
		return add_code(t, at, 0);
	/* Only what needs it: PCRE2 has no escapes of other characters. */
	if ((unsigned char)c < 0x80)
		buf_addc(t->out, '\\');
	buf_addc(t->out, c);
	return 0;
}

/* ---- classes, groups, quantifiers ---- */

static int
take_class(struct pattern *t)
{
	const char *at = t->p++;
	bool negated = skip(t, "^");

	t->repeatable = true;
	if (skip(t, "]")) {
		buf_adds(t->out, negated ? "(?s:.)" : "(?!)");
		return 0;
	}
	t->class = true;
	buf_adds(t->out, negated ? "[^" : "[");
	while (t->p < t->end && *t->p != ']') {
		if (*t->p == '\\') {
			if (take_escape(t) != 0)
				return -1;
		} else if (*t->p == '\0') {
			buf_adds(t->out, "\\x00");
			t->p++;
		} else {
			if (*t->p == '[')
				buf_addc(t->out, '\\');
			buf_addc(t->out, *t->p++);
		}
	}
	if (!skip(t, "]"))
		return refuse(t, at, "missing ]");
	buf_addc(t->out, ']');
	t->class = false;
	t->repeatable = true;
	return 0;
}

static int
take_group(struct pattern *t)
{
	const char *at = t->p++;
	bool named;

	t->repeatable = false;
	buf_addc(t->out, '(');
	if (!next_is(t, "?"))
		return next_is(t, "*") ? refuse(t, t->p, "nothing to repeat") : 0;
	named = next_is(t, "?<") && t->end - t->p > 2 &&
		(is_letter(t->p[2]) || t->p[2] == '_');
	if (!named && !next_is(t, "?:") && !next_is(t, "?=") && !next_is(t, "?!") &&
	    !next_is(t, "?<=") && !next_is(t, "?<!"))
		return refuse(t, at, "no group of ECMA-262");
	buf_addc(t->out, *t->p++);
	return 0;
}

/* How long a quantifier in braces is; 0: the brace means itself. */
static size_t
braces(const struct pattern *t)
{
	const char *p = t->p + 1;

	if (p == t->end || !is_digit(*p))
		return 0;
	while (p < t->end && is_digit(*p))
		p++;
	if (p < t->end && *p == ',')
		for (p++; p < t->end && is_digit(*p);)
			p++;
	return p < t->end && *p == '}' ? (size_t)(p + 1 - t->p) : 0;
}

static int
take_quantifier(struct pattern *t, size_t n)
{
	if (!t->repeatable)
		return refuse(t, t->p, "nothing to repeat");
	buf_add(t->out, t->p, n);
	t->p += n;
	if (skip(t, "?"))
		buf_addc(t->out, '?');
	t->repeatable = false;
	return 0;
}

static int
take_next(struct pattern *t)
{
	size_t n = 1;

	switch (*t->p) {
	case '\\':
		return take_escape(t);
	case '[':
		return take_class(t);
	case '(':
		return take_group(t);
	case '{':
		n = braces(t);
		if (n > 0)
			return take_quantifier(t, n);
		buf_addc(t->out, '\\');
		break;
	case '*':
	case '+':
	case '?':
		return take_quantifier(t, n);
	case '.':
		buf_adds(t->out, "[^\\n\\r\\x{2028}\\x{2029}]");
		t->repeatable = true;
		t->p++;
		return 0;
	case '$':
		buf_adds(t->out, "\\z");
		t->repeatable = false;
		t->p++;
		return 0;
	case '\0':
		buf_adds(t->out, "\\x00");
		t->repeatable = true;
		t->p++;
		return 0;
	default:
		break;
	}
	t->repeatable = *t->p != '^' && *t->p != '|';
	buf_addc(t->out, *t->p++);
	return 0;
}

int
ecma_translate(struct buf *out, struct span pattern, struct err *e)
{
	struct pattern t = {.out = out,
	    .e = e,
	    .begin = pattern.p,
	    .p = pattern.p,
	    .end = pattern.p + pattern.n};

	while (t.p < t.end)
		if (take_next(&t) != 0)
			return -1;
	return 0;
}

struct regex *
ecma_regex(struct span pattern, struct err *e)
{
	struct buf translated = BUF_INIT;
	struct regex *r = NULL;

	if (ecma_translate(&translated, pattern, e) == 0)
		r = regex_new(buf_cstr(&translated), false, e);
	buf_release(&translated);
	return r;
}
