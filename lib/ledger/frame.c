#include "ledger/frame.h"

#include <zstd.h>
#include <zstd_errors.h>

#define LEVEL      3
#define SKIP_MAX   ((size_t)1 << 20)
#define SKIP_MAGIC 0x184d2a5bu /* one of the sixteen of RFC 8878, section 3.1.2 */

void
frame_coder_release(struct frame_coder *c)
{
	ZSTD_freeCCtx(c->packer);
	ZSTD_freeDCtx(c->unpacker);
	c->packer = c->unpacker = NULL;
}

static uint32_t
load32(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;

	return (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 |
	       (uint32_t)u[3] << 24;
}

/* "bf-ledger 1\n" in a skippable frame. */
void
frame_header(unsigned char out[FRAME_HEADER_SIZE])
{
	memcpy(out, "\x5b\x2a\x4d\x18\x0c\0\0\0bf-ledger 1\n", FRAME_HEADER_SIZE);
}

enum frame_header_state
frame_header_look(struct span bytes, unsigned *version)
{
	unsigned char ours[FRAME_HEADER_SIZE];
	size_t n = bytes.n < sizeof(ours) ? bytes.n : sizeof(ours);

	frame_header(ours);
	if (memcmp(bytes.p, ours, n) == 0)
		return n < sizeof(ours) ? HEADER_BEGUN : HEADER_OURS;
	if (n < sizeof(ours) || load32(bytes.p) != SKIP_MAGIC ||
	    memcmp(bytes.p + 8, "bf-ledger ", 10) != 0)
		return HEADER_ALIEN;
	*version = 0;
	for (n = 18;
	     n < bytes.n && bytes.p[n] >= '0' && bytes.p[n] <= '9' && n < 24; n++)
		*version = *version * 10 + (unsigned)(bytes.p[n] - '0');
	return n < bytes.n && bytes.p[n] == '\n' && *version > FRAME_VERSION
		   ? HEADER_NEWER
		   : HEADER_ALIEN;
}

enum frame_state
frame_look(struct span bytes, size_t *size, size_t *text)
{
	unsigned long long content;
	uint32_t magic;

	*size = *text = 0;
	if (bytes.n < 8)
		return FRAME_SHORT;
	magic = load32(bytes.p);
	if ((magic & 0xfffffff0u) == 0x184d2a50u) {
		*size = (size_t)load32(bytes.p + 4) + 8;
		if (*size > SKIP_MAX)
			return FRAME_BAD;
		return *size > bytes.n ? FRAME_SHORT : FRAME_SKIP;
	}
	if (magic != ZSTD_MAGICNUMBER)
		return FRAME_BAD;
	content = ZSTD_getFrameContentSize(bytes.p, bytes.n);
	if (content == ZSTD_CONTENTSIZE_ERROR && bytes.n < 18)
		return FRAME_SHORT; /* less than the longest frame header */
	if (content >
	    FRAME_TEXT_MAX) /* the two codes for unknown and wrong as well */
		return FRAME_BAD;
	*text = (size_t)content;
	*size = ZSTD_findFrameCompressedSize(bytes.p, bytes.n);
	if (!ZSTD_isError(*size))
		return FRAME_WHOLE;
	return ZSTD_getErrorCode(*size) == ZSTD_error_srcSize_wrong ? FRAME_SHORT
								    : FRAME_BAD;
}

int
frame_pack(struct frame_coder *c, struct span lines, struct buf *out, struct err *e)
{
	size_t bound = ZSTD_compressBound(lines.n), n;

	if (c->packer == NULL) {
		c->packer = ZSTD_createCCtx();
		if (c->packer == NULL)
			return err_set(e, "no memory to compress with");
		ZSTD_CCtx_setParameter(c->packer, ZSTD_c_compressionLevel,
		    c->level == 0 ? LEVEL : c->level);
		ZSTD_CCtx_setParameter(c->packer, ZSTD_c_checksumFlag, 1);
		ZSTD_CCtx_setParameter(c->packer, ZSTD_c_contentSizeFlag, 1);
	}
	buf_room(out, bound);
	n = ZSTD_compress2(
	    c->packer, out->data + out->len, bound, lines.p, lines.n);
	if (ZSTD_isError(n))
		return err_set(e, "cannot compress: %s", ZSTD_getErrorName(n));
	out->len += n;
	return 0;
}

int
frame_unpack(struct frame_coder *c, struct span frame, char *out, size_t text)
{
	if (c->unpacker == NULL && (c->unpacker = ZSTD_createDCtx()) == NULL)
		return -1;
	return ZSTD_decompressDCtx(c->unpacker, out, text, frame.p, frame.n) == text
		   ? 0
		   : -1;
}

size_t
frame_search(struct span bytes, size_t from)
{
	while (from + 4 <= bytes.n) {
		const char *p = memchr(bytes.p + from, 0x28, bytes.n - from - 3);
		if (p == NULL)
			break;
		if (load32(p) == ZSTD_MAGICNUMBER)
			return (size_t)(p - bytes.p);
		from = (size_t)(p - bytes.p) + 1;
	}
	return bytes.n;
}
