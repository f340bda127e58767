#include "io/pack.h"

#include "base/mem.h"
#include "io/library.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define PLAIN_SIZE  ((size_t)128 << 10)
#define PACKED_SIZE ((size_t)64 << 10)
#define GZIP_LEVEL  6
#define GZIP_WINDOW (15 + 16) /* the greatest, in a gzip member */
#define GZIP_MEMORY 8         /* zlib's default */
#define ZSTD_LEVEL  3

struct pack {
	enum pack_form form;
	struct buf
	    plain; /* gathered, so that the pieces it came in leave no trace */
	z_stream gzip;
	ZSTD_CCtx *zstd;
};

static struct {
	__typeof__(deflateInit2_) *init;
	__typeof__(deflate) *deflate;
	__typeof__(deflateReset) *reset;
	__typeof__(deflateEnd) *end;
} zlib;

static struct {
	__typeof__(ZSTD_createCCtx) *create;
	__typeof__(ZSTD_freeCCtx) *release;
	__typeof__(ZSTD_CCtx_setParameter) *set;
	__typeof__(ZSTD_compressStream2) *compress;
	__typeof__(ZSTD_isError) *is_error;
	__typeof__(ZSTD_getErrorName) *error_name;
} zstd;

/* ---- names and first bytes ---- */

static const struct {
	enum pack_form form;
	struct span end;
	struct span magic;
} forms[] = {
    {PACK_GZIP, SPAN_INIT(".gz"), SPAN_INIT("\x1f\x8b")},
    {PACK_ZSTD, SPAN_INIT(".zst"), SPAN_INIT("\x28\xb5\x2f\xfd")},
};
#define NFORMS (sizeof(forms) / sizeof(forms[0]))

static bool
ends_with(struct span s, struct span end)
{
	return s.n >= end.n && memcmp(s.p + s.n - end.n, end.p, end.n) == 0;
}

enum pack_form
pack_by_name(struct span name)
{
	for (size_t i = 0; i < NFORMS; i++)
		if (ends_with(name, forms[i].end))
			return forms[i].form;
	return PACK_NONE;
}

struct span
pack_stem(struct span name)
{
	for (size_t i = 0; i < NFORMS; i++)
		if (ends_with(name, forms[i].end))
			return span_of(name.p, name.n - forms[i].end.n);
	return name;
}

enum pack_form
pack_by_start(struct span start)
{
	for (size_t i = 0; i < NFORMS; i++)
		if (span_starts(start, forms[i].magic))
			return forms[i].form;
	return PACK_NONE;
}

/* ---- the libraries ---- */

static int
load_zlib(struct err *e)
{
	void *lib = library_open("libz.so.1", "gzip output", "zlib1g", e);

	if (lib == NULL ||
	    library_function(lib, "deflateInit2_", &zlib.init, e) < 0 ||
	    library_function(lib, "deflate", &zlib.deflate, e) < 0 ||
	    library_function(lib, "deflateReset", &zlib.reset, e) < 0)
		return -1;
	return library_function(lib, "deflateEnd", &zlib.end, e);
}

static int
load_zstd(struct err *e)
{
	void *lib = library_open("libzstd.so.1", "zstd output", "libzstd1", e);

	if (lib == NULL ||
	    library_function(lib, "ZSTD_createCCtx", &zstd.create, e) < 0 ||
	    library_function(lib, "ZSTD_freeCCtx", &zstd.release, e) < 0 ||
	    library_function(lib, "ZSTD_CCtx_setParameter", &zstd.set, e) < 0 ||
	    library_function(lib, "ZSTD_compressStream2", &zstd.compress, e) < 0 ||
	    library_function(lib, "ZSTD_isError", &zstd.is_error, e) < 0)
		return -1;
	return library_function(lib, "ZSTD_getErrorName", &zstd.error_name, e);
}

static int
start_gzip(struct pack *p, struct err *e)
{
	if (load_zlib(e) < 0)
		return -1;
	if (zlib.init(&p->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
		Z_DEFAULT_STRATEGY, ZLIB_VERSION, (int)sizeof(p->gzip)) == Z_OK)
		return 0;
	return err_set(e, "cannot start zlib");
}

static int
start_zstd(struct pack *p, struct err *e)
{
	if (load_zstd(e) < 0)
		return -1;
	p->zstd = zstd.create();
	if (p->zstd != NULL &&
	    !zstd.is_error(
		zstd.set(p->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) &&
	    !zstd.is_error(zstd.set(p->zstd, ZSTD_c_checksumFlag, 1)))
		return 0;
	if (p->zstd != NULL)
		zstd.release(p->zstd);
	return err_set(e, "cannot start libzstd");
}

struct pack *
pack_open(enum pack_form form, struct err *e)
{
	struct pack *p = mem_zero(1, sizeof(*p));

	p->form = form;
	if ((form == PACK_GZIP ? start_gzip(p, e) : start_zstd(p, e)) == 0)
		return p;
	free(p);
	return NULL;
}

void
pack_close(struct pack *p)
{
	if (p == NULL)
		return;
	if (p->form == PACK_GZIP)
		zlib.end(&p->gzip);
	else
		zstd.release(p->zstd);
	buf_release(&p->plain);
	free(p);
}

/* ---- packing ---- */

/* All that is gathered; with end, to the end of the member. */
static int
run_gzip(struct pack *p, bool end, struct buf *out, struct err *e)
{
	z_stream *z = &p->gzip;
	int r;

	z->next_in = (unsigned char *)p->plain.data;
	z->avail_in = (unsigned)p->plain.len;
	do {
		z->next_out = (unsigned char *)buf_room(out, PACKED_SIZE);
		z->avail_out = PACKED_SIZE;
		r = zlib.deflate(z, end ? Z_FINISH : Z_NO_FLUSH);
		if (r != Z_OK && r != Z_STREAM_END && (end || r != Z_BUF_ERROR))
			return err_set(e, "zlib cannot go on");
		out->len += PACKED_SIZE - z->avail_out;
	} while (end ? r != Z_STREAM_END : z->avail_in > 0 || z->avail_out == 0);
	if (end && zlib.reset(z) != Z_OK)
		return err_set(e, "zlib cannot go on");
	return 0;
}

static int
run_zstd(struct pack *p, bool end, struct buf *out, struct err *e)
{
	ZSTD_inBuffer in = {p->plain.data, p->plain.len, 0};
	size_t left;

	do {
		ZSTD_outBuffer to = {buf_room(out, PACKED_SIZE), PACKED_SIZE, 0};

		left = zstd.compress(
		    p->zstd, &to, &in, end ? ZSTD_e_end : ZSTD_e_continue);
		if (zstd.is_error(left))
			return err_set(e, "libzstd: %s", zstd.error_name(left));
		out->len += to.pos;
	} while (end ? left > 0 : in.pos < in.size);
	return 0;
}

static int
run(struct pack *p, bool end, struct buf *out, struct err *e)
{
	int r = p->form == PACK_GZIP ? run_gzip(p, end, out, e)
				     : run_zstd(p, end, out, e);

	buf_clear(&p->plain);
	return r;
}

int
pack_add(struct pack *p, struct span bytes, struct buf *out, struct err *e)
{
	size_t n;

	while (bytes.n > 0) {
		n = PLAIN_SIZE - p->plain.len;
		if (n > bytes.n)
			n = bytes.n;
		buf_add(&p->plain, bytes.p, n);
		bytes = span_of(bytes.p + n, bytes.n - n);
		if (p->plain.len == PLAIN_SIZE && run(p, false, out, e) < 0)
			return -1;
	}
	return 0;
}

int
pack_end(struct pack *p, struct buf *out, struct err *e)
{
	return run(p, true, out, e);
}
