#include "json/scan.h"

#include "io/cpu.h"

#define ROW_NONE -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
#define ROW_AF   -1, 10, 11, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1

const signed char scan_hex[256] = {ROW_NONE, ROW_NONE, ROW_NONE, 0, 1, 2, 3, 4, 5,
    6, 7, 8, 9, -1, -1, -1, -1, -1, -1, ROW_AF, ROW_NONE, ROW_AF, ROW_NONE,
    ROW_NONE, ROW_NONE, ROW_NONE, ROW_NONE, ROW_NONE, ROW_NONE, ROW_NONE, ROW_NONE};

const char scan_letter[256] = {['"'] = '"',
    ['\\'] = '\\',
    ['/'] = '/',
    ['b'] = '\b',
    ['f'] = '\f',
    ['n'] = '\n',
    ['r'] = '\r',
    ['t'] = '\t'};

const struct scan *
scan_choice(size_t i)
{
#if defined(__x86_64__)
	if (!cpu_has_avx2())
		i++;
	return i == 0   ? &scan_avx2
	       : i == 1 ? &scan_sse2
	       : i == 2 ? &scan_portable
			: NULL;
#elif defined(__aarch64__)
	return i == 0 ? &scan_neon : i == 1 ? &scan_portable : NULL;
#else
	return i == 0 ? &scan_portable : NULL;
#endif
}

void
scan_use(const struct scan *s)
{
	scan = s;
}

/* The first call goes through one of these, and no later one. */
static const char *
first_plain(const char *p, const char *end)
{
	scan_use(scan_choice(0));
	return scan->plain(p, end);
}

static const char *
first_copy_plain(char **to, const char *p, const char *end)
{
	scan_use(scan_choice(0));
	return scan->copy_plain(to, p, end);
}

static const char *
first_string(const char *p, const char *end)
{
	scan_use(scan_choice(0));
	return scan->string(p, end);
}

static const char *
first_quote(const char *p, const char *end)
{
	scan_use(scan_choice(0));
	return scan->quote(p, end);
}

static const char *
first_close(const char *p, const char *end)
{
	scan_use(scan_choice(0));
	return scan->close(p, end);
}

static const char *
first_copy(char **to, const char *p, const char *end)
{
	scan_use(scan_choice(0));
	return scan->copy(to, p, end);
}

static const struct scan scan_first = {"first", first_plain, first_copy_plain,
    first_string, first_quote, first_close, first_copy};

const struct scan *scan = &scan_first;

/* The bytes that may come second depend on the first: RFC 3629, section 4. */
static size_t
sequence_shape(unsigned char first, unsigned char *low, unsigned char *high)
{
	*low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	*high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t
scan_utf8(const char *p, const char *end, size_t *bad)
{
	unsigned char low, high;
	size_t n = sequence_shape((unsigned char)*p, &low, &high);

	for (size_t i = 1; i < n; i++) {
		unsigned char c;

		if (p + i == end || (c = (unsigned char)p[i]) < low || c > high) {
			if (bad != NULL)
				*bad = i;
			return 0;
		}
		low = 0x80;
		high = 0xbf;
	}
	if (n == 0 && bad != NULL)
		*bad = 1;
	return n;
}

/* The byte in the escape at p that makes it none, or end. */
static const char *
escape_fault(const char *p, const char *end)
{
	p++;
	if (p == end || *p != 'u')
		return p;
	for (p++; p < end && scan_hex[(unsigned char)*p] >= 0; p++)
		;
	return p;
}

const char *
scan_string_fault(const char *p, const char *end, const char **why)
{
	const char *next;

	for (;;) {
		p = scan->plain(p, end);
		if (p == end || *p != '\\')
			break;
		next = scan_escape(p, end);
		if (next == NULL) {
			p = escape_fault(p, end);
			*why = p == end ? "unexpected end"
					: "invalid escape in a string";
			return p;
		}
		p = next;
	}
	if (p == end)
		*why = "unexpected end";
	else if ((unsigned char)*p < 0x20)
		*why = "control character in a string";
	else
		*why = "invalid UTF-8";
	return p;
}
