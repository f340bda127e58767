#include "io/utf8.h"

#include "io/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Table 3-7 of the Unicode Standard: the second byte's range depends on the first.
 */
size_t
utf8_decode(const char *s, size_t n, uint32_t *code)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t len;
	uint32_t c;

	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	if (p[0] < 0xe0) {
		len = 2;
		c = p[0] & 0x1f;
	} else if (p[0] < 0xf0) {
		len = 3;
		c = p[0] & 0x0f;
		low = p[0] == 0xe0 ? 0xa0 : 0x80;
		high = p[0] == 0xed ? 0x9f : 0xbf;
	} else {
		len = 4;
		c = p[0] & 0x07;
		low = p[0] == 0xf0 ? 0x90 : 0x80;
		high = p[0] == 0xf4 ? 0x8f : 0xbf;
	}
	if (n < len || p[1] < low || p[1] > high)
		return 0;
	c = c << 6 | (p[1] & 0x3f);
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	*code = c;
	return len;
}

size_t
utf8_encode(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

static size_t
valid_scalar(struct span s, size_t i)
{
	uint32_t code;
	uint64_t word[2];
	size_t len;

	while (i < s.n) {
		while (s.n - i >= sizeof(word)) {
			memcpy(word, s.p + i, sizeof(word));
			if (((word[0] | word[1]) & UINT64_C(0x8080808080808080)) !=
			    0)
				break;
			i += sizeof(word);
		}
		while (i < s.n && (unsigned char)s.p[i] < 0x80)
			i++;
		while (i < s.n && (unsigned char)s.p[i] >= 0x80) {
			len = utf8_decode(s.p + i, s.n - i, &code);
			if (len == 0)
				return i;
			i += len;
		}
	}
	return s.n;
}

#if defined(__x86_64__)

/*
 * Validating UTF-8 In Less Than One Instruction Per Byte (Keiser and Lemire,
 * 2020).  Of each two bytes in a row three nibbles (both of the first, the high
 * one of the second) are looked up; each table gives the set of mistakes its
 * nibble allows, and a mistake that all three allow is made.  TWO_CONTS alone
 * is none where a lead byte two or three places before asks for it.
 */
enum {
	TOO_SHORT = 1 << 0,  /* a lead byte, and no continuation after it */
	TOO_LONG = 1 << 1,   /* ASCII, and a continuation after it */
	OVERLONG_3 = 1 << 2, /* e0 80..9f */
	TOO_LARGE = 1 << 3,  /* f4 90.., f5.. 90.. */
	SURROGATE = 1 << 4,  /* ed a0.. */
	OVERLONG_2 = 1 << 5, /* c0, c1 */
	OVERLONG_4 = 1 << 6, /* f0 80..8f; and f5.. 80..8f */
	TWO_CONTS = 1 << 7,  /* two continuations */
	ANY_LOW = TOO_SHORT | TOO_LONG | TWO_CONTS,
	BIG_LOW = ANY_LOW | TOO_LARGE | OVERLONG_4,
	CONT_ANY = TOO_LONG | OVERLONG_2 | TWO_CONTS,
};

/* A 16 byte table in both halves of a register. */
#define TABLE(...)                                   \
	_mm256_broadcastsi128_si256(_mm_loadu_si128( \
	    (const __m128i *)(const void *)(const uint8_t[16]){__VA_ARGS__}))

/* The bytes of now, k places later, the gap filled from the end of before. */
#define SHIFTED(now, before, k) \
	_mm256_alignr_epi8(     \
	    now, _mm256_permute2x128_si256(before, now, 0x21), 16 - (k))

__attribute__((target("avx2"))) static inline __m256i
mistakes(__m256i now, __m256i before)
{
	const __m256i first_high = TABLE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
	    TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TWO_CONTS, TWO_CONTS, TWO_CONTS,
	    TWO_CONTS, TOO_SHORT | OVERLONG_2, TOO_SHORT,
	    TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | OVERLONG_4);
	const __m256i first_low = TABLE(
	    ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4, ANY_LOW | OVERLONG_2,
	    ANY_LOW, ANY_LOW, ANY_LOW | TOO_LARGE, BIG_LOW, BIG_LOW, BIG_LOW,
	    BIG_LOW, BIG_LOW, BIG_LOW, BIG_LOW, BIG_LOW, BIG_LOW | SURROGATE,
	    BIG_LOW, BIG_LOW);
	const __m256i second_high = TABLE(TOO_SHORT, TOO_SHORT, TOO_SHORT,
	    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
	    CONT_ANY | OVERLONG_3 | OVERLONG_4, CONT_ANY | OVERLONG_3 | TOO_LARGE,
	    CONT_ANY | SURROGATE | TOO_LARGE, CONT_ANY | SURROGATE | TOO_LARGE,
	    TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT);
	const __m256i nibble = _mm256_set1_epi8(0x0f);
	__m256i prev1 = SHIFTED(now, before, 1);
	__m256i prev2 = SHIFTED(now, before, 2);
	__m256i prev3 = SHIFTED(now, before, 3);
	__m256i found, wanted;

	found = _mm256_and_si256(
	    _mm256_and_si256(
		_mm256_shuffle_epi8(first_high,
		    _mm256_and_si256(_mm256_srli_epi16(prev1, 4), nibble)),
		_mm256_shuffle_epi8(first_low, _mm256_and_si256(prev1, nibble))),
	    _mm256_shuffle_epi8(
		second_high, _mm256_and_si256(_mm256_srli_epi16(now, 4), nibble)));
	/* The high bit is left where prev2 is e0 or more, or prev3 f0 or more. */
	wanted = _mm256_or_si256(
	    _mm256_subs_epu8(prev2, _mm256_set1_epi8(0xe0 - 0x80)),
	    _mm256_subs_epu8(prev3, _mm256_set1_epi8((char)(0xf0 - 0x80))));
	wanted = _mm256_and_si256(wanted, _mm256_set1_epi8((char)0x80));
	return _mm256_xor_si256(found, wanted);
}

/*
 * Offset up to which all is valid but for a sequence that may be unfinished
 * there: either too few bytes are left for a block, or a mistake is near.
 */
__attribute__((target("avx2"))) static size_t
valid_avx2(struct span s)
{
	__m256i now, next, before = _mm256_setzero_si256();
	__m256i bad;
	size_t i = 0;

	for (; s.n - i >= 64; i += 64) {
		now = _mm256_loadu_si256((const __m256i *)(const void *)(s.p + i));
		next = _mm256_loadu_si256(
		    (const __m256i *)(const void *)(s.p + i + 32));
		if (_mm256_movemask_epi8(_mm256_or_si256(now, next)) == 0) {
			/* A lead byte among the last three: let the scalar code
			 * say. */
			bad = _mm256_subs_epu8(
			    before, _mm256_setr_epi8(-1, -1, -1, -1, -1, -1, -1, -1,
					-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
					-1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
					(char)0xef, (char)0xdf, (char)0xbf));
		} else {
			bad = _mm256_or_si256(
			    mistakes(now, before), mistakes(next, now));
		}
		if (!_mm256_testz_si256(bad, bad))
			break;
		before = next;
	}
	return i;
}

#endif

size_t
utf8_valid(struct span s)
{
	size_t i = 0, back;

#if defined(__x86_64__)
	if (s.n >= 64 && cpu_has_avx2()) {
		i = valid_avx2(s);
		/* Back to the start of a sequence that goes on at i. */
		for (back = 1; back <= 3 && back <= i; back++) {
			if ((unsigned char)s.p[i - back] >= 0xc0) {
				i -= back;
				break;
			}
			if ((unsigned char)s.p[i - back] < 0x80)
				break;
		}
	}
#else
	(void)back;
#endif
	return valid_scalar(s, i);
}
