/*
 * The scanning loops over blocks of VEC_SIZE bytes, for the file of an
 * instruction set to include once.  It has defined VEC_SIZE, VEC_TARGET (an
 * attribute, or nothing), vec_mask, and
 *
 *	vec_bits(v)	a mask with VEC_LANE bits for each byte of v, which
 *			is 0 or 0xff
 *	vec_before(v, prev, n)	v moved up by n (a constant), the end of prev
 *			before it
 *
 * and finds a struct of functions to use in SCAN_FUNCTIONS.  Comparing vectors
 * is left to the compiler's vector extension, which gcc and clang share.
 */
#include "json/scan.h"

#include <stdint.h>
#include <string.h>

#define VEC_INLINE static inline VEC_TARGET __attribute__((always_inline))
#define VEC_ONLY   static VEC_TARGET
/* What would cost the common way registers and a larger frame. */
#define VEC_APART static VEC_TARGET __attribute__((noinline))

VEC_INLINE vec
vec_load(const char *p)
{
	vec v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* The block at p; past end there are quotes, so that a scan stops there. */
VEC_INLINE vec
vec_load_padded(const char *p, const char *end)
{
	char last[VEC_SIZE];

	if (end - p >= VEC_SIZE)
		return vec_load(p);
	memset(last, '"', sizeof last);
	memcpy(last, p, (size_t)(end - p));
	return vec_load(last);
}

VEC_INLINE unsigned
vec_first(vec_mask m)
{
	return (unsigned)__builtin_ctzll(m) / VEC_LANE;
}

/* All bytes as far as the first one marked, that included. */
VEC_INLINE vec_mask
vec_up_to_first(vec_mask m)
{
	return m ^ (m - 1);
}

VEC_INLINE vec_mask
vec_high(vec v)
{
	return vec_bits((vec)(v >= 0x80));
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

/*
 * Where in the run from start the block at p is not UTF-8, to the byte.  All up
 * to p is, but for a sequence that p may be in the middle of.
 */
VEC_APART const char *
vec_plain_exactly(const char *start, const char *p, const char *end)
{
	while (p > start && ((unsigned char)p[-1] & 0xc0) == 0x80)
		p--;
	if (p > start && (unsigned char)p[-1] >= 0xc0)
		p--;
	return scan_portable.plain(p, end);
}

/* The rest of a run of plain text, whatever it holds; ASCII is before it. */
VEC_APART const char *
vec_plain_rest(char *to, const char *p, const char *end)
{
	const char *start = p;
	vec prev = {0};
	vec_mask carry = 0;

	for (;; p += VEC_SIZE) {
		vec v = vec_load_padded(p, end);
		vec_mask stop = vec_stops(v), high = vec_high(v);

		if (to != NULL && end - p >= VEC_SIZE)
			memcpy(to + (p - start), &v, sizeof v);
		else if (to != NULL)
			memcpy(to + (p - start), p, (size_t)(end - p));
		if ((high | carry) != 0 &&
		    (vec_not_utf8(v, prev) & vec_up_to_first(stop)) != 0)
			return vec_plain_exactly(start, p, end);
		if (stop != 0)
			return p + vec_first(stop);
		prev = v;
		carry = high;
	}
}

/* The run of plain text from p, copied to unless that is NULL. */
VEC_INLINE const char *
vec_plain_inline(char *to, const char *p, const char *end)
{
	for (; end - p >= VEC_SIZE; p += VEC_SIZE) {
		vec v = vec_load(p);
		vec_mask stop = vec_stops(v);

		if ((vec_high(v) & vec_up_to_first(stop)) != 0)
			break;
		if (to != NULL) {
			memcpy(to, &v, sizeof v);
			to += VEC_SIZE;
		}
		if (stop != 0)
			return p + vec_first(stop);
	}
	return vec_plain_rest(to, p, end);
}

VEC_ONLY const char *
vec_plain(const char *p, const char *end)
{
	return vec_plain_inline(NULL, p, end);
}

VEC_ONLY const char *
vec_copy_plain(char **to, const char *p, const char *end)
{
	const char *stop;

	if (end - p < 16) /* most names */
		return scan_portable.copy_plain(to, p, end);
	stop = vec_plain_inline(*to, p, end);
	*to += stop - p;
	return stop;
}

/*
 * The rest of a string, whatever it holds; ASCII is before it.  All escapes in
 * a block are passed over before the next is loaded; only one that reaches into
 * that makes a new beginning.
 */
VEC_APART const char *
vec_string_rest(const char *p, const char *end)
{
	vec prev = {0};
	vec_mask carry = 0;

	for (;;) {
		vec v = vec_load_padded(p, end);
		vec_mask stop = vec_stops(v), high = vec_high(v);
		vec_mask bad = (high | carry) != 0 ? vec_not_utf8(v, prev) : 0;
		const char *next = p + VEC_SIZE;

		while (stop != 0) {
			const char *at = p + vec_first(stop);

			if (at == end || (bad & vec_up_to_first(stop)) != 0)
				return NULL;
			if (*at == '"')
				return at;
			if (*at != '\\' || (at = scan_escape(at, end)) == NULL)
				return NULL;
			if (at >= next) {
				next = at;
				high = 0;
				break;
			}
			stop &= ~(vec_mask)0 << (at - p) * VEC_LANE;
		}
		if (stop == 0 && bad != 0)
			return NULL;
		p = next;
		prev = v;
		carry = high;
	}
}

VEC_ONLY const char *
vec_string(const char *p, const char *end)
{
	while (end - p >= VEC_SIZE) {
		vec v = vec_load(p);
		vec_mask stop = vec_stops(v), high = vec_high(v);
		const char *next = p + VEC_SIZE;

		if ((high & vec_up_to_first(stop)) != 0)
			break;
		while (stop != 0) {
			const char *at = p + vec_first(stop);

			if (*at == '"')
				return at;
			if (*at != '\\' || (at = scan_escape(at, end)) == NULL)
				return NULL;
			if (at >= next || high != 0) {
				next = at;
				break;
			}
			stop &= ~(vec_mask)0 << (at - p) * VEC_LANE;
		}
		p = next;
	}
	return vec_string_rest(p, end);
}

VEC_INLINE const char *
vec_quote_inline(const char *p, const char *end)
{
	while (end - p >= VEC_SIZE) {
		vec v = vec_load(p);
		vec_mask m = vec_bits((vec)((v == '"') | (v == '\\')));
		const char *next = p + VEC_SIZE;

		while (m != 0) {
			const char *at = p + vec_first(m);

			if (*at == '"')
				return at;
			at += 2;
			if (at >= next) {
				next = at;
				break;
			}
			m &= ~(vec_mask)0 << (at - p) * VEC_LANE;
		}
		p = next;
	}
	return scan_portable.quote(p, end);
}

VEC_ONLY const char *
vec_quote(const char *p, const char *end)
{
	return vec_quote_inline(p, end);
}

#if VEC_LANE == 1
#define WIDE 64

/* The bytes of a wide block that are quotes, backslashes, and brackets. */
struct vec_wide {
	uint64_t quotes, slashes, opens, closes;
};

VEC_INLINE void
vec_look_at(struct vec_wide *w, const char *p, unsigned at)
{
	vec v = vec_load(p + at), folded = v | 0x20; /* [ and ] to { and } */

	w->quotes |= (uint64_t)vec_bits((vec)(v == '"')) << at;
	w->slashes |= (uint64_t)vec_bits((vec)(v == '\\')) << at;
	w->opens |= (uint64_t)vec_bits((vec)(folded == '{')) << at;
	w->closes |= (uint64_t)vec_bits((vec)(folded == '}')) << at;
}

VEC_INLINE struct vec_wide
vec_look(const char *p)
{
	struct vec_wide w = {0, 0, 0, 0};

	vec_look_at(&w, p, 0);
	vec_look_at(&w, p, VEC_SIZE);
	if (VEC_SIZE < WIDE / 2) {
		vec_look_at(&w, p, WIDE / 2);
		vec_look_at(&w, p, WIDE / 2 + VEC_SIZE);
	}
	return w;
}

/* What is behind a backslash that is not itself behind one; *carry: the same, from
 * block to block, in the lowest bit. */
VEC_INLINE uint64_t
vec_escaped(uint64_t slashes, uint64_t *carry)
{
	uint64_t escaped = *carry;

	slashes &= ~escaped;
	*carry = 0;
	while (slashes != 0) {
		uint64_t slash = slashes & -slashes;

		escaped |= slash << 1;
		*carry = slash >> (WIDE - 1);
		slashes &= ~(slash | slash << 1);
	}
	return escaped;
}

/* From each quote as far as before the next one; of an odd number the last goes
 * to the end. */
VEC_INLINE uint64_t
vec_between(uint64_t quotes)
{
	quotes ^= quotes << 1;
	quotes ^= quotes << 2;
	quotes ^= quotes << 4;
	quotes ^= quotes << 8;
	quotes ^= quotes << 16;
	return quotes ^ quotes << 32;
}

/* A block at a time, whatever strings are in it: where they begin and end is
 * found for all at once (the way of simdjson: Langdale and Lemire, Parsing
 * Gigabytes of JSON per Second, 2019, section 3.1). */
VEC_ONLY const char *
vec_close(const char *p, const char *end)
{
	size_t depth = 1, closed;
	uint64_t carry = 0, open_string = 0;
	char last[WIDE];

	for (const char *at = p;; p += WIDE, at = p) {
		struct vec_wide w;
		uint64_t inside;

		if (end - p < WIDE) {
			memset(last, 0, sizeof last);
			memcpy(last, p, (size_t)(end - p));
			at = last;
		}
		w = vec_look(at);
		if ((w.slashes | carry) != 0)
			w.quotes &= ~vec_escaped(w.slashes, &carry);
		inside = vec_between(w.quotes) ^ open_string;
		open_string = -(inside >> (WIDE - 1));
		w.opens &= ~inside;
		w.closes &= ~inside;
		closed = (size_t)__builtin_popcountll(w.closes);
		if (closed < depth) {
			depth += (size_t)__builtin_popcountll(w.opens) - closed;
			continue;
		}
		for (uint64_t m = w.opens | w.closes; m != 0; m &= m - 1) {
			if ((w.opens & m & -m) != 0)
				depth++;
			else if (--depth == 0)
				return p + __builtin_ctzll(m) + 1;
		}
	}
}
#else
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
#endif

/* Blocks are stored whole: what is behind the backslash is written over later. */
VEC_ONLY const char *
vec_copy(char **to, const char *p, const char *end)
{
	char *out = *to;

	for (; end - p >= VEC_SIZE; p += VEC_SIZE, out += VEC_SIZE) {
		vec v = vec_load(p);
		vec_mask m = vec_bits((vec)(v == '\\'));

		memcpy(out, &v, sizeof v);
		if (m != 0) {
			*to = out + vec_first(m);
			return p + vec_first(m);
		}
	}
	*to = out;
	return scan_portable.copy(to, p, end);
}

#define SCAN_FUNCTIONS \
	vec_plain, vec_copy_plain, vec_string, vec_quote, vec_close, vec_copy
