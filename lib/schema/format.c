#include "schema/format.h"

#include "schema/ecma.h"
#include "schema/uri.h"

#include "io/regex.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* ---- dates and times ---- */

/* A text of this shape: 9 stands for a digit, all else for itself. */
static bool
has_shape(struct span s, const char *shape)
{
	if (s.n != strlen(shape))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (shape[i] == '9' ? !is_digit(s.p[i]) : s.p[i] != shape[i])
			return false;
	return true;
}

static int
two(const char *p)
{
	return (p[0] - '0') * 10 + p[1] - '0';
}

static bool
is_date(struct span s)
{
	static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year, month, day;

	if (!has_shape(s, "9999-99-99"))
		return false;
	year = two(s.p) * 100 + two(s.p + 2);
	month = two(s.p + 5);
	day = two(s.p + 8);
	if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
		return false;
	return month != 2 || day < 29 ||
	       (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* An offset from UTC in minutes. */
static bool
parse_offset(struct span s, int *minutes)
{
	*minutes = 0;
	if (s.n == 1 && (*s.p == 'Z' || *s.p == 'z'))
		return true;
	if (s.n == 0 || (*s.p != '+' && *s.p != '-') ||
	    !has_shape(span_of(s.p + 1, s.n - 1), "99:99") || two(s.p + 1) > 23 ||
	    two(s.p + 4) > 59)
		return false;
	*minutes = two(s.p + 1) * 60 + two(s.p + 4);
	if (*s.p == '-')
		*minutes = -*minutes;
	return true;
}

static bool
is_time(struct span s)
{
	int hour, minute, second, offset;
	size_t n = 8;

	if (s.n < n || !has_shape(span_of(s.p, n), "99:99:99"))
		return false;
	if (s.n > n && s.p[n] == '.') {
		for (n++; n < s.n && is_digit(s.p[n]);)
			n++;
		if (n == 9)
			return false;
	}
	if (!parse_offset(span_of(s.p + n, s.n - n), &offset))
		return false;
	hour = two(s.p);
	minute = two(s.p + 3);
	second = two(s.p + 6);
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	return second < 60 || (hour * 60 + minute - offset + 1440) % 1440 == 1439;
}

static bool
is_date_time(struct span s)
{
	return s.n > 11 && (s.p[10] == 'T' || s.p[10] == 't') &&
	       is_date(span_of(s.p, 10)) && is_time(span_of(s.p + 11, s.n - 11));
}

/* ---- the network ---- */

static bool
is_hostname(struct span s)
{
	size_t label = 0;

	if (s.n == 0 || s.n > 253)
		return false;
	for (size_t i = 0; i <= s.n; i++) {
		if (i == s.n || s.p[i] == '.') {
			if (label == 0 || s.p[i - 1] == '-')
				return false;
			label = 0;
		} else if (!is_alnum(s.p[i]) && (s.p[i] != '-' || label == 0)) {
			return false;
		} else if (++label > 63) {
			return false;
		}
	}
	return true;
}

static bool
is_ipv4(struct span s)
{
	int parts = 0, value = 0;
	size_t digits = 0;

	for (size_t i = 0; i <= s.n; i++) {
		if (i < s.n && is_digit(s.p[i])) {
			if (digits > 0 && value == 0)
				return false;
			value = value * 10 + s.p[i] - '0';
			if (++digits > 3 || value > 255)
				return false;
		} else if ((i == s.n || s.p[i] == '.') && digits > 0) {
			parts++;
			digits = 0;
			value = 0;
		} else {
			return false;
		}
	}
	return parts == 4;
}

bool
format_is_ipv6(struct span s)
{
	size_t i = 0, begin;
	int groups = 0;
	bool gap = false;

	while (i < s.n) {
		if (s.n - i >= 2 && s.p[i] == ':' && s.p[i + 1] == ':') {
			if (gap)
				return false;
			gap = true;
			i += 2;
			continue;
		}
		if (s.p[i] == ':' && (groups == 0 || s.p[i - 1] == ':'))
			return false;
		if (s.p[i] == ':' && ++i == s.n)
			return false;
		for (begin = i; i < s.n && is_hex(s.p[i]);)
			i++;
		if (i < s.n && s.p[i] == '.') {
			groups += 2;
			if (!is_ipv4(span_of(s.p + begin, s.n - begin)))
				return false;
			break;
		}
		if (i == begin || i - begin > 4)
			return false;
		groups++;
	}
	return gap ? groups < 8 : groups == 8;
}

/* An address in brackets. */
static bool
is_literal(struct span s)
{
	if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	s = span_of(s.p + 1, s.n - 2);
	if (span_starts(s, SPAN("IPv6:")))
		return format_is_ipv6(span_of(s.p + 5, s.n - 5));
	return is_ipv4(s);
}

static bool
is_atom_char(char c)
{
	return is_alnum(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_dot_atom(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '.' ? i == 0 || i + 1 == s.n || s.p[i - 1] == '.'
				  : !is_atom_char(s.p[i]))
			return false;
	return s.n > 0;
}

static bool
is_quoted(struct span s)
{
	if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
		return false;
	for (size_t i = 1; i < s.n - 1; i++) {
		if (s.p[i] == '\\' && ++i == s.n - 1)
			return false;
		if (s.p[i] < 0x20 || s.p[i] > 0x7e ||
		    (s.p[i] == '"' && s.p[i - 1] != '\\'))
			return false;
	}
	return true;
}

static bool
is_email(struct span s)
{
	size_t at = s.n;
	struct span local, domain;

	while (at > 0 && s.p[at - 1] != '@')
		at--;
	if (at == 0)
		return false;
	local = span_of(s.p, at - 1);
	domain = span_of(s.p + at, s.n - at);
	return local.n <= 64 && (is_dot_atom(local) || is_quoted(local)) &&
	       (is_hostname(domain) || is_literal(domain));
}

/* ---- names ---- */

static bool
is_uri(struct span s)
{
	return uri_is_valid(s, true);
}

static bool
is_uri_reference(struct span s)
{
	return uri_is_valid(s, false);
}

static bool
is_uuid(struct span s)
{
	if (s.n != 36)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23 ? s.p[i] != '-'
							    : !is_hex(s.p[i]))
			return false;
	return true;
}

static bool
is_json_pointer(struct span s)
{
	if (s.n > 0 && *s.p != '/')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '~' &&
		    (i + 1 == s.n || (s.p[i + 1] != '0' && s.p[i + 1] != '1')))
			return false;
	return true;
}

static bool
is_regex(struct span s)
{
	struct err e = ERR_INIT;
	struct regex *r = ecma_regex(s, &e);

	regex_free(r);
	return r != NULL;
}

format_fn *
format_find(struct span name)
{
	static const struct {
		struct span name;
		format_fn *is;
	} formats[] = {
	    {SPAN_INIT("date-time"), is_date_time},
	    {SPAN_INIT("date"), is_date},
	    {SPAN_INIT("time"), is_time},
	    {SPAN_INIT("email"), is_email},
	    {SPAN_INIT("hostname"), is_hostname},
	    {SPAN_INIT("ipv4"), is_ipv4},
	    {SPAN_INIT("ipv6"), format_is_ipv6},
	    {SPAN_INIT("uri"), is_uri},
	    {SPAN_INIT("uri-reference"), is_uri_reference},
	    {SPAN_INIT("uuid"), is_uuid},
	    {SPAN_INIT("json-pointer"), is_json_pointer},
	    {SPAN_INIT("regex"), is_regex},
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (span_eq(formats[i].name, name))
			return formats[i].is;
	return NULL;
}
