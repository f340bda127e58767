/*
 * err: what went wrong, as text for a person.
 *
 * A library function that fails returns -1 (or NULL) and fills a struct err;
 * it never prints.  The text is lower case, without a full stop and without
 * the program's name; cmd/ prints it through msg.  err_set() and err_sys()
 * return -1, so that "return err_sys(e, ...)" reads well.
 */
#ifndef BF_BASE_ERR_H
#define BF_BASE_ERR_H

struct err {
	char text[600];
	int errnum; /* errno of a failed system call, else 0 */
};

#define ERR_INIT ((struct err){{0}, 0})

/* The same without clearing all of the text, for what is done line by line. */
static inline void
err_init(struct err *e)
{
	e->text[0] = '\0';
	e->errnum = 0;
}

int err_set(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Appends ": " and strerror(errno); keeps errno in errnum. */
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts "PREFIX: " before the text that is there. */
int err_prefix(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
