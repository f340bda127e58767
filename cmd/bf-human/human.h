/* human: the broker that has a person answer. */
#ifndef BF_HUMAN_HUMAN_H
#define BF_HUMAN_HUMAN_H

#include "choices.h"
#include "engine/broker.h"
#include "sheet.h"
#include "json/columns.h"
#include "json/template.h"

struct human_options {
	struct template *ask;      /* the question; NULL: none */
	struct template *proposal; /* what the editor begins with; NULL: nothing */
	struct columns show;       /* the fields that are seen; none: all */
	struct choices choices;
	bool editor;               /* texts are written in it, not as lines */
	bool allow_empty;          /* an empty text is an answer */
	const char *as;            /* who answers */
	struct outfile *questions; /* to write what is not answered to; NULL */
	struct replies *replies;   /* to answer from; NULL */
};

/* The options are borrowed; the broker closes the questions' file. */
struct broker *human_new(const struct human_options *o);
/* Whether that could not be written, as was told. */
bool human_failed(const struct broker *b);
void human_free(struct broker *b);

#endif
