/* secret: keys in memory. */
#ifndef BF_IO_SECRET_H
#define BF_IO_SECRET_H

#include <stddef.h>

/* From now on a crash of this process leaves no core file. */
void secret_no_core(void);

/* Overwrites memory in a way that is not optimised away. */
void secret_wipe(void *p, size_t n);

#endif
