/*
 * tap: the Test Anything Protocol, as much of it as unit tests need.
 *
 *	int main(void)
 *	{
 *		ok(1 + 1 == 2, "arithmetic");
 *		is_str(got, "want", "what is compared");
 *		return done();
 *	}
 */
#ifndef BF_TESTS_TAP_H
#define BF_TESTS_TAP_H

#include "base/span.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3), unused)) static bool
ok(bool good, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	tap_failed += !good;
	return good;
}

__attribute__((unused)) static bool
is_span(struct span got, struct span want, const char *what)
{
	if (ok(span_eq(got, want), "%s", what))
		return true;
	printf("# got  '%.*s'\n# want '%.*s'\n", (int)got.n, got.p == NULL ? "" : got.p,
	    (int)want.n, want.p == NULL ? "" : want.p);
	return false;
}

__attribute__((unused)) static bool
is_str(const char *got, const char *want, const char *what)
{
	return is_span(span_str(got), span_str(want), what);
}

__attribute__((unused)) static bool
is_int(long long got, long long want, const char *what)
{
	if (ok(got == want, "%s", what))
		return true;
	printf("# got  %lld\n# want %lld\n", got, want);
	return false;
}

__attribute__((unused)) static int
done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed == 0 ? 0 : 1;
}

#endif
