/*
 * utf8: RFC 3629, strictly: no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 */
#ifndef BF_IO_UTF8_H
#define BF_IO_UTF8_H

#include "base/span.h"

#include <stdint.h>

/* Offset of the first byte that is not valid, or s.n. At memory speed. */
size_t utf8_valid(struct span s);

/* Length of the sequence at p (n > 0 bytes there) and its code point; 0 if not valid. */
size_t utf8_decode(const char *p, size_t n, uint32_t *code);

/* Writes 1 to 4 bytes. */
size_t utf8_encode(uint32_t code, char out[4]);

/* Columns a terminal needs for s: wide East Asian and emoji count 2, combining marks 0. */
size_t utf8_width(struct span s);

#endif
