/* 16 bytes at a time: what every x86-64 processor has. */
#if defined(__x86_64__)

#include <emmintrin.h>
#include <stdint.h>

#define VEC_SIZE 16
#define VEC_LANE 1
#define VEC_TARGET
typedef uint8_t vec __attribute__((vector_size(VEC_SIZE)));
typedef uint32_t vec_mask;

#define vec_bits(v) ((vec_mask)_mm_movemask_epi8((__m128i)(v)))
#define vec_before(v, prev, n)                              \
	((vec)_mm_or_si128(_mm_slli_si128((__m128i)(v), n), \
	    _mm_srli_si128((__m128i)(prev), VEC_SIZE - (n))))

#include "json/scan_vector.h"

const struct scan scan_sse2 = {"sse2", SCAN_FUNCTIONS};

#else
typedef int scan_sse2_is_not_for_this_processor;
#endif
