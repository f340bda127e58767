#include "vote.h"

#include "io/num.h"

#define EXPONENT_MAX 10000 /* beyond it a number is written with one */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

struct number {
	struct span whole;    /* digits, maybe with commas between three of them */
	struct span fraction; /* digits */
	int64_t exponent;
	bool negative;
};

/* A comma of 1,234: three digits follow it, and no fourth. */
static bool
is_separator(struct span s, size_t i)
{
	return s.p[i] == ',' && i > 0 && i + 3 < s.n && is_digit(s.p[i + 1]) &&
	       is_digit(s.p[i + 2]) && is_digit(s.p[i + 3]) &&
	       (i + 4 == s.n || !is_digit(s.p[i + 4]));
}

static size_t
digits(struct span s, size_t i)
{
	while (i < s.n && is_digit(s.p[i]))
		i++;
	return i;
}

/* e5, E+5 or e-5 at i; how long, or 0. */
static size_t
exponent_at(struct span s, size_t i, int64_t *value)
{
	size_t at = i + 1, end;
	bool negative = false;
	uint64_t n;

	if (i >= s.n || (s.p[i] != 'e' && s.p[i] != 'E'))
		return 0;
	if (at < s.n && (s.p[at] == '+' || s.p[at] == '-'))
		negative = s.p[at++] == '-';
	end = digits(s, at);
	if (end == at || end - at > 9 ||
	    num_u64(span_of(s.p + at, end - at), &n) < 0)
		return 0;
	*value = negative ? -(int64_t)n : (int64_t)n;
	return end - i;
}

/* The number whose digits begin at i; where it ends. */
static size_t
number_at(struct span s, size_t i, struct number *n)
{
	size_t from = i;

	*n = (struct number){.fraction = SPAN("")};
	n->negative = i > 0 && s.p[i - 1] == '-';
	if (i >= 3 && memcmp(s.p + i - 3, "\xe2\x88\x92", 3) == 0)
		n->negative = true;
	/* -$5, too */
	if (i >= 2 && s.p[i - 1] == '$' && s.p[i - 2] == '-')
		n->negative = true;
	i = digits(s, i);
	while (i < s.n && is_separator(s, i))
		i += 4;
	n->whole = span_of(s.p + from, i - from);
	if (i + 1 < s.n && s.p[i] == '.' && is_digit(s.p[i + 1])) {
		from = i + 1;
		i = digits(s, from);
		n->fraction = span_of(s.p + from, i - from);
	}
	return i + exponent_at(s, i, &n->exponent);
}

/* All digits that count, and the power of ten of the last of them. */
static int64_t
collect(const struct number *n, struct buf *out)
{
	int64_t exponent = n->exponent - (int64_t)n->fraction.n;
	size_t zeros = 0;

	for (size_t i = 0; i < n->whole.n; i++)
		if (n->whole.p[i] != ',')
			buf_addc(out, n->whole.p[i]);
	buf_addspan(out, n->fraction);
	while (out->len > 0 && out->data[out->len - 1] == '0') {
		out->len--;
		exponent++;
	}
	while (zeros < out->len && out->data[zeros] == '0')
		zeros++;
	buf_drop(out, zeros);
	return exponent;
}

static void
write_plain(struct buf *out, struct span digits_of, int64_t exponent)
{
	int64_t whole = (int64_t)digits_of.n +
			exponent; /* digits before the point */

	if (whole <= 0)
		buf_adds(out, "0.");
	for (int64_t i = whole; i < 0; i++)
		buf_addc(out, '0');
	for (size_t i = 0; i < digits_of.n; i++) {
		if (i > 0 && (int64_t)i == whole)
			buf_addc(out, '.');
		buf_addc(out, digits_of.p[i]);
	}
	for (int64_t i = 0; i < exponent; i++)
		buf_addc(out, '0');
}

static void
write_number(struct buf *out, const struct number *n)
{
	struct buf all = BUF_INIT;
	int64_t exponent = collect(n, &all);

	if (all.len == 0) {
		buf_addc(out, '0');
	} else {
		if (n->negative)
			buf_addc(out, '-');
		if (exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
			buf_addf(out, "%.*se%lld", (int)all.len, all.data,
			    (long long)exponent);
		else
			write_plain(out, buf_span(&all), exponent);
	}
	buf_release(&all);
}

bool
number_normal(struct span text, struct buf *out)
{
	struct number n, last;
	bool found = false;

	for (size_t i = 0; i < text.n;) {
		if (!is_digit(text.p[i])) {
			i++;
			continue;
		}
		i = number_at(text, i, &n);
		last = n;
		found = true;
	}
	buf_clear(out);
	if (found)
		write_number(out, &last);
	return found;
}
