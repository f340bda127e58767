#include "io/base64.h"

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void
encode_group(char *to, const unsigned char *p)
{
	uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];

	to[0] = digits[bits >> 18];
	to[1] = digits[bits >> 12 & 63];
	to[2] = digits[bits >> 6 & 63];
	to[3] = digits[bits & 63];
}

void
base64_encode(struct buf *out, struct span bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	size_t whole = bytes.n / 3, rest = bytes.n % 3;
	char *to = buf_room(out, 4 * (whole + 1));
	unsigned char last[3] = {0, 0, 0};

	for (size_t i = 0; i < whole; i++, p += 3, to += 4)
		encode_group(to, p);
	out->len += 4 * whole;
	if (rest == 0)
		return;
	memcpy(last, p, rest);
	encode_group(to, last);
	to[3] = '=';
	if (rest == 1)
		to[2] = '=';
	out->len += 4;
}

static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* 2 to 4 digits to 1 to 3 bytes; -1 also where bits are set that no byte has. */
static int
decode_group(char *to, const char *p, size_t n)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < n; i++) {
		int v = value_of(p[i]);

		if (v == -1)
			return -1;
		bits |= (uint32_t)v << (18 - 6 * i);
	}
	if ((n == 2 && (bits & 0xffff) != 0) || (n == 3 && (bits & 0xff) != 0))
		return -1;
	for (size_t i = 0; i + 1 < n; i++)
		to[i] = (char)(bits >> (16 - 8 * i) & 0xff);
	return 0;
}

int
base64_decode(struct buf *out, struct span text)
{
	char *to = buf_room(out, text.n / 4 * 3);
	size_t padding = 0;

	if (text.n % 4 != 0)
		return -1;
	while (
	    padding < 2 && padding < text.n && text.p[text.n - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < text.n; i += 4, to += 3)
		if (decode_group(
			to, text.p + i, i + 4 == text.n ? 4 - padding : 4) == -1)
			return -1;
	out->len += text.n / 4 * 3 - padding;
	return 0;
}
