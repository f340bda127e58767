#include "read.h"

#include "base/mem.h"
#include "base/msg.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

/* What extensions mean. */
static const struct extension {
	const char *name;
	enum format format;
} extensions[] = {
    {".md", FORMAT_MD},
    {".markdown", FORMAT_MD},
    {".txt", FORMAT_TEXT},
    {".jsonl", FORMAT_JSONL},
    {".ndjson", FORMAT_JSONL},
    {".json", FORMAT_JSON},
    {".csv", FORMAT_CSV},
    {".tsv", FORMAT_TSV},
    {".sqlite", FORMAT_SQLITE},
    {".sqlite3", FORMAT_SQLITE},
    {".db", FORMAT_SQLITE},
};

/* The folders above one, to notice links that lead back up. */
struct folder {
	const struct folder *above;
	dev_t dev;
	ino_t ino;
};

static bool
ends_in(struct span s, const char *ending)
{
	size_t n = strlen(ending);

	return s.n > n && strncasecmp(s.p + s.n - n, ending, n) == 0;
}

/* By the name, less .gz or .zst; NULL if it says nothing. */
static const struct extension *
find_extension(const char *path)
{
	struct span s = span_str(path);

	if (ends_in(s, ".gz"))
		s.n -= 3;
	else if (ends_in(s, ".zst"))
		s.n -= 4;
	for (size_t i = 0; i < sizeof(extensions) / sizeof(*extensions); i++)
		if (ends_in(s, extensions[i].name))
			return &extensions[i];
	return NULL;
}

/* Takes path over. */
static void
add(struct files *f, char *path, enum format format)
{
	if (f->n == f->cap) {
		f->cap = f->cap == 0 ? 64 : 2 * f->cap;
		f->at = mem_resize(f->at, f->cap, sizeof(*f->at));
	}
	f->at[f->n++] = (struct file){path, format};
}

static char *
join(const char *folder, const char *name)
{
	struct buf b = BUF_INIT;
	size_t n = strlen(folder);

	while (n > 1 && folder[n - 1] == '/')
		n--;
	/* What is in "." is named as in an operand without it. */
	if (!(n == 1 && folder[0] == '.')) {
		buf_add(&b, folder, n);
		if (folder[n - 1] != '/')
			buf_addc(&b, '/');
	}
	buf_adds(&b, name);
	buf_cstr(&b);
	return b.data;
}

static void walk(struct files *f, const char *path, const struct folder *here,
    enum format format, struct stage *st);

static void
add_found(struct files *f, char *path, const struct folder *here,
    enum format format, struct stage *st)
{
	const struct extension *x = find_extension(path);
	struct folder below = {.above = here};
	struct stat sb;

	if (stat(path, &sb) < 0) {
		/* A dangling link matters only where its name would be read. */
		if (x != NULL)
			stage_lost(st, path, strerror(errno));
	} else if (S_ISDIR(sb.st_mode)) {
		below.dev = sb.st_dev;
		below.ino = sb.st_ino;
		walk(f, path, &below, format, st);
	} else if (S_ISREG(sb.st_mode) && x != NULL) {
		add(f, path, format == FORMAT_BY_NAME ? x->format : format);
		return;
	} else {
		msg_debug(
		    "%s: left out: not a kind of file that is read from folders",
		    path);
	}
	free(path);
}

static bool
leads_up(const struct folder *here)
{
	for (const struct folder *f = here->above; f != NULL; f = f->above)
		if (f->dev == here->dev && f->ino == here->ino)
			return true;
	return false;
}

static void
walk(struct files *f, const char *path, const struct folder *here,
    enum format format, struct stage *st)
{
	struct dirent *d;
	DIR *dir;

	if (leads_up(here)) {
		msg_warn("%s: left out: a link to a folder that it is in", path);
		return;
	}
	dir = opendir(path);
	if (dir == NULL) {
		stage_lost(st, path, strerror(errno));
		return;
	}
	for (;;) {
		errno = 0;
		d = readdir(dir);
		if (d == NULL)
			break;
		if (d->d_name[0] != '.')
			add_found(f, join(path, d->d_name), here, format, st);
	}
	if (errno != 0)
		stage_lost(st, path, strerror(errno));
	closedir(dir);
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(
	    ((const struct file *)a)->path, ((const struct file *)b)->path);
}

static void
add_folder(struct files *f, const char *path, const struct stat *sb,
    enum format format, struct stage *st)
{
	struct folder top = {NULL, sb->st_dev, sb->st_ino};
	size_t first = f->n;

	walk(f, path, &top, format, st);
	if (f->n == first)
		msg_warn("%s: nothing to read here (.md, .markdown, .txt, .jsonl, "
			 ".ndjson, .json, .csv, .tsv, .sqlite, .sqlite3, .db)",
		    path);
	else
		qsort(f->at + first, f->n - first, sizeof(*f->at), by_path);
}

void
files_add(
    struct files *f, const char *operand, enum format format, struct stage *st)
{
	const struct extension *x = find_extension(operand);
	struct stat sb;

	if (strcmp(operand, "-") == 0) {
		add(f, mem_strdup(operand),
		    format == FORMAT_BY_NAME ? FORMAT_TEXT : format);
		return;
	}
	if (stat(operand, &sb) < 0) {
		stage_lost(st, operand, strerror(errno));
	} else if (S_ISDIR(sb.st_mode)) {
		add_folder(f, operand, &sb, format, st);
	} else if (format != FORMAT_BY_NAME) {
		add(f, mem_strdup(operand), format);
	} else {
		add(f, mem_strdup(operand), x == NULL ? FORMAT_TEXT : x->format);
	}
}

const char *
file_name(const struct file *f)
{
	return strcmp(f->path, "-") == 0 ? "<stdin>" : f->path;
}

void
files_release(struct files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->at[i].path);
	free(f->at);
}
