/*
 * bf-vote's parts: main.c knows the options and counts, number.c finds numbers in
 * texts.
 */
#ifndef BF_VOTE_H
#define BF_VOTE_H

#include "base/buf.h"

/*
 * The last number in a text, in the one way in which equal numbers are written:
 * without thousands separators, leading zeros, zeros at the end of a fraction, or
 * an exponent that need not be.  "$1,234.50" and "1234.5" give 1234.5.  false: it
 * holds none.
 */
bool number_normal(struct span text, struct buf *out);

#endif
