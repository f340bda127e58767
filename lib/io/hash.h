/*
 * hash: BLAKE2b (RFC 7693) for identities, CRC-32C (RFC 3720, appendix B.4)
 * for damage.
 */
#ifndef BF_IO_HASH_H
#define BF_IO_HASH_H

#include "base/span.h"

#include <stdint.h>

struct blake2b {
	uint64_t h[8];
	uint64_t t[2];
	unsigned char block[128];
	size_t fill;
	size_t outlen;
};

/* Unkeyed; outlen 1 to 64 bytes.  16 gives what `b2sum -l 128` prints. */
void blake2b_init(struct blake2b *s, size_t outlen);
void blake2b_update(struct blake2b *s, const void *p, size_t n);
void blake2b_final(struct blake2b *s, unsigned char *out);

void hash_blake2b(struct span s, unsigned char *out, size_t outlen);
uint64_t hash_u64(struct span s); /* first 8 bytes of BLAKE2b-128, big endian */

/* The same over the seed, 8 bytes big endian, and s: independent for each seed. */
uint64_t hash_u64_seeded(uint64_t seed, struct span s);

/* Lower-case hex of n bytes; out gets 2n bytes and no NUL. */
void hash_hex(const unsigned char *p, size_t n, char *out);
/* 2n hex digits to n bytes; -1 if they are not. */
int hash_unhex(struct span hex, unsigned char *out, size_t n);

/* Begin with crc = 0; may be continued. Uses x86's instruction where the CPU has
 * it. */
uint32_t hash_crc32c(uint32_t crc, const void *p, size_t n);
/* The same through tables, for every other CPU. */
uint32_t hash_crc32c_portable(uint32_t crc, const void *p, size_t n);

#endif
