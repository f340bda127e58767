#include "prompts.h"

#include "promptfile.h"

#include "base/mem.h"
#include "io/configfile.h"
#include "io/userdir.h"
#include "io/visible.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#define DEPTH_MAX 8 /* folders in folders, of a list */

/* ---- bf's own ---- */

/* share/prompts, put into the program by the assembler. */
#define OWN(id, file)                                                  \
	extern const char prompt_##id[], prompt_##id##_end[];          \
	__asm__(".pushsection .rodata\n"                               \
		"prompt_" #id ": .incbin \"share/prompts/" file "\"\n" \
		"prompt_" #id "_end: .byte 0\n"                        \
		".popsection")

OWN(classify, "classify.md");
OWN(extract_facts, "extract-facts.md");
OWN(judge, "judge.md");
OWN(summarize, "summarize.md");
OWN(translate, "translate.md");

static const struct own {
	const char *name;
	const char *text, *end;
} own[] = {
    {"classify", prompt_classify, prompt_classify_end},
    {"extract-facts", prompt_extract_facts, prompt_extract_facts_end},
    {"judge", prompt_judge, prompt_judge_end},
    {"summarize", prompt_summarize, prompt_summarize_end},
    {"translate", prompt_translate, prompt_translate_end},
};
#define OWN_COUNT (sizeof(own) / sizeof(own[0]))

static struct span
own_text(const struct own *o)
{
	return span_of(o->text, (size_t)(o->end - o->text));
}

/* ---- names ---- */

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* A file's name, or a folder's. */
static bool
is_part(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_name_char(s.p[i]))
			return false;
	return s.n > 0 && s.p[0] != '.';
}

int
prompts_named(const char *text, struct err *e)
{
	size_t n;

	if (text[0] != '@' || text[1] == '\0')
		return 0;
	for (const char *p = text + 1; *p != '\0'; p++)
		if (!is_name_char(*p) && *p != '/')
			return 0;
	for (const char *p = text + 1;; p += n + 1) {
		n = strcspn(p, "/");
		if (!is_part(span_of(p, n)))
			return err_set(e,
			    "%s: no part of a prompt's name is empty or begins "
			    "with a dot (a file is read with -f)",
			    text);
		if (p[n] == '\0')
			return 1;
	}
}

/* ---- folders ---- */

enum { FOLDERS = 2 };

/* Appends the path of a folder of prompts; false if there is none. */
static bool
folder(int i, struct buf *path)
{
	const char *dir = getenv("BF_PROMPTS");

	if (i == 0 && (dir == NULL || *dir == '\0'))
		return false;
	if (i == 0)
		buf_adds(path, dir);
	else if (userdir(path, "XDG_CONFIG_HOME", ".config"))
		buf_adds(path, "/bf/prompts");
	else
		return false;
	return true;
}

static int
read_own(const char *name, struct buf *where, struct buf *text)
{
	for (size_t i = 0; i < OWN_COUNT; i++)
		if (strcmp(own[i].name, name) == 0) {
			buf_clear(where);
			buf_addf(where, "share/prompts/%s.md", name);
			buf_addspan(text, own_text(&own[i]));
			return 1;
		}
	return 0;
}

int
prompts_read(const char *name, struct buf *where, struct buf *text, struct err *e)
{
	struct buf missed = BUF_INIT;
	int rc = 0;

	for (int i = 0; i < FOLDERS && rc == 0; i++) {
		buf_clear(where);
		if (!folder(i, where))
			continue;
		buf_addf(where, "/%s.md", name);
		buf_addf(&missed, "%s, ", buf_cstr(where));
		rc = configfile_read_path(buf_cstr(where), PROMPT_MAX, text, e);
	}
	if (rc == 0)
		rc = read_own(name, where, text);
	if (rc == 0)
		rc = err_set(e,
		    "no prompt \"%s\": looked for %samong bf's own; "
		    "bf-prompt --list-prompts shows those there are",
		    name, missed.len == 0 ? "" : buf_cstr(&missed));
	buf_release(&missed);
	return rc < 0 ? -1 : 0;
}

/* ---- the list ---- */

typedef void tell_fn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

struct list {
	struct buf *out;
	struct buf names; /* those listed, each between newlines */
	tell_fn *tell;
	int faults;
};

static bool
is_listed(struct list *l, const char *name)
{
	struct buf line = BUF_INIT;
	bool found;

	buf_addf(&line, "\n%s\n", name);
	found = strstr(buf_cstr(&l->names), buf_cstr(&line)) != NULL;
	buf_release(&line);
	return found;
}

static void
fault(struct list *l, const struct err *e)
{
	l->tell("%s", e->text);
	l->faults++;
}

static void
list_prompt(struct list *l, const char *name, const char *where, struct span text)
{
	struct promptfile f = PROMPTFILE_INIT;
	struct err e = ERR_INIT;

	if (promptfile_parse(&f, where, text, &e) < 0)
		fault(l, &e);
	buf_addf(l->out, "%s\t", name);
	if (f.description.len == 0)
		buf_addc(l->out, '-');
	visible_add_line(l->out, buf_span(&f.description));
	buf_addf(l->out, "\t%s\n", where);
	buf_addf(&l->names, "%s\n", name);
	promptfile_release(&f);
}

static void
list_file(struct list *l, const char *name, const char *path)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	int rc;

	if (is_listed(l, name))
		return;
	rc = configfile_read_path(path, PROMPT_MAX, &text, &e);
	if (rc < 0)
		fault(l, &e);
	else if (rc == 1)
		list_prompt(l, name, path, buf_span(&text));
	buf_release(&text);
}

static int
is_wanted(const struct dirent *d)
{
	return is_part(span_str(d->d_name));
}

/* By bytes, whatever the locale. */
static int
compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* All in a folder; before stands in front of their names. */
static void
list_folder(struct list *l, const char *dir, const char *before, int depth)
{
	struct buf path = BUF_INIT, name = BUF_INIT;
	struct err e = ERR_INIT;
	struct dirent **found = NULL;
	int n = scandir(dir, &found, is_wanted, compare);
	size_t len;

	if (n < 0 && errno != ENOENT && errno != ENOTDIR) {
		err_sys(&e, "%s", dir);
		fault(l, &e);
	}
	for (int i = 0; i < n; i++) {
		len = strlen(found[i]->d_name);
		buf_clear(&path);
		buf_clear(&name);
		buf_addf(&path, "%s/%s", dir, found[i]->d_name);
		buf_addf(&name, "%s%s", before, found[i]->d_name);
		if (len > 3 && strcmp(found[i]->d_name + len - 3, ".md") == 0) {
			name.len -= 3;
			list_file(l, buf_cstr(&name), buf_cstr(&path));
		} else if (depth < DEPTH_MAX) {
			buf_addc(&name, '/');
			list_folder(l, buf_cstr(&path), buf_cstr(&name), depth + 1);
		}
		free(found[i]);
	}
	free(found);
	buf_release(&path);
	buf_release(&name);
}

int
prompts_list(struct buf *out, tell_fn *tell)
{
	struct list l = {.out = out, .tell = tell};
	struct buf path = BUF_INIT;

	buf_addc(&l.names, '\n');
	for (int i = 0; i < FOLDERS; i++) {
		buf_clear(&path);
		if (folder(i, &path))
			list_folder(&l, buf_cstr(&path), "", 0);
	}
	for (size_t i = 0; i < OWN_COUNT; i++) {
		if (is_listed(&l, own[i].name))
			continue;
		buf_clear(&path);
		buf_addf(&path, "share/prompts/%s.md", own[i].name);
		list_prompt(&l, own[i].name, buf_cstr(&path), own_text(&own[i]));
	}
	buf_release(&l.names);
	buf_release(&path);
	return l.faults;
}
