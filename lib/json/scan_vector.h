/*
 * The scanning loops over blocks of VEC_SIZE bytes, for the file of an
 * instruction set to include once.  It has defined VEC_SIZE, VEC_TARGET (an
 * attribute, or nothing), vec_mask, and
 *
 *	vec_bits(v)      a mask with VEC_LANE bits for each byte of v, which is 0 or
 *0xff vec_before(v, prev, n)  v moved up by n (a constant), the end of prev before
 *it
 *
 * and finds a struct of functions to use in SCAN_FUNCTIONS.  Comparing vectors
 * is left to the compiler's vector extension, which gcc and clang share.
 */
#include "json/scan.h"

#include <stdint.h>
#include <string.h>

#define VEC_INLINE static inline VEC_TARGET __attribute__((always_inline))
#define VEC_ONLY   static VEC_TARGET

VEC_INLINE vec
vec_load(const char *p)
{
	vec v;

	memcpy(&v, p, sizeof v);
	return v;
}

VEC_INLINE unsigned
vec_first(vec_mask m)
{
	return (unsigned)__builtin_ctzll(m) / VEC_LANE;
}

/* Bytes that end a run of plain text. */
VEC_INLINE vec_mask
vec_stops(vec v)
{
	return vec_bits((vec)((v == '"') | (v == '\\') | (v < 0x20)));
}

/*
 * Bytes that cannot stand where they do.  A byte must continue a sequence if
 * one of the three before it is a first byte that reaches as far, and may not
 * otherwise; after some first bytes the second has a narrower range (RFC 3629).
 */
VEC_INLINE vec_mask
vec_not_utf8(vec v, vec prev)
{
	vec b1 = vec_before(v, prev, 1);
	vec b2 = vec_before(v, prev, 2);
	vec b3 = vec_before(v, prev, 3);
	vec must = (vec)((b1 >= 0xc0) | (b2 >= 0xe0) | (b3 >= 0xf0));
	vec does = (vec)((v & 0xc0) == 0x80);
	vec narrow = (vec)(((b1 == 0xe0) & (v < 0xa0)) |
			   ((b1 == 0xed) & (v >= 0xa0)) |
			   ((b1 == 0xf0) & (v < 0x90)) |
			   ((b1 == 0xf4) & (v >= 0x90)));
	vec never = (vec)(((v & 0xfe) == 0xc0) | (v >= 0xf5));

	return vec_bits((must ^ does) | narrow | never);
}

/* A run of plain text being scanned. */
struct vec_run {
	vec prev;       /* the block before */
	vec_mask carry; /* which of its bytes were not ASCII */
	vec_mask stop;  /* which bytes of this block end the run */
};

/* false if the block, as far as it belongs to the run, is not UTF-8. */
VEC_INLINE bool
vec_step(struct vec_run *r, vec v)
{
	vec_mask high = vec_bits((vec)(v >= 0x80)), run;

	r->stop = vec_stops(v);
	run = r->stop ^
	      (r->stop - 1); /* up to the first stop, which is looked at too */
	if (((high & run) | r->carry) != 0 && (vec_not_utf8(v, r->prev) & run) != 0)
		return false;
	r->prev = v;
	r->carry = high;
	return true;
}

/*
 * Where in the run from start the block at p is not UTF-8, to the byte.  All up
 * to p is, but for a sequence that p may be in the middle of.
 */
VEC_ONLY const char *
vec_plain_exactly(const char *start, const char *p, const char *end)
{
	while (p > start && ((unsigned char)p[-1] & 0xc0) == 0x80)
		p--;
	if (p > start && (unsigned char)p[-1] >= 0xc0)
		p--;
	return scan_portable.plain(p, end);
}

VEC_INLINE const char *
vec_plain_inline(const char *p, const char *end)
{
	const char *start = p;
	struct vec_run r = {.carry = 0};
	char last[VEC_SIZE];

	for (; end - p >= VEC_SIZE; p += VEC_SIZE) {
		if (!vec_step(&r, vec_load(p)))
			return vec_plain_exactly(start, p, end);
		if (r.stop != 0)
			return p + vec_first(r.stop);
	}
	memset(last, '"', sizeof last);
	memcpy(last, p, (size_t)(end - p));
	if (!vec_step(&r, vec_load(last)))
		return vec_plain_exactly(start, p, end);
	return p + vec_first(r.stop);
}

VEC_ONLY const char *
vec_plain(const char *p, const char *end)
{
	return vec_plain_inline(p, end);
}

VEC_ONLY const char *
vec_string(const char *p, const char *end)
{
	while ((p = vec_plain_inline(p, end)) < end) {
		if (*p == '"')
			return p;
		do {
			if (*p != '\\' || (p = scan_escape(p, end)) == NULL)
				return NULL;
		} while (p < end && *p == '\\');
	}
	return NULL;
}

VEC_INLINE const char *
vec_quote_inline(const char *p, const char *end)
{
	while (end - p >= VEC_SIZE) {
		vec v = vec_load(p);
		vec_mask m = vec_bits((vec)((v == '"') | (v == '\\')));

		if (m == 0) {
			p += VEC_SIZE;
			continue;
		}
		p += vec_first(m);
		if (*p == '"')
			return p;
		p += 2;
	}
	return scan_portable.quote(p, end);
}

VEC_ONLY const char *
vec_quote(const char *p, const char *end)
{
	return vec_quote_inline(p, end);
}

VEC_ONLY const char *
vec_close(const char *p, const char *end)
{
	size_t depth = 1;

	while (end - p >= VEC_SIZE) {
		vec v = vec_load(p), folded = v | 0x20; /* [ and ] to { and } */
		vec_mask m = vec_bits(
		    (vec)((v == '"') | (folded == '{') | (folded == '}')));
		const char *block = p;

		p += VEC_SIZE;
		for (; m != 0; m &= m - 1) {
			const char *at = block + vec_first(m);

			if (*at == '"') {
				p = vec_quote_inline(at + 1, end) + 1;
				break;
			}
			if (*at == '{' || *at == '[')
				depth++;
			else if (--depth == 0)
				return at + 1;
		}
	}
	return scan_close_from(p, end, depth);
}

#define SCAN_FUNCTIONS vec_plain, vec_string, vec_quote, vec_close
