#include "io/hash.h"

#include "io/cpu.h"

#include <string.h>

/* ---- BLAKE2b, RFC 7693 ---- */

/* Section 2.6: the initialisation vector is SHA-512's. */
static const uint64_t iv[8] = {
    0x6a09e667f3bcc908,
    0xbb67ae8584caa73b,
    0x3c6ef372fe94f82b,
    0xa54ff53a5f1d36f1,
    0x510e527fade682d1,
    0x9b05688c2b3e6c1f,
    0x1f83d9abfb41bd6b,
    0x5be0cd19137e2179,
};

static inline uint64_t
load64(const unsigned char *p)
{
	uint64_t v;

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(&v, p, 8);
#else
	v = 0;
	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
#endif
	return v;
}

static inline uint64_t
rotr64(uint64_t v, int n)
{
	return v >> n | v << (64 - n);
}

#define MIX(a, b, c, d, x, y)          \
	do {                           \
		a += b + (x);          \
		d = rotr64(d ^ a, 32); \
		c += d;                \
		b = rotr64(b ^ c, 24); \
		a += b + (y);          \
		d = rotr64(d ^ a, 16); \
		c += d;                \
		b = rotr64(b ^ c, 63); \
	} while (0)

/*
 * With the numbers of the message words written out and the state in variables,
 * all of it stays in registers: half as quick again as a loop over tables.
 */
#define ROUND(A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P) \
	do {                                                  \
		MIX(v0, v4, v8, v12, m[A], m[B]);             \
		MIX(v1, v5, v9, v13, m[C], m[D]);             \
		MIX(v2, v6, v10, v14, m[E], m[F]);            \
		MIX(v3, v7, v11, v15, m[G], m[H]);            \
		MIX(v0, v5, v10, v15, m[I], m[J]);            \
		MIX(v1, v6, v11, v12, m[K], m[L]);            \
		MIX(v2, v7, v8, v13, m[M], m[N]);             \
		MIX(v3, v4, v9, v14, m[O], m[P]);             \
	} while (0)

/* Section 3.2; s->t already counts the block. */
static void
blake2b_compress(struct blake2b *s, const unsigned char *block, bool last)
{
	uint64_t v0 = s->h[0], v1 = s->h[1], v2 = s->h[2], v3 = s->h[3];
	uint64_t v4 = s->h[4], v5 = s->h[5], v6 = s->h[6], v7 = s->h[7];
	uint64_t v8 = iv[0], v9 = iv[1], v10 = iv[2], v11 = iv[3];
	uint64_t v12 = iv[4] ^ s->t[0], v13 = iv[5] ^ s->t[1];
	uint64_t v14 = last ? ~iv[6] : iv[6], v15 = iv[7];
	uint64_t m[16];

	for (int i = 0; i < 16; i++)
		m[i] = load64(block + 8 * i);
	/* Section 2.7: which word goes where; the last two repeat the first. */
	ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
	ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
	ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
	ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
	ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
	ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
	ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
	ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
	ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
	ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
	s->h[0] ^= v0 ^ v8;
	s->h[1] ^= v1 ^ v9;
	s->h[2] ^= v2 ^ v10;
	s->h[3] ^= v3 ^ v11;
	s->h[4] ^= v4 ^ v12;
	s->h[5] ^= v5 ^ v13;
	s->h[6] ^= v6 ^ v14;
	s->h[7] ^= v7 ^ v15;
}

static void
blake2b_count(struct blake2b *s, size_t n)
{
	s->t[0] += n;
	s->t[1] += s->t[0] < n;
}

void
blake2b_init(struct blake2b *s, size_t outlen)
{
	memcpy(s->h, iv, sizeof(iv));
	s->h[0] ^= 0x01010000 ^ outlen; /* fan-out 1, depth 1, no key */
	s->t[0] = s->t[1] = 0;
	s->fill = 0;
	s->outlen = outlen;
}

/* A full block waits until more comes: the last one is compressed otherwise. */
void
blake2b_update(struct blake2b *s, const void *p, size_t n)
{
	const unsigned char *in = p;

	if (n == 0)
		return;
	if (s->fill > 0) {
		size_t take = sizeof(s->block) - s->fill;
		if (take > n)
			take = n;
		memcpy(s->block + s->fill, in, take);
		s->fill += take;
		in += take;
		n -= take;
		if (n == 0)
			return;
		blake2b_count(s, sizeof(s->block));
		blake2b_compress(s, s->block, false);
		s->fill = 0;
	}
	for (; n > sizeof(s->block);
	     in += sizeof(s->block), n -= sizeof(s->block)) {
		blake2b_count(s, sizeof(s->block));
		blake2b_compress(s, in, false);
	}
	memcpy(s->block, in, n);
	s->fill = n;
}

void
blake2b_final(struct blake2b *s, unsigned char *out)
{
	blake2b_count(s, s->fill);
	memset(s->block + s->fill, 0, sizeof(s->block) - s->fill);
	blake2b_compress(s, s->block, true);
	for (size_t i = 0; i < s->outlen; i++)
		out[i] = (unsigned char)(s->h[i / 8] >> 8 * (i % 8));
}

void
hash_blake2b(struct span s, unsigned char *out, size_t outlen)
{
	struct blake2b state;

	blake2b_init(&state, outlen);
	blake2b_update(&state, s.p, s.n);
	blake2b_final(&state, out);
}

static uint64_t
first_u64(const unsigned char *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

uint64_t
hash_u64(struct span s)
{
	unsigned char out[16];

	hash_blake2b(s, out, sizeof(out));
	return first_u64(out);
}

uint64_t
hash_u64_seeded(uint64_t seed, struct span s)
{
	struct blake2b state;
	unsigned char first[8], out[16];

	for (int i = 0; i < 8; i++)
		first[i] = (unsigned char)(seed >> (56 - 8 * i));
	blake2b_init(&state, sizeof(out));
	blake2b_update(&state, first, sizeof(first));
	blake2b_update(&state, s.p, s.n);
	blake2b_final(&state, out);
	return first_u64(out);
}

/* ---- hex ---- */

void
hash_hex(const unsigned char *p, size_t n, char *out)
{
	static const char digits[16] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
}

/* A digit's value + 1, so that what is no digit is 0. */
static const unsigned char hex_values[256] = {
    ['0'] = 1,
    ['1'] = 2,
    ['2'] = 3,
    ['3'] = 4,
    ['4'] = 5,
    ['5'] = 6,
    ['6'] = 7,
    ['7'] = 8,
    ['8'] = 9,
    ['9'] = 10,
    ['a'] = 11,
    ['b'] = 12,
    ['c'] = 13,
    ['d'] = 14,
    ['e'] = 15,
    ['f'] = 16,
    ['A'] = 11,
    ['B'] = 12,
    ['C'] = 13,
    ['D'] = 14,
    ['E'] = 15,
    ['F'] = 16,
};

int
hash_unhex(struct span hex, unsigned char *out, size_t n)
{
	const unsigned char *p = (const unsigned char *)hex.p;

	if (hex.n != 2 * n)
		return -1;
	for (size_t i = 0; i < n; i++) {
		unsigned hi = hex_values[p[2 * i]], lo = hex_values[p[2 * i + 1]];
		if (hi == 0 || lo == 0)
			return -1;
		out[i] = (unsigned char)((hi - 1) << 4 | (lo - 1));
	}
	return 0;
}

/* ---- CRC-32C ---- */

#define CRC32C_POLY 0x82f63b78u /* Castagnoli's, bits reversed */

static uint32_t crc_table[8][256];

static void
crc_table_fill(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? CRC32C_POLY : 0);
		crc_table[0][i] = c;
	}
	for (int t = 1; t < 8; t++)
		for (int i = 0; i < 256; i++) {
			uint32_t c = crc_table[t - 1][i];
			crc_table[t][i] = c >> 8 ^ crc_table[0][c & 255];
		}
}

/* Eight bytes a step through eight tables, made when first needed. */
uint32_t
hash_crc32c_portable(uint32_t crc, const void *data, size_t n)
{
	const unsigned char *p = data;
	uint32_t c = ~crc;

	if (crc_table[0][1] == 0)
		crc_table_fill();
	for (; n >= 8; p += 8, n -= 8) {
		uint64_t x = load64(p) ^ c;
		c = 0;
		for (int t = 0; t < 8; t++)
			c ^= crc_table[7 - t][x >> 8 * t & 255];
	}
	while (n-- > 0)
		c = c >> 8 ^ crc_table[0][(c ^ *p++) & 255];
	return ~c;
}

#if defined(__x86_64__) && defined(__GNUC__)

__attribute__((target("sse4.2"))) static uint32_t
crc32c_sse42(uint32_t crc, const void *data, size_t n)
{
	const unsigned char *p = data;
	uint64_t c = (uint32_t)~crc;

	for (; n >= 8; p += 8, n -= 8)
		c = __builtin_ia32_crc32di(c, load64(p));
	while (n-- > 0)
		c = __builtin_ia32_crc32qi((uint32_t)c, *p++);
	return ~(uint32_t)c;
}

uint32_t
hash_crc32c(uint32_t crc, const void *data, size_t n)
{
	if (cpu_has_sse42())
		return crc32c_sse42(crc, data, n);
	return hash_crc32c_portable(crc, data, n);
}

#else

uint32_t
hash_crc32c(uint32_t crc, const void *data, size_t n)
{
	return hash_crc32c_portable(crc, data, n);
}

#endif
