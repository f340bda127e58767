#include "read.h"

#include "base/mem.h"
#include "base/msg.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <glob.h>
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

static enum format
format_by_name(const char *path)
{
	const struct extension *x = find_extension(path);

	return x == NULL ? FORMAT_TEXT : x->format;
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

/* A folder that an operand names, and what it is searched for. */
struct search {
	struct files *files;
	struct stage *st;
	size_t below; /* bytes of a path before what is below the operand */
};

static void walk(struct search *s, const char *path, const struct folder *here);

/* Whether a name with this path is looked at at all; hidden ones must be named. */
static bool
is_meant(const struct search *s, const char *path, const char *name, bool folder)
{
	const struct globs *include = &s->files->include;
	const char *below = path + s->below;

	if (globs_match(&s->files->exclude, below, true))
		return false;
	if (folder)
		return !s->files->flat &&
		       (*name != '.' || globs_lead_into(include, below));
	if (include->n > 0)
		return globs_match(include, below, false);
	return *name != '.' && find_extension(name) != NULL;
}

static void
add_found(struct search *s, char *path, const char *name, const struct folder *here)
{
	struct folder below = {.above = here};
	enum format format = s->files->format;
	struct stat sb;
	bool found = stat(path, &sb) == 0, meant;
	int error = errno;

	meant = is_meant(s, path, name, found && S_ISDIR(sb.st_mode));
	/* A dangling link matters only where its name would be read. */
	if (meant && !found) {
		stage_lost(s->st, path, strerror(error));
	} else if (meant && S_ISDIR(sb.st_mode)) {
		below.dev = sb.st_dev;
		below.ino = sb.st_ino;
		walk(s, path, &below);
	} else if (meant && S_ISREG(sb.st_mode)) {
		add(s->files, path,
		    format == FORMAT_BY_NAME ? format_by_name(name) : format);
		return;
	} else {
		msg_debug("%s: left out", path);
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

static bool
is_self_or_parent(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void
walk(struct search *s, const char *path, const struct folder *here)
{
	struct dirent *d;
	DIR *dir;

	if (leads_up(here)) {
		msg_warn("%s: left out: a link to a folder that it is in", path);
		return;
	}
	dir = opendir(path);
	if (dir == NULL) {
		stage_lost(s->st, path, strerror(errno));
		return;
	}
	for (;;) {
		errno = 0;
		d = readdir(dir);
		if (d == NULL)
			break;
		if (!is_self_or_parent(d->d_name))
			add_found(s, join(path, d->d_name), d->d_name, here);
	}
	if (errno != 0)
		stage_lost(s->st, path, strerror(errno));
	closedir(dir);
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(
	    ((const struct file *)a)->path, ((const struct file *)b)->path);
}

static void
add_folder(
    struct files *f, const char *path, const struct stat *sb, struct stage *st)
{
	struct folder top = {NULL, sb->st_dev, sb->st_ino};
	char *first_path = join(path, "");
	struct search s = {f, st, strlen(first_path)};
	size_t first = f->n;

	free(first_path);
	walk(&s, path, &top);
	if (f->n > first)
		qsort(f->at + first, f->n - first, sizeof(*f->at), by_path);
	else if (f->include.n > 0)
		msg_warn("%s: nothing here that --include names", path);
	else
		msg_warn("%s: nothing to read here (.md, .markdown, .txt, .jsonl, "
			 ".ndjson, .json, .csv, .tsv, .sqlite, .sqlite3, .db)",
		    path);
}

/* What exists. */
static void
add_existing(
    struct files *f, const char *path, const struct stat *sb, struct stage *st)
{
	if (S_ISDIR(sb->st_mode))
		add_folder(f, path, sb, st);
	else
		add(f, mem_strdup(path),
		    f->format == FORMAT_BY_NAME ? format_by_name(path) : f->format);
}

static void
add_matches(struct files *f, const char *pattern, struct stage *st)
{
	struct stat sb;
	glob_t g;

	switch (glob(pattern, GLOB_ERR, NULL, &g)) {
	case 0:
		for (size_t i = 0; i < g.gl_pathc; i++)
			if (stat(g.gl_pathv[i], &sb) == 0)
				add_existing(f, g.gl_pathv[i], &sb, st);
			else
				stage_lost(st, g.gl_pathv[i], strerror(errno));
		break;
	case GLOB_NOMATCH:
		stage_lost(st, pattern, "no file matches this pattern");
		break;
	case GLOB_NOSPACE:
		msg_die(STATUS_CANNOT, "out of memory");
	default:
		stage_lost(st, pattern, "a folder on the way cannot be read");
	}
	globfree(&g);
}

void
files_add(struct files *f, const char *operand, struct stage *st)
{
	struct stat sb;

	if (strcmp(operand, "-") == 0)
		add(f, mem_strdup(operand),
		    f->format == FORMAT_BY_NAME ? FORMAT_TEXT : f->format);
	else if (stat(operand, &sb) == 0)
		add_existing(f, operand, &sb, st);
	else if (errno == ENOENT && strpbrk(operand, "*?[") != NULL)
		add_matches(f, operand, st);
	else
		stage_lost(st, operand, strerror(errno));
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
	globs_release(&f->include);
	globs_release(&f->exclude);
}
