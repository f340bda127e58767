#include "io/unpack.h"

#include "base/mem.h"
#include "base/span.h"
#include "io/fdio.h"
#include "io/library.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define PACKED_SIZE ((size_t)64 << 10)

enum form { FORM_UNKNOWN, FORM_PLAIN, FORM_GZIP, FORM_ZSTD };

struct unpack {
	int fd;
	enum form form;
	bool no_wait;
	bool eof;
	bool midway;  /* inside a member or frame: the end would be too early */
	bool started; /* a member or frame has ended before */
	bool pending; /* the decoder may hold output */
	unsigned char *packed;
	size_t start;
	size_t end;
	void *state; /* z_stream or ZSTD_DStream */
};

/* ---- the two libraries: what of their stable ABI is needed ---- */

/* zlib.h's z_stream, whose layout is part of libz.so.1's ABI. */
struct z_stream_abi {
	const unsigned char *next_in;
	unsigned avail_in;
	unsigned long total_in;
	unsigned char *next_out;
	unsigned avail_out;
	unsigned long total_out;
	const char *msg;
	void *internal;
	void *(*zalloc)(void *, unsigned, unsigned);
	void (*zfree)(void *, void *);
	void *opaque;
	int data_type;
	unsigned long adler;
	unsigned long reserved;
};

enum {
	Z_OK_ABI = 0,
	Z_STREAM_END_ABI = 1,
	Z_MEM_ERROR_ABI = -4,
	Z_BUF_ERROR_ABI = -5
};
enum { Z_GZIP_WINDOW = 15 + 16 };

struct zstd_in {
	const void *src;
	size_t size;
	size_t pos;
};

struct zstd_out {
	void *dst;
	size_t size;
	size_t pos;
};

static struct {
	int (*init)(struct z_stream_abi *, int, const char *, int);
	int (*inflate)(struct z_stream_abi *, int);
	int (*reset)(struct z_stream_abi *);
	int (*end)(struct z_stream_abi *);
} zlib;

static struct {
	void *(*create)(void);
	size_t (*release)(void *);
	size_t (*decompress)(void *, struct zstd_out *, struct zstd_in *);
	unsigned (*is_error)(size_t);
	const char *(*error_name)(size_t);
} zstd;

static int
load_zlib(struct err *e)
{
	void *lib;

	if (zlib.init != NULL)
		return 0;
	lib = library_open("libz.so.1", "gzip input", "zlib1g", e);
	if (lib == NULL || library_function(lib, "inflate", &zlib.inflate, e) < 0 ||
	    library_function(lib, "inflateReset", &zlib.reset, e) < 0 ||
	    library_function(lib, "inflateEnd", &zlib.end, e) < 0)
		return -1;
	return library_function(lib, "inflateInit2_", &zlib.init, e);
}

static int
load_zstd(struct err *e)
{
	void *lib;

	if (zstd.create != NULL)
		return 0;
	lib = library_open("libzstd.so.1", "zstd input", "libzstd1", e);
	if (lib == NULL ||
	    library_function(lib, "ZSTD_freeDStream", &zstd.release, e) < 0 ||
	    library_function(lib, "ZSTD_decompressStream", &zstd.decompress, e) <
		0 ||
	    library_function(lib, "ZSTD_isError", &zstd.is_error, e) < 0 ||
	    library_function(lib, "ZSTD_getErrorName", &zstd.error_name, e) < 0)
		return -1;
	return library_function(lib, "ZSTD_createDStream", &zstd.create, e);
}

/* ---- reading ---- */

struct unpack *
unpack_open(int fd)
{
	struct unpack *u = mem_zero(1, sizeof(*u));

	u->fd = fd;
	return u;
}

void
unpack_close(struct unpack *u)
{
	if (u == NULL)
		return;
	if (u->state != NULL && u->form == FORM_GZIP)
		zlib.end(u->state);
	if (u->state != NULL && u->form == FORM_ZSTD)
		zstd.release(u->state);
	if (u->form == FORM_GZIP)
		free(u->state);
	if (u->fd > 0)
		fd_close(u->fd);
	free(u->packed);
	free(u);
}

void
unpack_no_wait(struct unpack *u)
{
	u->no_wait = true;
}

int
unpack_fd(const struct unpack *u)
{
	return u->fd;
}

static bool
readable(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, 0) != 0;
}

bool
unpack_ready(const struct unpack *u)
{
	if (u->eof || u->pending || (u->form == FORM_PLAIN && u->start < u->end))
		return true;
	return readable(u->fd);
}

/* read(2), which in no-wait mode must not wait. */
static ssize_t
read_some(struct unpack *u, void *p, size_t n, struct err *e)
{
	ssize_t got;

	if (u->no_wait && !readable(u->fd)) {
		err_set(e, "nothing to read yet");
		e->errnum = EAGAIN;
		return -1;
	}
	got = fd_read(u->fd, p, n);
	if (got < 0)
		return err_sys(e, "cannot read");
	if (got == 0)
		u->eof = true;
	return got;
}

/* More packed bytes behind those that are there. */
static int
read_packed(struct unpack *u, struct err *e)
{
	ssize_t n;

	if (u->packed == NULL)
		u->packed = mem_alloc(PACKED_SIZE);
	if (u->start == u->end)
		u->start = u->end = 0;
	n = read_some(u, u->packed + u->end, PACKED_SIZE - u->end, e);
	if (n < 0)
		return -1;
	u->end += (size_t)n;
	return 0;
}

/* Whether the n > 0 bytes at p begin as magic does, as far as they go. */
static bool
may_be(const unsigned char *p, size_t n, const char *magic, size_t len)
{
	return memcmp(p, magic, n < len ? n : len) == 0;
}

bool
unpack_is_packed(struct span start)
{
	return span_starts(start, SPAN("\x1f\x8b")) ||
	       span_starts(start, SPAN("\x28\xb5\x2f\xfd"));
}

/* Reads until the first bytes tell what this is. */
static int
find_form(struct unpack *u, struct err *e)
{
	const unsigned char *p;
	size_t n;

	for (;;) {
		if (!u->eof && read_packed(u, e) < 0)
			return -1;
		p = u->packed + u->start;
		n = u->end - u->start;
		if (n >= 2 && may_be(p, n, "\x1f\x8b", 2))
			u->form = FORM_GZIP;
		else if (n >= 4 && may_be(p, n, "\x28\xb5\x2f\xfd", 4))
			u->form = FORM_ZSTD;
		else if (u->eof || (!may_be(p, n, "\x1f\x8b", 2) &&
				       !may_be(p, n, "\x28\xb5\x2f\xfd", 4)))
			u->form = FORM_PLAIN;
		if (u->form != FORM_UNKNOWN)
			return 0;
	}
}

static ssize_t
read_plain(struct unpack *u, void *p, size_t n, struct err *e)
{
	size_t have = u->end - u->start;

	if (have > 0) {
		if (n > have)
			n = have;
		memcpy(p, u->packed + u->start, n);
		u->start += n;
		return (ssize_t)n;
	}
	if (u->eof)
		return 0;
	return read_some(u, p, n, e);
}

static int
start_gzip(struct unpack *u, struct err *e)
{
	if (load_zlib(e) < 0)
		return -1;
	u->state = mem_zero(1, sizeof(struct z_stream_abi));
	if (zlib.init(u->state, Z_GZIP_WINDOW, "1",
		(int)sizeof(struct z_stream_abi)) == Z_OK_ABI)
		return 0;
	free(u->state);
	u->state = NULL;
	return err_set(e, "cannot start zlib");
}

static int
start_zstd(struct unpack *u, struct err *e)
{
	if (load_zstd(e) < 0)
		return -1;
	u->state = zstd.create();
	return u->state == NULL ? err_set(e, "cannot start libzstd") : 0;
}

/*
 * Between gzip members: more of them, the end, or zeros, with which tapes and
 * block devices fill up.  1 when a member begins, 0 at the end.
 */
static int
next_member(struct unpack *u, struct err *e)
{
	for (;;) {
		while (u->start < u->end && u->packed[u->start] == 0)
			u->start++;
		if (u->start < u->end)
			break;
		if (u->eof)
			return 0;
		if (read_packed(u, e) < 0)
			return -1;
	}
	if (zlib.reset(u->state) != Z_OK_ABI)
		return err_set(e, "cannot go on with zlib");
	return 1;
}

static ssize_t
step_gzip(struct unpack *u, void *p, size_t n, struct err *e)
{
	struct z_stream_abi *z = u->state;
	size_t len = n > (1u << 30) ? (1u << 30) : n;
	int r;

	z->next_in = u->packed + u->start;
	z->avail_in = (unsigned)(u->end - u->start);
	z->next_out = p;
	z->avail_out = (unsigned)len;
	r = zlib.inflate(z, 0);
	u->start = u->end - z->avail_in;
	u->pending = z->avail_out == 0;
	u->midway = true;
	if (r == Z_STREAM_END_ABI) {
		u->midway = u->pending = false;
		u->started = true;
	} else if (r != Z_OK_ABI && r != Z_BUF_ERROR_ABI) {
		/* What came before goes first; zlib says the same again. */
		u->pending = true;
		if (z->avail_out < len)
			return (ssize_t)(len - z->avail_out);
		return err_set(e, "corrupt gzip data%s%s",
		    z->msg == NULL ? "" : ": ", z->msg == NULL ? "" : z->msg);
	}
	return (ssize_t)(len - z->avail_out);
}

static ssize_t
step_zstd(struct unpack *u, void *p, size_t n, struct err *e)
{
	struct zstd_in in = {u->packed + u->start, u->end - u->start, 0};
	struct zstd_out out = {p, n, 0};
	size_t r;

	r = zstd.decompress(u->state, &out, &in);
	if (zstd.is_error(r))
		return err_set(e, "corrupt zstd data: %s", zstd.error_name(r));
	u->start += in.pos;
	u->pending = out.pos == out.size && r != 0;
	u->midway = r != 0;
	return (ssize_t)out.pos;
}

/* Whether the decoder has all it needs for one more step; 0 at the end. */
static int
feed(struct unpack *u, struct err *e)
{
	int more;

	if (u->form == FORM_GZIP && u->started && !u->midway) {
		more = next_member(u, e);
		if (more <= 0)
			return more;
		u->started = false;
	}
	if (u->pending)
		return 1;
	while (u->start == u->end && !u->eof)
		if (read_packed(u, e) < 0)
			return -1;
	if (u->start < u->end)
		return 1;
	if (u->midway)
		return err_set(e, "compressed data ends too early");
	return 0;
}

ssize_t
unpack_read(struct unpack *u, void *p, size_t n, struct err *e)
{
	ssize_t got;
	int more;

	e->errnum = 0;
	if (u->form == FORM_UNKNOWN && find_form(u, e) < 0)
		return -1;
	if (u->form == FORM_PLAIN)
		return read_plain(u, p, n, e);
	if (u->state == NULL &&
	    (u->form == FORM_GZIP ? start_gzip(u, e) : start_zstd(u, e)) < 0)
		return -1;
	do {
		more = feed(u, e);
		if (more <= 0)
			return more;
		got = u->form == FORM_GZIP ? step_gzip(u, p, n, e)
					   : step_zstd(u, p, n, e);
	} while (got == 0);
	return got;
}
