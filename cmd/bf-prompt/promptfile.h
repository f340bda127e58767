/*
 * promptfile: a prompt as a file, with what belongs to it.
 *
 *	---
 *	description: a line, for a list of prompts
 *	model: gpt-4o-mini@openai
 *	schema: facts.json
 *	system: |
 *	  Lines, indented by two spaces,
 *	  or the text in this line.
 *	parameters:
 *	  temperature: 0
 *	---
 *	The template.
 *
 * All of it but the template may be left out, and the lines of "---" with it.
 * Blank lines and those that begin with "#" between these two mean nothing.  A
 * value that begins with a quote is a JSON string.  A parameter is JSON if it is
 * JSON, else a string, and so is a schema that begins with a brace.
 */
#ifndef BF_PROMPT_PROMPTFILE_H
#define BF_PROMPT_PROMPTFILE_H

#include "base/buf.h"
#include "base/err.h"

struct promptfile_param {
	struct buf key;   /* text */
	struct buf value; /* JSON */
};

/* What is not given is empty. */
struct promptfile {
	struct buf description;
	struct buf model;
	struct buf system; /* a template */
	struct buf schema; /* a path, or JSON: then it begins with a brace */
	struct promptfile_param *params;
	size_t nparams;
	struct span template; /* of the text that was parsed */
	size_t line;          /* where the template begins */
};

#define PROMPTFILE_INIT ((struct promptfile){.nparams = 0})

/* 0; -1 and e, which begins with "NAME:LINE". */
int promptfile_parse(
    struct promptfile *f, const char *name, struct span text, struct err *e);

void promptfile_release(struct promptfile *f);

#endif
