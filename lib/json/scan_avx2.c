/* 32 bytes at a time, on x86-64 processors since 2013. */
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdint.h>

#define VEC_SIZE   32
#define VEC_LANE   1
#define VEC_TARGET __attribute__((target("avx2,bmi,popcnt")))
typedef uint8_t vec __attribute__((vector_size(VEC_SIZE)));
typedef uint32_t vec_mask;

#define vec_bits(v) ((vec_mask)_mm256_movemask_epi8((__m256i)(v)))
/* Bytes move within halves of the register only: the half before goes below each.
 */
#define vec_before(v, prev, n)                                              \
	((vec)_mm256_alignr_epi8((__m256i)(v),                              \
	    _mm256_permute2x128_si256((__m256i)(prev), (__m256i)(v), 0x21), \
	    16 - (n)))

#include "json/scan_vector.h"

const struct scan scan_avx2 = {"avx2", SCAN_FUNCTIONS};

#else
typedef int scan_avx2_is_not_for_this_processor;
#endif
