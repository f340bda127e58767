#include "io/num.h"

#include "base/mem.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int
num_u64(struct span s, uint64_t *v)
{
	uint64_t x = 0;

	if (s.n == 0)
		return -1;
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]) || __builtin_mul_overflow(x, 10, &x) ||
		    __builtin_add_overflow(x, (uint64_t)(s.p[i] - '0'), &x))
			return -1;
	*v = x;
	return 0;
}

int
num_i64(struct span s, int64_t *v)
{
	uint64_t x;
	bool negative = s.n > 0 && s.p[0] == '-';

	if (num_u64(negative ? span_of(s.p + 1, s.n - 1) : s, &x) < 0)
		return -1;
	if (x > (uint64_t)INT64_MAX + negative)
		return -1;
	*v = negative ? (int64_t)(0 - x) : (int64_t)x;
	return 0;
}

int
num_size(struct span s, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	uint64_t x;
	int shift = 0;
	const char *u;

	if (s.n > 1 && (u = memchr(units, s.p[s.n - 1] & ~0x20, 4)) != NULL) {
		shift = 10 * (int)(u - units + 1);
		s.n--;
	}
	if (num_u64(s, &x) < 0 || x > UINT64_MAX >> shift)
		return -1;
	*bytes = x << shift;
	return 0;
}

/*
 * Digits with an optional fraction, as an integer number of units/10^6; what is
 * finer than that is refused rather than rounded.
 */
static int
decimal_micro(struct span s, uint64_t *micro)
{
	const char *dot = s.n == 0 ? NULL : memchr(s.p, '.', s.n);
	struct span whole = dot == NULL ? s : span_of(s.p, (size_t)(dot - s.p));
	uint64_t w = 0, f = 0;

	if (num_u64(whole, &w) < 0 && !(dot != NULL && whole.n == 0))
		return -1;
	if (dot != NULL) {
		struct span part = span_of(dot + 1, s.n - whole.n - 1);

		if (part.n > 6 || num_u64(part, &f) < 0)
			return -1;
		for (size_t i = part.n; i < 6; i++)
			f *= 10;
	}
	if (__builtin_mul_overflow(w, UINT64_C(1000000), &w) ||
	    __builtin_add_overflow(w, f, micro))
		return -1;
	return 0;
}

int
num_duration(struct span s, int64_t *us)
{
	static const struct {
		struct span name;
		uint64_t us;
	} units[] = {
	    {{"us", 2}, 1},
	    {{"ms", 2}, 1000},
	    {{"s", 1}, 1000000},
	    {{"m", 1}, 60000000},
	    {{"h", 1}, UINT64_C(3600000000)},
	    {{"d", 1}, UINT64_C(86400000000)},
	};
	uint64_t unit = 1000000, micro, whole, part;
	size_t i, digits = s.n;

	while (digits > 0 && !is_digit(s.p[digits - 1]) && s.p[digits - 1] != '.')
		digits--;
	if (digits < s.n) {
		struct span name = span_of(s.p + digits, s.n - digits);

		for (i = 0; i < sizeof(units) / sizeof(*units); i++)
			if (span_eq(units[i].name, name))
				break;
		if (i == sizeof(units) / sizeof(*units))
			return -1;
		unit = units[i].us;
	}
	if (decimal_micro(span_of(s.p, digits), &micro) < 0)
		return -1;
	/* whole units, and millionths of one; both products in microseconds */
	part = micro % 1000000 * unit / 1000000;
	if (__builtin_mul_overflow(micro / 1000000, unit, &whole) ||
	    __builtin_add_overflow(whole, part, &whole) || whole > INT64_MAX)
		return -1;
	*us = (int64_t)whole;
	return 0;
}

int
num_fraction(struct span s, double *v)
{
	bool percent = s.n > 0 && s.p[s.n - 1] == '%';
	double x;

	if (percent)
		s.n--;
	if (num_double(s, &x) < 0)
		return -1;
	if (percent)
		x /= 100;
	if (!(x >= 0 && x <= 1))
		return -1;
	*v = x;
	return 0;
}

static size_t
digits_at(struct span s, size_t i)
{
	size_t from = i;

	while (i < s.n && is_digit(s.p[i]))
		i++;
	return i - from;
}

/* RFC 8259, section 6. */
static bool
is_json_number(struct span s)
{
	size_t n, i = s.n > 0 && s.p[0] == '-';

	n = digits_at(s, i);
	if (n == 0 || (n > 1 && s.p[i] == '0'))
		return false;
	i += n;
	if (i < s.n && s.p[i] == '.') {
		if ((n = digits_at(s, i + 1)) == 0)
			return false;
		i += 1 + n;
	}
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
			i++;
		if ((n = digits_at(s, i)) == 0)
			return false;
		i += n;
	}
	return i == s.n;
}

/*
 * A number whose digits and power of ten are doubles exactly: one operation then
 * rounds correctly (Clinger, How to Read Floating Point Numbers Accurately, 1990).
 * false: it is not that simple.
 */
static bool
simple_double(struct span s, double *v)
{
	static const double tens[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8,
	    1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
	    1e21, 1e22};
	const uint64_t most = UINT64_C(1) << 53;
	bool negative = s.n > 0 && *s.p == '-';
	uint64_t digits = 0;
	size_t i = negative, point = s.n, after;

	if (FLT_EVAL_METHOD != 0)
		return false;
	for (; i < s.n && digits <= most; i++) {
		if (is_digit(s.p[i]))
			digits = 10 * digits + (uint64_t)(s.p[i] - '0');
		else if (s.p[i] == '.')
			point = i;
		else
			return false;
	}
	after = point == s.n ? 0 : s.n - point - 1;
	if (digits > most || after >= sizeof(tens) / sizeof(*tens))
		return false;
	*v = (double)digits / tens[after];
	*v = negative ? -*v : *v;
	return true;
}

/*
 * strtod(3) rounds correctly and reads a point as long as nobody calls
 * setlocale(3), which nothing here does.  What is too large for a double is
 * refused, what is too small becomes 0 or a subnormal.
 */
int
num_double(struct span s, double *v)
{
	char small[64], *text = small;
	double x;
	int saved = errno;

	if (!is_json_number(s))
		return -1;
	if (simple_double(s, v))
		return 0;
	if (s.n < sizeof(small)) {
		memcpy(small, s.p, s.n);
		small[s.n] = '\0';
	} else {
		text = mem_strndup(s.p, s.n);
	}
	x = strtod(text, NULL);
	if (text != small)
		free(text);
	errno = saved;
	if (!isfinite(x))
		return -1;
	*v = x;
	return 0;
}
