/*
 * budget: the bucket of a model, shared by all processes of a user on this host
 * that call it at the same URL with the same key.
 *
 *	struct budget *b = budget_new(url, key, model);
 *
 *	do {
 *		s = budget_begin(b, &now);
 *		... what pacing/bucket.h has for s, at that time, and nothing else ...
 *	} while (!budget_end(b));
 *
 *	budget_free(b);
 *
 * It lies in a file that is mapped into memory:
 *
 *	$XDG_RUNTIME_DIR/bf                  0700; where there is none that is ours,
 *	${TMPDIR:-/tmp}/bf-<number of the user>
 *	    <32 hex digits>                  0600; BLAKE2b-128 of URL, key and model
 *
 * Begin and end cost no system call but for one a second, which looks whether
 * the file is still the one of that name.  What is between them is changed in a
 * copy; its end puts it into the half of the file that is not in use, and
 * makes that the one in use with one store.  So whoever is killed in between
 * has changed nothing.  Who holds the lock for a tenth of a second has been
 * killed or stopped: then another closes that file for good and goes on with a
 * copy of it under the same name.  The one that was stopped sees that when it
 * goes on, and does its work once more.
 *
 * A file of another boot is begun anew.  One that is broken or another's is not
 * touched; then, and where there is no place or no room for a file, the
 * process keeps a budget of its own: budget_trouble() says so.  Nothing that
 * is read there is believed: see bucket_bound().  Files that can matter to
 * nobody any more are removed when another is made.
 *
 * A process that uses it gets a handler of SIGBUS, for files that are cut off.
 */
#ifndef BF_PACING_BUDGET_H
#define BF_PACING_BUDGET_H

#include "base/err.h"
#include "base/span.h"
#include "pacing/bucket.h"

struct budget;

/* Nothing is opened yet. key may be NULL. */
struct budget *budget_new(const char *url, const char *key, struct span model);

/* It gives up its place among those that wait; NULL is none. */
void budget_free(struct budget *b);

/* Its number: bucket_ask.who. */
uint64_t budget_who(const struct budget *b);

/*
 * What all have spent up to now, for this process alone until budget_end().  It
 * waits for others, a fraction of a second if things go wrong.
 */
struct bucket *budget_begin(struct budget *b, int64_t *now);

/* False: it did not take effect, and has to be done once more. */
bool budget_end(struct budget *b);

/* As it was when this process looked last: for reading. */
const struct bucket *budget_seen(const struct budget *b);

enum budget_trouble { BUDGET_SHARED, BUDGET_ALONE, BUDGET_UNSAFE };

/*
 * Whether it is not shared, and why (e).  BUDGET_UNSAFE: somebody else may have a
 * hand in the directory.
 */
enum budget_trouble budget_trouble(const struct budget *b, struct err *e);

#endif
