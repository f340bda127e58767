/*
 * scan: the loops over bytes that everything in json/ spends its time in.
 *
 * Each is there for several instruction sets, which all give the same; the
 * first call chooses the best one this processor has.  Only json/ includes
 * this, and its tests, which try them all.
 */
#ifndef BF_JSON_SCAN_H
#define BF_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct scan {
	const char *name;

	/*
	 * Any bytes: the first from p that cannot stand for itself in a string
	 * (a quote, a backslash, a control character, the start of what is not
	 * UTF-8), or end.
	 */
	const char *(*plain)(const char *p, const char *end);

	/*
	 * The same, and copies what is before it to *to, which moves on.  Any of
	 * the end - p bytes at *to may change.
	 */
	const char *(*copy_plain)(char **to, const char *p, const char *end);

	/*
	 * Any bytes: the quote that ends the string whose contents begin at p;
	 * NULL if they are not as they should be (see scan_string_fault()).
	 */
	const char *(*string)(const char *p, const char *end);

	/* Checked text: the quote that ends the string whose contents begin at p.
	 */
	const char *(*quote)(const char *p, const char *end);

	/* Checked text: what follows the array or object whose contents begin at p.
	 */
	const char *(*close)(const char *p, const char *end);

	/*
	 * Any bytes: copies them to *to, which moves on, up to the first backslash,
	 * which is returned, or end.  The end - p bytes at *to may change as well.
	 */
	const char *(*copy)(char **to, const char *p, const char *end);
};

extern const struct scan *scan;

/* The implementations this processor can run, best first; NULL past the last. */
const struct scan *scan_choice(size_t i);
void scan_use(const struct scan *s);

/* ---- what the implementations share ---- */

extern const struct scan scan_portable;
#if defined(__x86_64__)
extern const struct scan scan_sse2;
extern const struct scan scan_avx2;
#elif defined(__aarch64__)
extern const struct scan scan_neon;
#endif

/* The value of a hexadecimal digit, or -1. */
extern const signed char scan_hex[256];

/* What the letter after a backslash stands for; 0 if nothing, or if it is u. */
extern const char scan_letter[256];

/* Past the escape that begins with the backslash at p; NULL if it is none. */
static inline const char *
scan_escape(const char *p, const char *end)
{
	const unsigned char *u = (const unsigned char *)p;

	if (end - p >= 2 && scan_letter[u[1]] != 0)
		return p + 2;
	if (end - p >= 6 && u[1] == 'u' &&
	    (scan_hex[u[2]] | scan_hex[u[3]] | scan_hex[u[4]] | scan_hex[u[5]]) >=
		0)
		return p + 6;
	return NULL;
}

/*
 * Length of the UTF-8 sequence at p < end; 0 if it is not valid, and then
 * *bad (may be NULL) is how many bytes one U+FFFD stands for: the longest start of
 * a valid sequence, or one byte (The Unicode Standard, section 3.9).
 */
size_t scan_utf8(const char *p, const char *end, size_t *bad);

/* Where and why string() gave up: the first byte that no string goes on with. */
const char *scan_string_fault(const char *p, const char *end, const char **why);

/* scan_portable.close() with that many arrays and objects open. */
const char *scan_close_from(const char *p, const char *end, size_t depth);

#endif
