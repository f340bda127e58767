#include "base/mem.h"

#include "base/msg.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *
checked(void *p)
{
	if (p == NULL)
		msg_die(STATUS_CANNOT, "out of memory");
	return p;
}

void *
mem_alloc(size_t n)
{
	return checked(malloc(n == 0 ? 1 : n));
}

void *
mem_aligned(size_t alignment, size_t n)
{
	return checked(aligned_alloc(alignment, n));
}

void *
mem_zero(size_t count, size_t size)
{
	if (count == 0 || size == 0)
		count = size = 1;
	return checked(calloc(count, size));
}

void *
mem_resize(void *p, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		msg_die(STATUS_CANNOT, "out of memory");
	return checked(realloc(p, n == 0 ? 1 : n));
}

char *
mem_strdup(const char *s)
{
	return mem_dup(s, strlen(s) + 1);
}

char *
mem_strndup(const char *p, size_t n)
{
	char *copy;

	if (n == SIZE_MAX)
		msg_die(STATUS_CANNOT, "out of memory");
	copy = mem_alloc(n + 1);
	if (n > 0)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

void *
mem_dup(const void *p, size_t n)
{
	void *copy = mem_alloc(n);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}
