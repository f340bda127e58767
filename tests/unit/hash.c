/* BLAKE2b and CRC-32C against published vectors and against themselves in pieces.
 */
#include "io/hash.h"

#include "tap.h"

static void
is_blake2b(struct span in, size_t outlen, const char *want, const char *what)
{
	unsigned char out[64];
	char hex[128];

	hash_blake2b(in, out, outlen);
	hash_hex(out, outlen, hex);
	is_span(span_of(hex, 2 * outlen), span_str(want), what);
}

/* RFC 7693, appendix E: a hash over hashes of many input and output lengths. */
static void
selftest_seq(unsigned char *out, size_t n, uint32_t seed)
{
	uint32_t a = 0xdead4bad * seed, b = 1;

	for (size_t i = 0; i < n; i++) {
		uint32_t t = a + b;
		a = b;
		b = t;
		out[i] = (unsigned char)(t >> 24);
	}
}

static void
test_many_lengths(void)
{
	static const size_t lengths[] = {0, 3, 128, 129, 255, 1024};
	unsigned char in[1024], md[64];
	struct blake2b all;
	char hex[64];

	/* The RFC's own grand hash needs keyed hashing too; this one is unkeyed. */
	blake2b_init(&all, 32);
	for (size_t i = 0; i < 6; i++)
		for (size_t outlen = 1; outlen <= 64; outlen++) {
			struct blake2b one;
			selftest_seq(in, lengths[i], (uint32_t)lengths[i]);
			hash_blake2b(span_of((char *)in, lengths[i]), md, outlen);
			blake2b_update(&all, md, outlen);
			/* In pieces of 1, 2, 3, ... bytes: the same. */
			blake2b_init(&one, outlen);
			for (size_t at = 0, step = 1; at < lengths[i];
			     at += step, step++)
				blake2b_update(&one, in + at,
				    at + step > lengths[i] ? lengths[i] - at
							   : step);
			unsigned char md2[64];
			blake2b_final(&one, md2);
			if (memcmp(md, md2, outlen) != 0)
				ok(false, "pieces, length %zu, digest %zu",
				    lengths[i], outlen);
		}
	blake2b_final(&all, md);
	hash_hex(md, 32, hex);
	is_span(span_of(hex, 64),
	    SPAN(
		"f2730b66958a112cc266ecc7b64199ce548c9cbd86af994b655e7556ad31573a"),
	    "six lengths, all digest sizes");
}

static uint32_t
crc_by_bits(const unsigned char *p, size_t n)
{
	uint32_t c = ~0u;

	for (size_t i = 0; i < n; i++) {
		c ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? 0x82f63b78u : 0);
	}
	return ~c;
}

static void
test_crc(void)
{
	unsigned char b[400];
	int bad = 0;

	/* RFC 3720, appendix B.4, there as bytes in the order sent. */
	memset(b, 0, 32);
	is_int(hash_crc32c(0, b, 32), 0x8a9136aa, "crc: 32 zeros");
	memset(b, 255, 32);
	is_int(hash_crc32c(0, b, 32), 0x62a8ab43, "crc: 32 ones");
	for (int i = 0; i < 32; i++)
		b[i] = (unsigned char)i;
	is_int(hash_crc32c(0, b, 32), 0x46dd794e, "crc: rising");
	for (int i = 0; i < 32; i++)
		b[i] = (unsigned char)(31 - i);
	is_int(hash_crc32c(0, b, 32), 0x113fdb5c, "crc: falling");
	is_int(hash_crc32c(0, "123456789", 9), 0xe3069283, "crc: 123456789");
	is_int(hash_crc32c(0, "", 0), 0, "crc: nothing");

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (unsigned char)(i * i * 7 + i);
	for (size_t from = 0; from < 9; from++)
		for (size_t n = 0; from + n <= sizeof(b); n++) {
			uint32_t want = crc_by_bits(b + from, n);
			bad += hash_crc32c(0, b + from, n) != want;
			bad += hash_crc32c_portable(0, b + from, n) != want;
			bad += hash_crc32c(hash_crc32c(0, b + from, n / 3),
				   b + from + n / 3, n - n / 3) != want;
		}
	is_int(bad, 0,
	    "crc: instruction, tables and pieces agree with the definition");
}

static void
test_hex(void)
{
	unsigned char b[4] = {0x00, 0x9f, 0xa0, 0xff}, back[4];
	char hex[8];

	hash_hex(b, 4, hex);
	is_span(span_of(hex, 8), SPAN("009fa0ff"), "hex");
	is_int(hash_unhex(SPAN("009fa0ff"), back, 4), 0, "unhex");
	ok(memcmp(b, back, 4) == 0, "unhex gives the bytes");
	is_int(hash_unhex(SPAN("009FA0FF"), back, 4), 0, "unhex takes capitals");
	is_int(hash_unhex(SPAN("009fa0f"), back, 4), -1, "unhex: too short");
	is_int(hash_unhex(SPAN("009fa0fff"), back, 4), -1, "unhex: too long");
	is_int(hash_unhex(SPAN("009fa0fg"), back, 4), -1, "unhex: no digit");
}

/* "hash.t sum FILE": what b2sum -l 128 prints first; for the shell test. */
static int
sum_file(const char *path)
{
	unsigned char block[1000], out[16];
	char hex[32];
	struct blake2b s;
	size_t n;
	FILE *f = fopen(path, "rb");

	if (f == NULL)
		return 2;
	blake2b_init(&s, sizeof(out));
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		blake2b_update(&s, block, n);
	fclose(f);
	blake2b_final(&s, out);
	hash_hex(out, sizeof(out), hex);
	printf("%.32s\n", hex);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc > 2) {
		int status = 0;
		for (int i = 2; i < argc; i++)
			status |= sum_file(argv[i]);
		return status;
	}
	/* RFC 7693, appendix A. */
	is_blake2b(SPAN("abc"), 64,
	    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
	    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
	    "abc, 512 bits");
	is_blake2b(
	    SPAN(""), 16, "cae66941d9efbd404e4d88758ea67670", "nothing, 128 bits");
	is_blake2b(
	    SPAN("abc"), 16, "cf4ab791c62b8d2b2109c90275287816", "abc, 128 bits");
	is_int((long long)(hash_u64(SPAN("abc")) >> 32), 0xcf4ab791,
	    "hash_u64 is its beginning");
	test_many_lengths();
	test_crc();
	test_hex();
	return done();
}
