/* editor: a text that is written in the person's own editor. */
#ifndef BF_HUMAN_EDITOR_H
#define BF_HUMAN_EDITOR_H

#include "base/buf.h"
#include "base/err.h"
#include "io/process.h"

struct editor {
	struct process p;
	struct buf path; /* of the file that is edited; empty: there is none */
};

#define EDITOR_INIT \
	((struct editor){.p = {.in = -1, .out = -1, .err = -1}, .path = BUF_INIT})

/*
 * Has $VISUAL, else $EDITOR, else vi edit a file of the user's alone with that
 * text in it, at the terminal.  0, or -1 and e, and nothing is left behind.
 */
int editor_start(struct editor *ed, struct span text, struct err *e);

/*
 * After the process has ended: what was saved, without the newline at its end.  0,
 * or -1 and e: the editor failed, or it is no text.  The file is gone either way.
 */
int editor_take(struct editor *ed, struct buf *text, struct err *e);

/* Ends it, whatever it does. */
void editor_release(struct editor *ed);

#endif
