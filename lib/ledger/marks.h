/*
 * marks: which calls are in flight, for those who come after a kill.
 *
 * A process that sends calls has a file in the ledger's directory, mapped into
 * memory, with a slot for each call that may be in flight.  A mark is set before
 * a call is sent and cleared when its record is in the ledger: a few stores,
 * no system call.  At a clean end the file is removed; what a killed process
 * leaves tells which calls the provider may have answered, and billed, for
 * nothing.
 *
 *	inflight-<host>-<pid>             0600; its owner holds an exclusive flock(2)
 *	inflight-<host>-<pid>-<16 hex>    where that name was taken
 *
 * An owner that is alive is told by the lock and not by the number, which the
 * system gives out again.  Locks of other hosts cannot be trusted, so that
 * their files are looked at but never judged.
 *
 *	256 bytes of header: "bf-inflight 1\n", 0 up to byte 16; then, in the
 *	machine's byte order, slots (4), bytes of a slot (4), process (8), begin
 *	in Unix milliseconds (8), and the host's name
 *	256 bytes a slot: state (4: 0 free, 1 in flight), CRC-32C of the rest (4),
 *	key (16), begin in Unix milliseconds (8), bytes of the model's name (1),
 *	of the endpoint's (1), the model (100), the endpoint (100), each name cut
 *	at a character's end where it is longer; zeros
 *
 * The state is stored last, so that a kill between two stores leaves no mark.
 */
#ifndef BF_LEDGER_MARKS_H
#define BF_LEDGER_MARKS_H

#include "ledger/ledger.h"

#define MARKS_NONE UINT32_MAX

struct marks;

/*
 * Makes the file, with slots for n calls; the directory must be there.  The disk
 * space is taken at once: a full disk is met here and not by a store.  NULL and
 * e on failure.
 */
struct marks *marks_open(const char *dir, uint32_t n, struct err *e);

/* Before a call is sent: its slot. At most n at a time. */
uint32_t marks_set(struct marks *m, const unsigned char key[LEDGER_KEY_SIZE],
    struct span model, struct span endpoint);
/* Its record is written, or there is nothing that could be billed. */
void marks_clear(struct marks *m, uint32_t slot);

/*
 * Removes the file, or leaves it where a mark is still set: that call's answer
 * was lost, and the next run says so.  NULL is no marks.
 */
void marks_close(struct marks *m);

/* ---- what others left ---- */

struct marks_call {
	unsigned char key[LEDGER_KEY_SIZE];
	int64_t time; /* when it was sent: Unix, milliseconds */
	struct span model;
	struct span endpoint;
};

struct marks_run {
	const char *file; /* its name in the directory */
	const char *host;
	int64_t pid;
	int64_t begun; /* Unix, milliseconds */
	enum { MARKS_ALIVE, MARKS_DEAD, MARKS_ELSEWHERE } owner;
	/* Alive, elsewhere: in flight.  Dead: those that no answer came for. */
	const struct marks_call *calls;
	size_t ncalls;
	size_t broken; /* slots whose checksum does not hold */
};

/*
 * Looks at each file and changes nothing.  What run points to is borrowed for the
 * call.  A directory that is not there has none.  0, or -1 and e.
 */
int marks_look(const char *dir, void (*found)(void *arg, const struct marks_run *run),
    void *arg, struct err *e);

/*
 * Takes in what dead processes of this host left.  found() is called for each
 * that has calls that no answer came for; these become records: status error,
 * class possibly_billed, without request and response, at the time at which
 * they were sent.  They are synced before the file is removed.  Of several
 * processes that do this at the same time one has the file.  A call whose
 * answer was recorded in its time or later is not counted.
 *
 * o is for the ledger, which is opened for writing only if there is something
 * to record.  -1 and e where it cannot be: the files stay for the next one.
 */
int marks_collect(const char *dir, const struct ledger_options *o,
    void (*found)(void *arg, const struct marks_run *run), void *arg, struct err *e);

#endif
