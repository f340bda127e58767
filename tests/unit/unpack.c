#include "io/unpack.h"

#include "base/buf.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

/* A span for the initialiser of a static table. */
#define LITERAL(s)                 \
	{                          \
		(s), sizeof(s) - 1 \
	}

#define GZ_ONE_TWO                                                                 \
	"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xcf\x4b\xe5\x2a\x29\xcf\xe7" \
	"\x02\x00\xe6\x0b\xba\x12\x08\x00\x00\x00"
#define GZ_THREE                                                                   \
	"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x2b\xc9\x28\x4a\x4d\xe5\x02\x00" \
	"\xd8\xc5\x46\xff\x06\x00\x00\x00"
#define ZS_ONE_TWO \
	"\x28\xb5\x2f\xfd\x20\x08\x41\x00\x00\x6f\x6e\x65\x0a\x74\x77\x6f\x0a"
#define ZS_THREE "\x28\xb5\x2f\xfd\x20\x06\x31\x00\x00\x74\x68\x72\x65\x65\x0a"

/*
 * Everything that comes out of text, written into a pipe in pieces and read
 * with room for `room` bytes; an error's text follows "!".
 */
static struct span
through(struct span text, size_t piece, size_t room, struct buf *out)
{
	static char p[4096];
	struct unpack *u;
	struct err e = ERR_INIT;
	size_t at, len;
	ssize_t n = -1;
	int fd[2];

	buf_clear(out);
	if (pipe(fd) < 0)
		exit(99);
	u = unpack_open(fd[0]);
	unpack_no_wait(u);
	for (at = 0; at < text.n; at += len) {
		len = text.n - at < piece ? text.n - at : piece;
		if (write(fd[1], text.p + at, len) != (ssize_t)len)
			exit(99);
		while ((n = unpack_read(u, p, room, &e)) > 0)
			buf_add(out, p, (size_t)n);
		if (n < 0 && e.errnum != EAGAIN)
			break;
	}
	close(fd[1]);
	if (text.n == 0 || e.errnum == EAGAIN)
		while ((n = unpack_read(u, p, room, &e)) > 0)
			buf_add(out, p, (size_t)n);
	if (n < 0)
		buf_addf(out, "!%s", e.text);
	unpack_close(u);
	return buf_span(out);
}

static const struct {
	const char *name;
	struct span text;
	struct span want;
} cases[] = {
    {"nothing", {"", 0}, {"", 0}},
    {"plain", LITERAL("plain\n"), LITERAL("plain\n")},
    {"one byte", LITERAL("\x1f"), LITERAL("\x1f")},
    {"almost zstd", LITERAL("\x28\xb5\x2f\xfe"), LITERAL("\x28\xb5\x2f\xfe")},
    {"gzip", LITERAL(GZ_ONE_TWO), LITERAL("one\ntwo\n")},
    {"two gzip members", LITERAL(GZ_ONE_TWO GZ_THREE),
	LITERAL("one\ntwo\nthree\n")},
    {"gzip with zeros behind", LITERAL(GZ_ONE_TWO "\0\0\0"), LITERAL("one\ntwo\n")},
    {"gzip with other things behind", LITERAL(GZ_ONE_TWO "xyz"),
	LITERAL("one\ntwo\n!corrupt gzip data: incorrect header check")},
    {"gzip with a wrong checksum",
	LITERAL(
	    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xcf\x4b\xe5\x2a\x29\xcf"
	    "\xe7"
	    "\x02\x00\xe6\x0b\xba\x13\x08\x00\x00\x00"),
	LITERAL("one\ntwo\n!corrupt gzip data: incorrect data check")},
    {"zstd", LITERAL(ZS_ONE_TWO), LITERAL("one\ntwo\n")},
    {"two zstd frames", LITERAL(ZS_ONE_TWO ZS_THREE), LITERAL("one\ntwo\nthree\n")},
};

static void
test_cases(void)
{
	static const size_t pieces[] = {1, 3, 4096}, rooms[] = {1, 4096};
	struct buf out = BUF_INIT;
	size_t i, j, k;
	char name[100];

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (j = 0; j < 3; j++)
			for (k = 0; k < 2; k++) {
				snprintf(name, sizeof(name), "%s, %zu in, %zu out",
				    cases[i].name, pieces[j], rooms[k]);
				is_span(through(cases[i].text, pieces[j], rooms[k],
					    &out),
				    cases[i].want, name);
			}
	buf_release(&out);
}

/* Cut anywhere, a compressed stream is never an early end. */
static void
test_cut(void)
{
	static const struct span whole[] = {
	    LITERAL(GZ_ONE_TWO), LITERAL(ZS_ONE_TWO)};
	static const size_t first[] = {2, 4};
	struct buf out = BUF_INIT;
	struct span got;
	size_t i, n;
	int bad = 0;

	for (i = 0; i < 2; i++)
		for (n = first[i]; n < whole[i].n; n++) {
			got = through(span_of(whole[i].p, n), 5, 4096, &out);
			bad += memchr(got.p, '!', got.n) == NULL;
		}
	is_int(bad, 0, "cut at any byte, gzip and zstd data are an error");
	got = through(span_of(GZ_ONE_TWO, 20), 4096, 4096, &out);
	is_span(got, SPAN("one\ntwo\n!compressed data ends too early"),
	    "which says so");
	buf_release(&out);
}

static void
test_large(void)
{
	struct buf text = BUF_INIT, packed = BUF_INIT, out = BUF_INIT;
	ZSTD_CCtx *z = ZSTD_createCCtx();
	struct span got;
	size_t i, room;

	for (i = 0; i < 200000; i++)
		buf_addf(&text, "%zu ", i * i);
	ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	room = ZSTD_compressBound(text.len);
	packed.len = ZSTD_compress2(
	    z, buf_room(&packed, room), room, text.data, text.len);
	ZSTD_freeCCtx(z);
	got = through(buf_span(&packed), 4096, 4096, &out);
	ok(span_eq(got, buf_span(&text)), "a long zstd stream");
	packed.data[packed.len / 2] ^= 0x55;
	got = through(buf_span(&packed), 4096, 4096, &out);
	ok(memchr(got.p + got.n - 100, '!', 100) != NULL,
	    "a damaged one is an error");
	buf_release(&text);
	buf_release(&packed);
	buf_release(&out);
}

static void
test_ready(void)
{
	struct unpack *u;
	struct err e = ERR_INIT;
	char p[8];
	int fd[2];

	if (pipe(fd) < 0)
		exit(99);
	u = unpack_open(fd[0]);
	is_int(unpack_fd(u), fd[0], "the descriptor can be had");
	ok(!unpack_ready(u), "nothing is ready");
	if (write(fd[1], "abcd", 4) != 4)
		exit(99);
	ok(unpack_ready(u), "bytes are");
	is_int(unpack_read(u, p, 2, &e), 2, "two of them");
	ok(unpack_ready(u), "the rest is");
	is_int(unpack_read(u, p, 8, &e), 2, "which comes");
	ok(!unpack_ready(u), "nothing is ready again");
	close(fd[1]);
	ok(unpack_ready(u), "the end is");
	is_int(unpack_read(u, p, 8, &e), 0, "which is the end");
	unpack_close(u);
	is_int(fcntl(fd[0], F_GETFD), -1, "and the descriptor is closed");
}

int
main(void)
{
	test_cases();
	test_cut();
	test_large();
	test_ready();
	return done();
}
