#include "json/json.h"
#include "json/scan.h"

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

static char
short_escape(char letter)
{
	switch (letter) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return letter;
	}
}

size_t
json_unescape(struct buf *out, struct span raw)
{
	const char *p = raw.p, *end, *q;
	size_t lone = 0;
	char *to;

	if (raw.n == 0)
		return 0;
	end = p + raw.n;
	to = buf_room(
	    out, raw.n); /* no escape is shorter than what it stands for */
	while (p < end) {
		if (*p != '\\') {
			q = memchr(p, '\\', (size_t)(end - p));
			if (q == NULL)
				q = end;
			memcpy(to, p, (size_t)(q - p));
			to += q - p;
			p = q;
		} else if (p[1] != 'u') {
			*to++ = short_escape(p[1]);
			p += 2;
		} else {
			uint32_t code = take_code(&p, end);

			if (code >= 0xd800 && code <= 0xdfff) {
				code = REPLACEMENT;
				lone++;
			}
			to += utf8_encode(code, to);
		}
	}
	out->len = (size_t)(to - out->data);
	return lone;
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

static void
escape_byte(struct buf *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[32] = {
	    ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
	char letter = c < 32 ? letters[c] : (char)c;

	buf_addc(out, '\\');
	if (letter != '\0') {
		buf_addc(out, letter);
		return;
	}
	buf_add(out, "u00", 3);
	buf_addc(out, hex[c >> 4]);
	buf_addc(out, hex[c & 15]);
}

void
json_escape(struct buf *out, struct span text)
{
	const char *p = text.p, *end = text.p + text.n, *q;
	size_t bad;

	while (p < end) {
		q = scan->plain(p, end);
		buf_add(out, p, (size_t)(q - p));
		p = q;
		if (p == end)
			break;
		if ((unsigned char)*p < 0x80) {
			escape_byte(out, (unsigned char)*p++);
		} else {
			scan_utf8(p, end, &bad);
			buf_add(out, "\xef\xbf\xbd", 3);
			p += bad;
		}
	}
}

void
json_add_string(struct buf *out, struct span text)
{
	buf_addc(out, '"');
	json_escape(out, text);
	buf_addc(out, '"');
}
