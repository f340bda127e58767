/*
 * library: a shared library that is loaded where a command first needs it, so
 * that one that does not pays nothing for it at start-up.
 */
#ifndef BF_IO_LIBRARY_H
#define BF_IO_LIBRARY_H

#include "base/err.h"

/*
 * By its file's name, "libz.so.1".  NULL and e, which says what for ("gzip
 * output") and where it comes from ("zlib1g").  It is never unloaded.
 */
void *library_open(
    const char *file, const char *what, const char *package, struct err *e);

/* Puts a function's address into the pointer to it. 0, or -1 and e. */
int library_function(void *library, const char *name, void *pointer, struct err *e);

#endif
