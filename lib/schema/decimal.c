#include "schema/decimal.h"

#include "schema/value.h"

#define EXPONENT_MAX ((int64_t)100000000000000000)
#define WORD_DIGITS  18 /* of a divisor whose remainders, times ten, fit 64 bits */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int64_t
parse_exponent(const char *p, const char *end)
{
	bool negative = *p == '-';
	int64_t n = 0;

	if (*p == '-' || *p == '+')
		p++;
	for (; p < end; p++)
		n = n >= EXPONENT_MAX / 10 ? EXPONENT_MAX : n * 10 + (*p - '0');
	return negative ? -n : n;
}

/* The digits from p to end, a point among them, less the zeros around them. */
static void
set_digits(struct decimal *d, const char *p, const char *end, const char *point)
{
	while (p < end && (*p == '0' || *p == '.'))
		p++;
	while (end > p && (end[-1] == '0' || end[-1] == '.'))
		end--;
	d->digits = p;
	d->n = (size_t)(end - p);
	if (d->n == 0)
		return;
	if (p < point && end > point)
		d->n--;
	d->exponent = p < point ? point - p : point + 1 - p;
}

void
decimal_parse(struct decimal *d, struct span number)
{
	const char *p = number.p, *end = p + number.n, *q, *point = NULL;
	int64_t exponent = 0;

	*d = (struct decimal){.negative = *p == '-'};
	if (d->negative)
		p++;
	for (q = p; q < end && (is_digit(*q) || *q == '.'); q++)
		if (*q == '.')
			point = q;
	if (q < end)
		exponent = parse_exponent(q + 1, end);
	set_digits(d, p, q, point == NULL ? q : point);
	if (d->n == 0) {
		d->negative = false;
		return;
	}
	d->exponent += exponent;
	if (d->exponent > EXPONENT_MAX)
		d->exponent = EXPONENT_MAX;
	if (d->exponent < -EXPONENT_MAX)
		d->exponent = -EXPONENT_MAX;
}

/* The digit at p, which is moved to the next. */
static int
take_digit(const char **p)
{
	if (**p == '.')
		(*p)++;
	return *(*p)++ - '0';
}

static int
compare_digits(const struct decimal *a, const struct decimal *b)
{
	const char *p = a->digits, *q = b->digits;
	size_t n = a->n < b->n ? a->n : b->n;
	int difference = 0;

	while (n-- > 0 && difference == 0)
		difference = take_digit(&p) - take_digit(&q);
	if (difference == 0 && a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return difference;
}

int
decimal_compare(const struct decimal *a, const struct decimal *b)
{
	int sign_a = a->n == 0 ? 0 : a->negative ? -1 : 1;
	int sign_b = b->n == 0 ? 0 : b->negative ? -1 : 1;

	if (sign_a != sign_b || sign_a == 0)
		return sign_a - sign_b;
	if (a->exponent != b->exponent)
		return a->exponent < b->exponent ? -sign_a : sign_a;
	return compare_digits(a, b) * sign_a;
}

uint64_t
decimal_hash(const struct decimal *d)
{
	const char *p = d->digits;
	uint64_t h = value_mix((uint64_t)d->exponent, d->n * 2 + d->negative);

	for (size_t i = 0; i < d->n; i++)
		h = h * 31 + (uint64_t)take_digit(&p);
	return value_mix(h, d->n);
}

bool
decimal_is_integer(const struct decimal *d)
{
	return d->n == 0 || d->exponent >= (int64_t)d->n;
}

bool
decimal_u64(const struct decimal *d, uint64_t *n)
{
	const char *p = d->digits;

	*n = 0;
	if (!decimal_is_integer(d) || d->negative)
		return false;
	for (int64_t i = 0; d->n > 0 && i < d->exponent; i++) {
		uint64_t digit = i < (int64_t)d->n ? (uint64_t)take_digit(&p) : 0;

		if (*n > (UINT64_MAX - digit) / 10) {
			*n = UINT64_MAX;
			return true;
		}
		*n = *n * 10 + digit;
	}
	return true;
}

static uint64_t
multiply_modulo(uint64_t a, uint64_t b, uint64_t m)
{
	__extension__ typedef unsigned __int128 wide;

	return (uint64_t)((wide)a * b % m);
}

/* Whether a's digits, followed by shift zeros, are a multiple of b's. */
static bool
divides_word(const struct decimal *a, const struct decimal *b, uint64_t shift)
{
	const char *p = a->digits, *q = b->digits;
	uint64_t divisor = 0, rest = 0, power = 10;

	for (size_t i = 0; i < b->n; i++)
		divisor = divisor * 10 + (uint64_t)take_digit(&q);
	for (size_t i = 0; i < a->n; i++)
		rest = (rest * 10 + (uint64_t)take_digit(&p)) % divisor;
	for (power %= divisor; shift > 0; shift >>= 1) {
		if (shift & 1)
			rest = multiply_modulo(rest, power, divisor);
		power = multiply_modulo(power, power, divisor);
	}
	return rest == 0;
}

/* rest, of n + 1 digits, less the divisor, of n; false where that is less than 0.
 */
static bool
subtract(unsigned char *rest, const unsigned char *divisor, size_t n)
{
	int borrow = 0;

	if (rest[0] == 0 && memcmp(rest + 1, divisor, n) < 0)
		return false;
	for (size_t i = n; i > 0; i--) {
		int digit = rest[i] - divisor[i - 1] - borrow;

		borrow = digit < 0;
		rest[i] = (unsigned char)(digit + 10 * borrow);
	}
	rest[0] = (unsigned char)(rest[0] - borrow);
	return true;
}

/* The same, as it is done on paper. */
static bool
divides_long(const struct decimal *a, const struct decimal *b, uint64_t shift)
{
	unsigned char divisor[DECIMAL_DIVISOR_MAX];
	unsigned char rest[DECIMAL_DIVISOR_MAX + 1] = {0};
	const char *p = a->digits, *q = b->digits;
	size_t n = b->n;

	for (size_t i = 0; i < n; i++)
		divisor[i] = (unsigned char)take_digit(&q);
	for (size_t i = 0; i < a->n + shift; i++) {
		memmove(rest, rest + 1, n);
		rest[n] = i < a->n ? (unsigned char)take_digit(&p) : 0;
		while (subtract(rest, divisor, n))
			;
	}
	for (size_t i = 0; i <= n; i++)
		if (rest[i] != 0)
			return false;
	return true;
}

int
decimal_is_multiple(const struct decimal *a, const struct decimal *b)
{
	/* of the last digits' places */
	int64_t shift = (a->exponent - (int64_t)a->n) -
			(b->exponent - (int64_t)b->n);

	if (a->n == 0)
		return 1;
	/* The digits would have to end in zeros, which they do not. */
	if (shift < 0)
		return 0;
	if (b->n <= WORD_DIGITS)
		return divides_word(a, b, (uint64_t)shift);
	if (b->n > DECIMAL_DIVISOR_MAX ||
	    a->n + (uint64_t)shift > DECIMAL_DIVIDEND_MAX)
		return -1;
	return divides_long(a, b, (uint64_t)shift);
}
