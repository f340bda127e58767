#include "words.h"

#include "base/mem.h"

#include <stdlib.h>
#include <unistd.h>

#define VALUE_MOST 100000 /* bytes of a variable; the kernel takes 131,071 */

int
words_parse(struct words *w, char *const *argv, struct err *e)
{
	struct span word;

	*w = (struct words){.given = argv};
	while (argv[w->n] != NULL)
		w->n++;
	w->paths = mem_zero(w->n + 1, sizeof *w->paths);
	for (size_t i = 0; i < w->n; i++) {
		word = span_str(argv[i]);
		if (word.n < 3 || word.p[0] != '{' || word.p[word.n - 1] != '}' ||
		    word.p[1] == '{')
			continue;
		w->paths[i] = path_parse(span_of(word.p + 1, word.n - 2), e);
		if (w->paths[i] == NULL)
			return err_prefix(e, "%s", argv[i]);
		w->fields = true;
	}
	return 0;
}

void
words_release(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		path_free(w->paths[i]);
	free(w->paths);
	w->paths = NULL;
}

/* A string's text, or any other value as JSON, with a NUL behind it. */
static int
add_value(struct buf *out, struct span value, const char *name, struct err *e)
{
	struct buf scratch = BUF_INIT;
	struct span text;
	int rc = 0;

	if (json_type(value) != JSON_STRING) {
		json_compact(out, value);
	} else if (json_text(value, &scratch, &text) &&
		   memchr(text.p, '\0', text.n) == NULL) {
		buf_addspan(out, text);
	} else {
		rc = err_set(e, "\"%s\" holds a NUL", name);
	}
	buf_addc(out, '\0');
	buf_release(&scratch);
	return rc;
}

/* Word i. */
static int
add_word(const struct words *w, size_t i, const struct entry *en, struct buf *texts,
    struct err *e)
{
	const char *given = w->given[i];
	size_t n = strlen(given);
	struct span value;

	if (w->paths[i] == NULL) {
		/* {{...} is {...}. */
		if (n >= 3 && given[0] == '{' && given[1] == '{' &&
		    given[n - 1] == '}')
			given++;
		buf_adds(texts, given);
		buf_addc(texts, '\0');
		return 0;
	}
	value = path_find_entry(w->paths[i], en);
	if (value.p == NULL)
		return err_set(e, "no field for the word %s", given);
	return add_value(texts, value, given, e);
}

int
words_check(const struct words *w, const struct entry *en, struct err *e)
{
	struct buf texts = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; i < w->n && rc == 0; i++)
		if (w->paths[i] != NULL)
			rc = add_word(w, i, en, &texts, e);
	buf_release(&texts);
	return rc;
}

/*
 * Names as shells take them.  Not those of capitals alone: they might be variables
 * that bf commands heed, and are not for data to set.
 */
static bool
is_variable(struct span name)
{
	bool small = false;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		small = small || (c >= 'a' && c <= 'z');
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    c != '_' && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return small;
}

/* Each field's once: of several with one name the last counts. */
static size_t
add_variables(const struct entry *en, struct buf *texts)
{
	struct err e;
	size_t n = 0, from;

	for (size_t i = 0; i < en->n; i++) {
		const struct json_member *m = &en->members[i];

		if (!is_variable(m->key) ||
		    entry_getn(en, m->key).p != m->value.p ||
		    m->value.n > VALUE_MOST)
			continue;
		from = texts->len;
		buf_adds(texts, "BF_");
		buf_addspan(texts, m->key);
		buf_addc(texts, '=');
		if (add_value(texts, m->value, "", &e) == 0)
			n++;
		else
			texts->len = from;
	}
	return n;
}

/* Pointers to n texts that follow each other. */
static const char *
point(char **to, size_t n, const char *texts)
{
	for (size_t i = 0; i < n; i++) {
		to[i] = (char *)(uintptr_t)texts;
		texts += strlen(texts) + 1;
	}
	return texts;
}

int
words_make(const struct words *w, const struct entry *en, struct made_words *made,
    struct err *e)
{
	struct buf texts = BUF_INIT;
	size_t variables, ours = 0;
	const char *p;

	*made = (struct made_words){.argv = NULL};
	for (size_t i = 0; i < w->n; i++)
		if (add_word(w, i, en, &texts, e) != 0) {
			buf_release(&texts);
			return -1;
		}
	variables = add_variables(en, &texts);
	while (environ[ours] != NULL)
		ours++;
	made->texts = texts.data;
	made->argv = mem_zero(w->n + 1, sizeof *made->argv);
	made->env = mem_zero(ours + variables + 1, sizeof *made->env);
	p = point(made->argv, w->n, made->texts);
	(void)point(made->env, variables, p);
	memcpy(made->env + variables, environ, ours * sizeof *environ);
	return 0;
}

void
made_words_release(struct made_words *made)
{
	free(made->argv);
	free(made->env);
	free(made->texts);
}
