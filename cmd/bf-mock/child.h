/*
 * child: the command that runs beside the server, and the signals that end both.
 */
#ifndef BF_MOCK_CHILD_H
#define BF_MOCK_CHILD_H

#include <stdbool.h>

/*
 * From now on INT, TERM and the end of a child make the descriptor returned
 * readable; SIGPIPE is ignored, because a client may go away at any moment.
 */
int child_catch_signals(void);

/*
 * Starts argv (NULL-terminated, found along PATH) with OPENAI_BASE_URL=url and
 * OPENAI_API_KEY=key, the same for ANTHROPIC and GEMINI (its url ends in
 * /v1beta), and BF_ENDPOINT=mock; every other descriptor than 0, 1, 2 is
 * close-on-exec.  Ends the program if it cannot fork.
 */
void child_start(char **argv, const char *url, const char *key);

/*
 * Call it when the descriptor is readable.  Passes INT and TERM on to the
 * command; true when it is time to end: the command has ended, or there is
 * none and a signal came.
 */
bool child_ended(void);

/* Ends the command, if there is one, with TERM, and waits for it. */
void child_stop(void);

/* Its exit status, 128 + N after signal N, 0 if there was none. */
int child_status(void);

/* Lifts the soft limit on descriptors to the hard one, for the server alone. */
void child_raise_files(void);

#endif
