/*
 * A prompt's file: what was read of it is UTF-8, parameters are JSON, and the
 * template lies within the text.
 */
#include "../../cmd/bf-prompt/promptfile.h"
#include "io/utf8.h"
#include "json/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(bool holds)
{
	if (!holds)
		abort();
}

static void
check_text(const struct buf *b)
{
	demand(utf8_valid(buf_span(b)) == b->len);
}

static void
check(const struct promptfile *f, struct span text)
{
	struct json_fault fault;

	check_text(&f->description);
	check_text(&f->model);
	check_text(&f->system);
	check_text(&f->schema);
	for (size_t i = 0; i < f->nparams; i++) {
		demand(f->params[i].key.len > 0);
		check_text(&f->params[i].key);
		demand(json_check(buf_span(&f->params[i].value), &fault) == 0);
	}
	demand(f->line > 0 && f->template.p >= text.p &&
	       f->template.p + f->template.n <= text.p + text.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct promptfile f = PROMPTFILE_INIT;
	struct err e = ERR_INIT;

	if (size == 0)
		text = span_of("", 0);
	if (promptfile_parse(&f, "x", text, &e) == 0)
		check(&f, text);
	else
		demand(e.text[0] != '\0');
	promptfile_release(&f);
	return 0;
}
