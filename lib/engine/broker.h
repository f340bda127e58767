/*
 * broker: who has calls answered.
 *
 * The engine (engine.h) reads entries, knows what is answered already, says when a
 * call may start, tries again, records what came and puts it out.  A broker says
 * what an entry asks for and has it answered: by a model over HTTP (llm.h), by a
 * command, by a person.  It is a struct that begins with this one, and a file of
 * its own.
 *
 * All of it runs in the engine's one loop: submit() returns at once, and what is
 * waited for is watched there.
 */
#ifndef BF_ENGINE_BROKER_H
#define BF_ENGINE_BROKER_H

#include "dialects/provider.h"
#include "engine/request.h"
#include "io/loop.h"
#include "pacing/retry.h"

#include <stdint.h>

#define BROKER_WHY_MAX 700

/*
 * One attempt.  It belongs to the engine, and stays where it is until done() was
 * called or it was cancelled; so does what its spans refer to.
 */
struct broker_call {
	const struct provider *provider;
	struct span model;
	struct span body; /* what is asked; see struct request */
	const unsigned char *key; /* of REQUEST_KEY_SIZE bytes */
	const char *file;         /* where the entry is that asks it, or the first */
	uint64_t lineno;
	void (*done)(struct broker_call *c);
	void *arg;
	void *own; /* the broker's */

	/*
	 * For the broker to fill before done(); all zero until then, asked_us -1.
	 * Spans are borrowed until done() returns.
	 */
	bool answered;
	struct buf response;          /* then: an object; the engine's to release */
	struct dialect_answer answer; /* its usage also where it is none */
	struct span raw;              /* what came, which is kept; JSON where answered */
	struct retry_ruling ruling;   /* where not answered */
	char why[BROKER_WHY_MAX];     /* likewise, for a person, without any key */
	bool left;    /* neither answered nor failed, and asked only where reached: a
			 later run asks it */
	bool no_more; /* nor is anything else in this run, as why says */
	bool reached;     /* it was the answering side that said so */
	bool overloaded;  /* it has too much to do */
	bool hopeless;    /* no call can be made as things are set up here */
	int status;       /* of HTTP; 0: there was none */
	int64_t asked_us; /* to wait before the next attempt; -1: it said nothing */
	const struct span *rates; /* headers that tell of limits (pacing/rates.h); NULL */
	int64_t micros;           /* from the start to here */
	int64_t first_micros;     /* to the first byte of the answer; 0: none came */
};

struct broker {
	bool costs;     /* calls take tokens and money, of which is told */
	unsigned files; /* descriptors that a request in flight takes */
	/*
	 * What an entry asks for, ready to be sent, as r's own members (lenient,
	 * stream, instead, given) want it: 0, or -1 and e.
	 */
	int (*describe)(struct broker *b, struct request *r, const struct entry *en,
	    struct err *e);
	/*
	 * Begins an attempt: 0, and done() is called once in a later turn of the
	 * loop.  -1 and e: nothing can be begun, and the run ends.
	 */
	int (*submit)(struct broker *b, struct broker_call *c, struct loop *l,
	    struct err *e);
	/* Ends one that is not done; done() is not called. */
	void (*cancel)(struct broker *b, struct broker_call *c);
	/*
	 * Nothing is in flight any more, and the loop goes.  whole: all entries
	 * were read, whatever became of them.
	 */
	void (*close)(struct broker *b, bool whole);
	/*
	 * Nothing is to be sent from here on: what was submitted and waits is done soon,
	 * as left.  NULL: nothing waits.
	 */
	void (*stop)(struct broker *b);

	/*
	 * NULL where the dialect's response is what the entry gets.  Else puts what it
	 * gets in its place, and into next what is to be asked after it (given, of its
	 * request), if anything is: that answer goes out in an entry of its own behind this
	 * one.  0; or -1, the class with which the entry fails, and e.
	 */
	int (*take)(struct broker *b, struct buf *response, struct buf *next,
	    const char **class, struct err *e);
	bool pages; /* next may be filled */

	/* Zero is what is usual. */
	const char *field; /* of the entry that gets the answer; NULL: "response" */
	bool mute;         /* an answer takes no tokens */
	unsigned together; /* calls that may go as one request; 0: each is one */
	uint64_t requests; /* made so far, where calls go together */
	bool waits;        /* all that is submitted waits: stop() leaves nothing in flight */
};

#endif
