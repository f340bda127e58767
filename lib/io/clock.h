/* clock: the two clocks, as integers. */
#ifndef BF_IO_CLOCK_H
#define BF_IO_CLOCK_H

#include <stdint.h>

int64_t clock_mono_us(void); /* never goes back; for intervals and deadlines */
int64_t clock_wall_ms(void); /* since 1970; for records */

#endif
