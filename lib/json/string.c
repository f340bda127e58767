#include "json/scan.h"
#include "json/text.h"

#include "io/utf8.h"

#define REPLACEMENT 0xfffd

static uint32_t
hex4(const char *p)
{
	return (uint32_t)scan_hex[(unsigned char)p[0]] << 12 |
	       (uint32_t)scan_hex[(unsigned char)p[1]] << 8 |
	       (uint32_t)scan_hex[(unsigned char)p[2]] << 4 |
	       (uint32_t)scan_hex[(unsigned char)p[3]];
}

/*
 * The code point of the \u escape at p, which is moved behind it, and behind
 * the second half of a pair.  A half alone is returned as it is.
 */
static uint32_t
take_code(const char **p, const char *end)
{
	uint32_t code = hex4(*p + 2), low;

	*p += 6;
	if (code < 0xd800 || code > 0xdbff || end - *p < 6 || (*p)[0] != '\\' ||
	    (*p)[1] != 'u')
		return code;
	low = hex4(*p + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return code;
	*p += 6;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

/* The escape a byte needs in a string, at most six bytes; returns their end. */
static char *
put_escaped(char *to, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[32] = {
	    ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
	char letter = c < 32 ? letters[c] : (char)c;

	*to++ = '\\';
	if (letter != '\0') {
		*to++ = letter;
		return to;
	}
	*to++ = 'u';
	*to++ = '0';
	*to++ = '0';
	*to++ = hex[c >> 4];
	*to++ = hex[c & 15];
	return to;
}

/* The code point of the escape at p, which is moved behind it. */
static inline uint32_t
take_escape(const char **p, const char *end)
{
	char c = scan_letter[(unsigned char)(*p)[1]];

	if (c == 0)
		return take_code(p, end);
	*p += 2;
	return (unsigned char)c;
}

/*
 * Resolves the escapes in raw: all, or all that need not be (again, in their
 * usual form).  No escape is shorter than what takes its place.
 */
static inline size_t
resolve(struct buf *out, struct span raw, bool keep_needed)
{
	const char *p = raw.p, *end;
	size_t lone = 0;
	char *to;

	if (raw.n == 0)
		return 0;
	end = p + raw.n;
	to = buf_room(out, raw.n);
	while ((p = scan->copy(&to, p, end)) < end) {
		do {
			uint32_t code = take_escape(&p, end);

			if (code >= 0xd800 && code <= 0xdfff) {
				code = REPLACEMENT;
				lone++;
			}
			if (keep_needed &&
			    (code < 0x20 || code == '"' || code == '\\'))
				to = put_escaped(to, (unsigned char)code);
			else if (code < 0x80)
				*to++ = (char)code;
			else
				to += utf8_encode(code, to);
		} while (p < end && *p == '\\');
	}
	out->len = (size_t)(to - out->data);
	return lone;
}

size_t
json_unescape(struct buf *out, struct span raw)
{
	return resolve(out, raw, false);
}

size_t
text_normal(struct buf *out, struct span raw)
{
	return resolve(out, raw, true);
}

bool
json_text(struct span value, struct buf *scratch, struct span *text)
{
	struct span raw;

	if (json_type(value) != JSON_STRING)
		return false;
	raw = span_of(value.p + 1, value.n - 2);
	if (memchr(raw.p, '\\', raw.n) == NULL) {
		*text = raw;
		return true;
	}
	buf_clear(scratch);
	json_unescape(scratch, raw);
	*text = buf_span(scratch);
	return true;
}

bool
json_is(struct span value, const char *s)
{
	return json_type(value) == JSON_STRING &&
	       json_key_is(span_of(value.p + 1, value.n - 2), span_str(s));
}

void
json_escape(struct buf *out, struct span text)
{
	const char *p = text.p, *end = text.p + text.n;
	char *to;
	size_t bad;

	while (p < end) {
		/* Six bytes for what stops the copying. */
		to = buf_room(out, (size_t)(end - p) + 6);
		p = scan->copy_plain(&to, p, end);
		if (p < end && (unsigned char)*p < 0x80) {
			to = put_escaped(to, (unsigned char)*p++);
		} else if (p < end) {
			scan_utf8(p, end, &bad);
			to += utf8_encode(REPLACEMENT, to);
			p += bad;
		}
		out->len = (size_t)(to - out->data);
	}
}

void
json_add_string(struct buf *out, struct span text)
{
	buf_addc(out, '"');
	json_escape(out, text);
	buf_addc(out, '"');
}
