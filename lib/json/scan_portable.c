/* Eight bytes at a time in an ordinary register, for any processor. */
#include "json/scan.h"

#include <stdint.h>
#include <string.h>

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t
load(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof w);
	return w;
}

/* Whether a byte of w is zero. */
static inline uint64_t
has_zero(uint64_t w)
{
	return (w - EACH(1)) & ~w & EACH(0x80);
}

static inline uint64_t
has_byte(uint64_t w, unsigned char c)
{
	return has_zero(w ^ EACH(c));
}

/* Whether a byte of w is above 0x7f or below 0x20 (or follows such a one). */
static inline uint64_t
has_high_or_control(uint64_t w)
{
	return ((w - EACH(0x20)) | w) & EACH(0x80);
}

static inline bool
is_plain_ascii(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static const char *
portable_plain(const char *p, const char *end)
{
	size_t n;

	while (p < end) {
		while (end - p >= 8) {
			uint64_t w = load(p);

			if (has_high_or_control(w) | has_byte(w, '"') |
			    has_byte(w, '\\'))
				break;
			p += 8;
		}
		while (p < end && is_plain_ascii((unsigned char)*p))
			p++;
		if (p == end || (unsigned char)*p < 0x80)
			return p;
		do {
			if ((n = scan_utf8(p, end, NULL)) == 0)
				return p;
			p += n;
		} while (p < end && (unsigned char)*p >= 0x80);
	}
	return p;
}

static const char *
portable_copy_plain(char **to, const char *p, const char *end)
{
	const char *stop = portable_plain(p, end);

	memcpy(*to, p, (size_t)(stop - p));
	*to += stop - p;
	return stop;
}

static const char *
portable_string(const char *p, const char *end)
{
	while ((p = portable_plain(p, end)) < end) {
		if (*p == '"')
			return p;
		if (*p != '\\' || (p = scan_escape(p, end)) == NULL)
			return NULL;
	}
	return NULL;
}

static const char *
portable_quote(const char *p, const char *end)
{
	for (;;) {
		while (end - p >= 8) {
			uint64_t w = load(p);

			if (has_byte(w, '"') | has_byte(w, '\\'))
				break;
			p += 8;
		}
		while (*p != '"' && *p != '\\')
			p++;
		if (*p == '"')
			return p;
		p += 2;
	}
}

const char *
scan_close_from(const char *p, const char *end, size_t depth)
{
	for (;; p++) {
		switch (*p) {
		case '"':
			p = portable_quote(p + 1, end);
			break;
		case '[':
		case '{':
			depth++;
			break;
		case ']':
		case '}':
			if (--depth == 0)
				return p + 1;
			break;
		default:
			break;
		}
	}
}

static const char *
portable_close(const char *p, const char *end)
{
	return scan_close_from(p, end, 1);
}

static const char *
portable_copy(char **to, const char *p, const char *end)
{
	size_t n = (size_t)(end - p);
	const char *backslash = n == 0 ? NULL : memchr(p, '\\', n);

	if (backslash != NULL)
		n = (size_t)(backslash - p);
	memcpy(*to, p, n);
	*to += n;
	return p + n;
}

const struct scan scan_portable = {"portable", portable_plain, portable_copy_plain,
    portable_string, portable_quote, portable_close, portable_copy};
