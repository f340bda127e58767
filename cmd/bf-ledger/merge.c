/* bf-ledger merge: records of other ledgers, segments and files of lines. */
#include "change.h"
#include "subcommand.h"

#include "base/mem.h"
#include "base/msg.h"
#include "io/cli.h"
#include "io/fdio.h"
#include "ledger/frame.h"
#include "ledger/merge.h"
#include "json/jsonl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPT_REMOVE = CLI_FIRST };

static const struct cli_option options[] = {
    {'l', "ledger", "DIR",
	"the ledger that takes (default $BF_LEDGER, else .bf/ledger)"},
    {OPT_REMOVE, "remove", NULL, "remove each FILE that was taken in whole"},
    CLI_COMMON_BASIC,
    CLI_END,
};
static const struct cli_command command = {"bf-ledger merge",
    "[-l DIR] [--remove] {DIR|FILE|-}...", "take in what others have recorded",
    options};

struct work {
	struct merge *merge;
	struct jsonl_reader *reader;
	struct survey *survey; /* of the source */
	uint64_t taken, had, bad;
	bool cannot; /* a source could not be read */
	struct err e;
};

/* The ledger takes no more: what is not in it is still where it was. */
static _Noreturn void
give_up(const struct err *e)
{
	msg_die(STATUS_CANNOT, "%s", e->text);
}

static bool
take(struct work *w, struct span line)
{
	switch (merge_line(w->merge, line, &w->e)) {
	case MERGE_TAKEN:
		w->taken++;
		return true;
	case MERGE_HAD:
		w->had++;
		return true;
	case MERGE_CANNOT:
		give_up(&w->e);
	case MERGE_BAD:
		break;
	}
	w->bad++;
	return false;
}

/* ---- segments ---- */

static int
take_surveyed(void *arg, const struct survey_line *l)
{
	take(arg, l->line);
	return 0;
}

static void
say_damage(struct work *w)
{
	const struct survey_found *f = survey_found(w->survey);
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < f->ndamage; i++) {
		if (f->damage[i].unfinished)
			continue;
		buf_clear(&text);
		change_say_damage(&text, w->survey, &f->damage[i]);
		text.len--; /* the newline */
		msg_warn("%s", buf_cstr(&text));
		w->bad += f->damage[i].lost > 0 ? f->damage[i].lost : 1;
	}
	buf_release(&text);
}

static void
merge_segment(struct work *w, const char *name)
{
	struct err e = ERR_INIT;

	if (survey_take(w->survey, name, SURVEY_FREE, &e) != 1 ||
	    survey_read(w->survey, take_surveyed, w, &e) != 0) {
		msg_error("%s", e.text);
		w->cannot = true;
	} else {
		say_damage(w);
	}
	survey_drop(w->survey);
}

static bool
open_survey(struct work *w, const char *dir)
{
	struct err e = ERR_INIT;

	survey_close(w->survey);
	w->survey = survey_open(dir, NULL, NULL, &e);
	if (w->survey == NULL) {
		msg_error("%s", e.text);
		w->cannot = true;
	}
	return w->survey != NULL;
}

static void
merge_ledger(struct work *w, const char *dir)
{
	char *const *names;
	size_t n;

	if (!open_survey(w, dir))
		return;
	n = change_names(w->survey, &names);
	for (size_t i = 0; i < n; i++)
		merge_segment(w, names[i]);
}

static void
merge_one_segment(struct work *w, const char *file)
{
	const char *slash = strrchr(file, '/');
	char *dir = slash == NULL   ? mem_strdup(".")
		    : slash == file ? mem_strdup("/")
				    : mem_strndup(file, (size_t)(slash - file));

	if (open_survey(w, dir))
		merge_segment(w, slash == NULL ? file : slash + 1);
	free(dir);
}

/* ---- lines ---- */

static void
merge_lines(struct work *w, int fd, const char *name)
{
	struct span line;

	jsonl_reader_open(w->reader, fd, name);
	for (;;) {
		enum jsonl_result r = jsonl_read(w->reader, &line, &w->e);

		if (r == JSONL_END)
			return;
		if (r == JSONL_FAIL) {
			msg_error("%s: %s", name, w->e.text);
			w->cannot = true;
			return;
		}
		if (r == JSONL_BAD)
			w->bad++;
		if (r == JSONL_BAD || !take(w, line))
			msg_warn("%s:%" PRIu64 ": %s; passed over", name,
			    jsonl_lineno(w->reader), w->e.text);
	}
}

static bool
is_segment(int fd)
{
	char start[64];
	unsigned version;
	ssize_t n = pread(fd, start, sizeof(start), 0);
	enum frame_header_state state;

	if (n < FRAME_HEADER_SIZE)
		return false;
	state = frame_header_look(span_of(start, (size_t)n), &version);
	return state == HEADER_OURS || state == HEADER_NEWER;
}

static void
merge_source(struct work *w, const char *source)
{
	int fd = strcmp(source, "-") == 0 ? 0 : fd_open(source, O_RDONLY, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0) {
		msg_error("%s: %s", source, strerror(errno));
		w->cannot = true;
		if (fd > 0)
			close(fd);
	} else if (fd == 0) {
		merge_lines(w, 0, "<stdin>");
	} else if (S_ISDIR(st.st_mode)) {
		close(fd);
		merge_ledger(w, source);
	} else if (is_segment(fd)) {
		close(fd);
		merge_one_segment(w, source);
	} else {
		merge_lines(w, fd, source);
	}
}

/* Only files, and only what all of is in the ledger now. */
static void
remove_source(const char *source, bool *failed)
{
	struct stat st;

	if (strcmp(source, "-") == 0 || lstat(source, &st) != 0 ||
	    !S_ISREG(st.st_mode))
		return;
	if (unlink(source) != 0) {
		msg_error("cannot remove %s: %s", source, strerror(errno));
		*failed = true;
	}
}

static void
say(void *arg, const char *text)
{
	(void)arg;
	msg_warn("%s", text);
}

static void
say_sum(const struct work *w)
{
	struct buf out = BUF_INIT;

	buf_addf(&out, "%" PRIu64 " record%s taken in, %" PRIu64 " there already",
	    w->taken, change_many(w->taken), w->had);
	if (w->bad > 0)
		buf_addf(&out, ", %" PRIu64 " damaged", w->bad);
	buf_addc(&out, '\n');
	change_put(&out);
	buf_release(&out);
}

int
ledger_merge(int argc, char **argv)
{
	const struct ledger_options o = {.report = say};
	const char *dir = ledger_default();
	struct work w = {.e = ERR_INIT};
	bool remove = false, *whole;
	struct cli cli;
	int key;

	cli_start(&cli, &command, argc, argv);
	while ((key = cli_next(&cli)) != CLI_DONE) {
		if (key == 'l')
			dir = cli.arg;
		else if (key == OPT_REMOVE)
			remove = true;
	}
	if (cli.noperands == 0)
		cli_usage(&cli, "which ledgers or files should be taken in?");
	w.merge = merge_open(dir, &o, &w.e);
	if (w.merge == NULL)
		give_up(&w.e);
	w.reader = jsonl_reader_new((size_t)cli.max_line, NULL, NULL);
	whole = mem_zero((size_t)cli.noperands, sizeof(*whole));
	for (int i = 0; i < cli.noperands; i++) {
		uint64_t bad = w.bad;
		bool cannot = w.cannot;
		w.cannot = false;
		merge_source(&w, cli.operands[i]);
		whole[i] = w.bad == bad && !w.cannot;
		w.cannot |= cannot;
	}
	if (merge_close(w.merge, &w.e) != 0)
		give_up(&w.e);
	for (int i = 0; remove && i < cli.noperands; i++)
		if (whole[i])
			remove_source(cli.operands[i], &w.cannot);
	say_sum(&w);
	free(whole);
	jsonl_reader_free(w.reader);
	survey_close(w.survey);
	return w.cannot    ? STATUS_CANNOT
	       : w.bad > 0 ? STATUS_SOME_FAILED
			   : STATUS_OK;
}
