/* All implementations of scan against a slow one, at every length and place. */
#include "json/scan.h"

#include "base/buf.h"
#include "base/mem.h"
#include "io/rng.h"
#include "io/utf8.h"
#include "tap.h"

#define LENGTH_MAX 100

#define THING(literal)                       \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

/* What is put into otherwise plain text. */
static const struct span things[] = {
    THING("\""),
    THING("\\"),
    THING("\\\\\""),
    THING("\\u00e9"),
    THING("\\ud83d\\ude00\\\""),
    THING("\\u12"),
    THING("\\x"),
    THING("\n"),
    THING("\0"),
    THING("\x1f"),
    THING("\x7f"),
    THING("\xc3\xa9"),
    THING("\xc3\""),
    THING("\xc3\xc3\xa9"),
    THING("\xc1\xbf"),
    THING("\xa9"),
    THING("\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"),
    THING("\xe2\x82"),
    THING("\xe2\x82\\n"),
    THING("\xe0\x9f\xbf"),
    THING("\xe0\xa0\x80"),
    THING("\xed\x9f\xbf"),
    THING("\xed\xa0\x80"),
    THING("\xf0\x9f\x98\x80\xf0\x9f\x98\x80"),
    THING("\xf0\x8f\xbf\xbf"),
    THING("\xf0\x9f\x98"),
    THING("\xf4\x8f\xbf\xbf"),
    THING("\xf4\x90\x80\x80"),
    THING("\xf5\x80\x80\x80"),
    THING("\xff"),
    THING("\xc3\xa9\x80"),
    THING("[]{}"),
};
#define THINGS (sizeof things / sizeof things[0])

static const char *
slow_plain(const char *p, const char *end)
{
	uint32_t code;
	size_t n;

	for (; p < end; p += n) {
		n = utf8_decode(p, (size_t)(end - p), &code);
		if (n == 0 || code < 0x20 || code == '"' || code == '\\')
			break;
	}
	return p;
}

static bool
is_hex4(const char *p, const char *end)
{
	char digits[] = "0123456789abcdefABCDEF";

	if (end - p < 4)
		return false;
	for (int i = 0; i < 4; i++)
		if (p[i] == '\0' || strchr(digits, p[i]) == NULL)
			return false;
	return true;
}

static const char *
slow_string(const char *p, const char *end)
{
	for (;;) {
		p = slow_plain(p, end);
		if (p == end)
			return NULL;
		if (*p == '"')
			return p;
		if (*p != '\\' || end - p < 2 || p[1] == '\0')
			return NULL;
		if (p[1] == 'u' && is_hex4(p + 2, end))
			p += 6;
		else if (strchr("\"\\/bfnrt", p[1]) != NULL)
			p += 2;
		else
			return NULL;
	}
}

/* Of a string that slow_string() has found whole. */
static const char *
slow_quote(const char *p)
{
	for (; *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p;
}

/* Copies up to a backslash, into memory of just the size. */
static bool
copies(const struct scan *s, const char *p, const char *end)
{
	size_t n = (size_t)(end - p), copied;
	const char *backslash = n == 0 ? NULL : memchr(p, '\\', n);
	const char *want = backslash == NULL ? end : backslash;
	char *out = malloc(n == 0 ? 1 : n), *to = out;
	bool good = s->copy(&to, p, end) == want;

	copied = (size_t)(to - out);
	good = good && copied == (size_t)(want - p) && memcmp(out, p, copied) == 0;
	free(out);
	return good;
}

static bool
copies_plain(const struct scan *s, const char *p, const char *end)
{
	size_t n = (size_t)(end - p), copied;
	const char *want = slow_plain(p, end);
	char *out = malloc(n == 0 ? 1 : n), *to = out;
	bool good = s->copy_plain(&to, p, end) == want;

	copied = (size_t)(to - out);
	good = good && copied == (size_t)(want - p) && memcmp(out, p, copied) == 0;
	free(out);
	return good;
}

/* Counts differences; the bytes stand at the very end of their memory. */
static int
compare(const struct scan *s, struct span text)
{
	char *copy = malloc(text.n == 0 ? 1 : text.n);
	const char *end = copy + text.n, *want;
	int wrong = 0;

	memcpy(copy, text.p, text.n);
	wrong += s->plain(copy, end) != slow_plain(copy, end);
	wrong += !copies(s, copy, end);
	wrong += !copies_plain(s, copy, end);
	want = slow_string(copy, end);
	wrong += s->string(copy, end) != want;
	if (want != NULL)
		wrong += s->quote(copy, end) != slow_quote(copy);
	free(copy);
	return wrong;
}

/* length bytes of plain text with things at i and, after a gap, another at the end.
 */
static void
lay_out(struct buf *b, size_t length, size_t at, struct span thing)
{
	buf_clear(b);
	for (size_t i = 0; i < at; i++)
		buf_addc(b, (char)('a' + i % 26));
	buf_addspan(b, thing);
	while (b->len < length)
		buf_addc(b, (char)('A' + b->len % 26));
}

static void
test_places(const struct scan *s)
{
	struct buf b = BUF_INIT;
	int wrong = 0, tried = 0;

	for (size_t t = 0; t < THINGS; t++) {
		for (size_t length = 0; length < LENGTH_MAX;
		     length += 1 + length / 40) {
			for (size_t at = 0; at <= length; at++, tried += 2) {
				lay_out(&b, length, at, things[t]);
				wrong += compare(s, buf_span(&b));
				buf_addc(&b, '"');
				wrong += compare(s, buf_span(&b));
			}
		}
	}
	ok(wrong == 0 && tried > 10000,
	    "%s: a thing at every place, %d wrong of %d", s->name, wrong, tried);
	buf_release(&b);
}

static void
test_random(const struct scan *s)
{
	struct buf b = BUF_INIT;
	struct rng r;
	int wrong = 0;

	rng_seed(&r, 1);
	for (int i = 0; i < 20000; i++) {
		size_t n = rng_below(&r, 12);

		buf_clear(&b);
		while (n-- > 0) {
			size_t plain = rng_below(&r, 3) == 0 ? rng_below(&r, 40)
							     : 0;

			buf_addspan(&b, things[rng_below(&r, THINGS)]);
			while (plain-- > 0)
				buf_addc(&b, 'x');
		}
		wrong += compare(s, buf_span(&b));
	}
	ok(wrong == 0, "%s: random strings, %d wrong", s->name, wrong);
	buf_release(&b);
}

/* Any bytes that could be told apart wrongly, most of them beyond ASCII. */
static void
test_random_bytes(const struct scan *s)
{
	static const unsigned char bytes[] = {0x00, 0x1f, 0x20, 0x22, 0x5c, 0x7f,
	    0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1,
	    0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff};
	char text[80];
	struct rng r;
	int wrong = 0;

	rng_seed(&r, 2);
	for (int i = 0; i < 50000; i++) {
		size_t n = rng_below(&r, sizeof text);

		memset(text, 'x', sizeof text);
		for (size_t at = rng_below(&r, 70), k = 0; k < 6 && at + k < n; k++)
			text[at + k] = (char)bytes[rng_below(&r, sizeof bytes)];
		wrong += compare(s, span_of(text, n));
	}
	ok(wrong == 0, "%s: random bytes, %d wrong", s->name, wrong);
}

/* Nested arrays and objects, with strings that hold brackets, of growing length. */
static void
test_close(const struct scan *s)
{
	struct buf b = BUF_INIT;
	int wrong = 0;

	for (size_t pad = 0; pad < LENGTH_MAX; pad++) {
		char *copy;

		buf_clear(&b);
		buf_adds(&b, "[{\"]}\\\"\":[]},");
		for (size_t i = 0; i < pad; i++)
			buf_addc(&b, ' ');
		buf_adds(&b, "\"\\\\\",[[{}],1]]");
		copy = mem_dup(b.data, b.len);
		wrong += s->close(copy + 1, copy + b.len) != copy + b.len;
		wrong += s->close(copy + 2, copy + b.len) != copy + 12;
		free(copy);
	}
	ok(wrong == 0, "%s: brackets, %d wrong", s->name, wrong);
	buf_release(&b);
}

/* Values one in the other, strings with brackets, quotes and rows of backslashes
 * over blocks' ends; each value's end is where it was written. */
static void
test_close_random(const struct scan *s)
{
	static const char *const in_string[] = {
	    "]", "}", "[", "{", "\\\"", "\\\\", "\\n", "x", ",", "\xc3\xa9"};
	struct buf b = BUF_INIT;
	size_t open[16], end[64], begin[64];
	struct rng r;
	int wrong = 0;

	rng_seed(&r, 3);
	for (int i = 0; i < 5000; i++) {
		size_t depth = 0, values = 0;
		char *copy;

		buf_clear(&b);
		do {
			size_t n = rng_below(&r, 12);

			if (depth == 0 || (depth < 16 && n < 3 && values < 40)) {
				begin[values] = b.len;
				open[depth++] = values++;
				buf_addc(&b, n % 2 == 0 ? '[' : '{');
			} else if (n < 5) {
				end[open[--depth]] = b.len + 1;
				buf_addc(&b, b.data[begin[open[depth]]] + 2);
			} else if (n < 8) {
				buf_adds(&b, "12, ");
			} else {
				buf_addc(&b, '"');
				for (size_t k = rng_below(&r, 40); k > 0; k--)
					buf_adds(&b, in_string[rng_below(&r, 10)]);
				buf_addc(&b, '"');
			}
		} while (depth > 0);
		copy = mem_dup(b.data, b.len);
		for (size_t v = 0; v < values; v++)
			wrong += s->close(copy + begin[v] + 1, copy + b.len) !=
				 copy + end[v];
		free(copy);
	}
	ok(wrong == 0, "%s: random values, %d wrong", s->name, wrong);
	buf_release(&b);
}

int
main(void)
{
	const struct scan *s;
	size_t n = 0;

	for (; (s = scan_choice(n)) != NULL; n++) {
		test_places(s);
		test_random(s);
		test_random_bytes(s);
		test_close(s);
		test_close_random(s);
	}
	ok(n > 0 && scan_choice(n - 1) == &scan_portable, "%zu implementations", n);
	return done();
}
