/* 16 bytes at a time: what every 64-bit ARM processor has. */
#if defined(__aarch64__)

#include <arm_neon.h>
#include <stdint.h>

#define VEC_SIZE 16
#define VEC_LANE 4
#define VEC_TARGET
typedef uint8_t vec __attribute__((vector_size(VEC_SIZE)));
typedef uint64_t vec_mask;

/* Narrowing each pair of bytes to its middle eight bits leaves four for each byte.
 */
#define vec_bits(v)                                                                \
	(vget_lane_u64(vreinterpret_u64_u8(                                        \
			   vshrn_n_u16(vreinterpretq_u16_u8((uint8x16_t)(v)), 4)), \
	    0))
#define vec_before(v, prev, n) \
	((vec)vextq_u8((uint8x16_t)(prev), (uint8x16_t)(v), VEC_SIZE - (n)))

#include "json/scan_vector.h"

const struct scan scan_neon = {"neon", SCAN_FUNCTIONS};

#else
typedef int scan_neon_is_not_for_this_processor;
#endif
