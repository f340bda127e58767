/*
 * bf-chunk's parts: main.c knows options and entries, units.c finds where
 * characters, words, sentences and so on end, sections.c where sections begin,
 * and chunker.c puts units together.
 */
#ifndef BF_CHUNK_H
#define BF_CHUNK_H

#include "base/err.h"
#include "base/span.h"

#include <stdint.h>

enum unit { CHARS, WORDS, LINES, SENTENCES, PARAGRAPHS, TOKENS, SECTIONS };

enum { TOKEN_BYTES = 4 }; /* what a token is taken for */

/* ---- units.c ---- */

/*
 * Where the unit ends that begins at an offset below text.n; the text is UTF-8.
 * Each unit takes the white space behind it, so that units are all of a text.
 * All but SECTIONS; of TOKENS, of which a chunk holds as many as fit, the unit
 * is a word, or a character where it is longer than max bytes.
 */
size_t unit_end(enum unit u, struct span text, size_t at, size_t max);

/* ---- sections.c ---- */

/* Where the sections of a Markdown text begin, and then its end. */
struct sections {
	size_t *at;
	size_t n, cap;
};

/* -1 and e if the text is too large. Reused from text to text. */
int sections_find(struct sections *s, struct span text, struct err *e);
void sections_release(struct sections *s);

/* ---- chunker.c ---- */

/* A boundary of units, and the weight of those before it: their number, or bytes. */
struct cursor {
	size_t at;
	uint64_t weight;
};

struct chunker {
	enum unit unit;
	uint64_t size, overlap; /* in units */
	struct sections sections;

	struct span text;
	struct cursor start, end; /* of the chunk handed out last */
	bool begun;
};

/* Takes up a text, borrowed. -1 and e if it cannot be taken apart. */
int chunker_begin(struct chunker *c, struct span text, struct err *e);
/* Back to the first chunk of the same text. */
void chunker_rewind(struct chunker *c);
/* The next chunk; an empty text has one, empty. */
bool chunker_next(struct chunker *c, struct span *chunk);
void chunker_release(struct chunker *c);

#endif
