#include "tap.h"

#include "io/rng.h"
#include "io/utf8.h"

/* The grammar of RFC 3629, section 4, in its own words. */
static size_t
reference_length(const unsigned char *p, size_t n)
{
#define TAIL(i)     (p[i] >= 0x80 && p[i] <= 0xbf)
#define IN(i, a, b) (p[i] >= (a) && p[i] <= (b))
	if (p[0] <= 0x7f)
		return 1;
	if (n >= 2 && IN(0, 0xc2, 0xdf) && TAIL(1))
		return 2;
	if (n >= 3 &&
	    ((p[0] == 0xe0 && IN(1, 0xa0, 0xbf)) ||
		(IN(0, 0xe1, 0xec) && TAIL(1)) ||
		(p[0] == 0xed && IN(1, 0x80, 0x9f)) ||
		(IN(0, 0xee, 0xef) && TAIL(1))) &&
	    TAIL(2))
		return 3;
	if (n >= 4 &&
	    ((p[0] == 0xf0 && IN(1, 0x90, 0xbf)) ||
		(IN(0, 0xf1, 0xf3) && TAIL(1)) ||
		(p[0] == 0xf4 && IN(1, 0x80, 0x8f))) &&
	    TAIL(2) && TAIL(3))
		return 4;
	return 0;
}

static size_t
reference_valid(struct span s)
{
	size_t i = 0, len;

	while (i < s.n) {
		len = reference_length((const unsigned char *)s.p + i, s.n - i);
		if (len == 0)
			return i;
		i += len;
	}
	return i;
}

static void
test_every_character(void)
{
	bool good = true;
	char out[4];
	uint32_t back;

	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		size_t n = utf8_encode(c, out);

		good = good && utf8_decode(out, n, &back) == n && back == c &&
		       utf8_valid(span_of(out, n)) == n;
		good = good && (n == 1 || utf8_decode(out, n - 1, &back) == 0);
	}
	ok(good, "every character there and back, and none of them cut short");
}

/*
 * Every pair of bytes, before every kind of third and fourth, at each place
 * where blocks of 16, 32 and 64 bytes meet.
 */
static void
test_every_pair(void)
{
	static const unsigned char next[] = {
	    0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc2};
	static const size_t places[] = {
	    0, 13, 28, 29, 30, 31, 32, 60, 61, 62, 63, 64, 100};
	unsigned char text[160] = {0};
	struct span s = span_of((char *)text, sizeof(text));
	long bad = 0;

	for (unsigned pair = 0; pair < 65536; pair++)
		for (size_t k = 0; k < 64; k++) {
			size_t at = places[(pair + k) % 13];

			memset(text, 'a', sizeof(text));
			text[at] = (unsigned char)(pair >> 8);
			text[at + 1] = (unsigned char)pair;
			text[at + 2] = next[k / 8];
			text[at + 3] = next[k % 8];
			bad += utf8_valid(s) != reference_valid(s);
		}
	is_int(bad, 0, "every pair of bytes, at the borders of blocks");
}

static size_t
random_text(struct rng *r, char *text, size_t size)
{
	size_t n = 0;
	uint64_t kind;

	while (n + 80 < size) {
		kind = rng_below(r, 12);
		if (kind == 0) {
			memset(text + n, 'x', 70);
			n += 70;
		} else if (kind < 5) {
			n += utf8_encode((uint32_t)rng_below(r, 0x80), text + n);
		} else if (kind < 8) {
			n += utf8_encode(
			    0x80 + (uint32_t)rng_below(r, 0x780), text + n);
		} else if (kind < 10) {
			n += utf8_encode(
			    0x800 + (uint32_t)rng_below(r, 0xc000), text + n);
		} else {
			n += utf8_encode(
			    0x10000 + (uint32_t)rng_below(r, 0x100000), text + n);
		}
	}
	return n;
}

static void
test_random(void)
{
	struct rng r;
	char text[400];
	long bad = 0, valid = 0, refused = 0;

	rng_seed(&r, 7);
	for (int i = 0; i < 100000; i++) {
		struct span s = span_of(text, random_text(&r, text, sizeof(text)));

		if (i % 2 == 0)
			text[rng_below(&r, s.n)] = (char)rng_next(&r);
		s.n = rng_below(&r, s.n + 1);
		bad += utf8_valid(s) != reference_valid(s);
		valid += reference_valid(s) == s.n;
		refused += reference_valid(s) < s.n;
	}
	ok(valid > 10000 && refused > 10000, "random texts are good and bad");
	is_int(bad, 0, "and judged rightly, to the byte");
}

static void
test_width(void)
{
	is_int((long long)utf8_width(SPAN("plain")), 5, "ASCII");
	is_int((long long)utf8_width(SPAN("")), 0, "nothing");
	is_int((long long)utf8_width(SPAN("\u00e9\u03b1")), 2, "letters");
	is_int((long long)utf8_width(SPAN("e\u0301")), 1, "a combining accent");
	is_int((long long)utf8_width(SPAN("\u4e2d\u6587")), 4, "Chinese");
	is_int((long long)utf8_width(SPAN("\U0001f600")), 2, "an emoji");
	is_int((long long)utf8_width(SPAN("\uff21")), 2, "a full-width letter");
	is_int((long long)utf8_width(SPAN("a\u200bb")), 2, "a zero-width space");
	is_int((long long)utf8_width(SPAN("\xff!")), 2, "a byte that is none");
}

int
main(void)
{
	test_every_character();
	test_every_pair();
	test_random();
	test_width();
	return done();
}
