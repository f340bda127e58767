/*
 * mem: allocation that does not fail.
 *
 * Out of memory ends the program with a message and status 2: a filter that
 * has no memory has nothing better to do, and bf-llm's answers are in the
 * ledger before anything else is allocated for them.  Each function returns
 * memory that the caller owns and gives back with free(3).
 */
#ifndef BF_BASE_MEM_H
#define BF_BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t n); /* uninitialised; n == 0 gives one byte */
void *mem_aligned(
    size_t alignment, size_t n);           /* n is a multiple of it, a power of 2 */
void *mem_zero(size_t count, size_t size); /* zeroed array, overflow checked */
void *mem_resize(void *p, size_t count, size_t size); /* overflow checked */
char *mem_strdup(const char *s);
char *mem_strndup(const char *p, size_t n); /* NUL-terminated copy of n bytes */
void *mem_dup(const void *p, size_t n);

#endif
