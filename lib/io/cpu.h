/*
 * cpu: what this processor can do, for code that is there in several forms.
 *
 * The C library has asked the processor at start.  To ask again, as the
 * compiler's __builtin_cpu_supports() does before main(), takes tens of
 * microseconds in a virtual machine, which a filter that reads one line
 * notices; that is the way only where the C library does not tell.
 */
#ifndef BF_IO_CPU_H
#define BF_IO_CPU_H

#include <stdbool.h>

#if defined(__x86_64__)
#if defined(__has_include)
#if __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#endif
#endif

#ifdef CPU_FEATURE_ACTIVE
#define CPU_HAS(libc_name, compiler_name) CPU_FEATURE_ACTIVE(libc_name)
#else
#define CPU_HAS(libc_name, compiler_name) __builtin_cpu_supports(compiler_name)
#endif

static inline bool
cpu_has_avx2(void)
{
	return CPU_HAS(AVX2, "avx2") && CPU_HAS(BMI1, "bmi") &&
	       CPU_HAS(POPCNT, "popcnt");
}

static inline bool
cpu_has_fma(void)
{
	return CPU_HAS(AVX2, "avx2") && CPU_HAS(FMA, "fma");
}

static inline bool
cpu_has_sse42(void)
{
	return CPU_HAS(SSE4_2, "sse4.2");
}
#endif

#endif
