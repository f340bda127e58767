/*
 * base64: the encoding of RFC 4648, section 4: "+" and "/", padded, without
 * line breaks.
 */
#ifndef BF_IO_BASE64_H
#define BF_IO_BASE64_H

#include "base/buf.h"

/*
 * Appends.  Pieces of a multiple of three bytes may be encoded one by one; only
 * the last may have another length.
 */
void base64_encode(struct buf *out, struct span bytes);

/*
 * Appends the bytes: 0.  -1 if the text is not what base64_encode() makes of any
 * bytes; then what was appended means nothing.  Pieces of a multiple of four
 * digits may be decoded one by one; all but the last must have no padding, which
 * shows in what is appended: three bytes for each four digits.
 */
int base64_decode(struct buf *out, struct span text);

#endif
