#include "ledger/repair.h"

#include "ledger/internal.h"
#include "ledger/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct copy {
	struct rewrite *to;
	struct err *e;
};

static int
copy_line(void *arg, const struct survey_line *l)
{
	struct copy *c = arg;

	return rewrite_line(c->to, l->line, c->e);
}

/* A second name for a file, under which it stays. 0; 1 where there is no file. */
static int
keep_file(struct survey *s, const char *file, struct buf *kept, struct err *e)
{
	int dir = survey_dir(s), rc = -1;
	struct buf name = BUF_INIT;
	struct stat here, there;

	if (fstatat(dir, file, &here, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 1
				       : err_sys(e, "cannot look at %s/%s",
					     survey_path(s), file);
	for (int i = 1; i < 1000 && rc < 0; i++) {
		buf_clear(&name);
		if (i == 1)
			buf_addf(&name, "%s.damaged", file);
		else
			buf_addf(&name, "%s.%d.damaged", file, i);
		if (linkat(dir, file, dir, buf_cstr(&name), 0) == 0 ||
		    (errno == EEXIST &&
			fstatat(dir, buf_cstr(&name), &there,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
			there.st_ino == here.st_ino)) /* of a repair cut short */
			rc = 0;
		else if (errno != EEXIST)
			break;
	}
	if (rc != 0)
		err_sys(e, "cannot keep %s/%s as %s", survey_path(s), file,
		    buf_cstr(&name));
	else
		buf_addf(kept, "%s%s", kept->len > 0 ? " " : "", buf_cstr(&name));
	buf_release(&name);
	return rc;
}

static int
keep_damaged(struct survey *s, struct repair_report *report, struct err *e)
{
	const struct survey_found *f = survey_found(s);
	struct buf tail = BUF_INIT;
	bool in[2] = {false, false};
	int rc = 0;

	for (size_t i = 0; i < f->ndamage; i++)
		in[f->damage[i].in_tail] |= !f->damage[i].unfinished;
	buf_addf(&tail, "%s.tail", survey_name(s));
	if ((in[0] && keep_file(s, survey_name(s), &report->kept, e) < 0) ||
	    (in[1] && keep_file(s, buf_cstr(&tail), &report->kept, e) < 0) ||
	    directory_sync(survey_dir(s), survey_path(s), e) != 0)
		rc = -1;
	buf_release(&tail);
	return rc;
}

/* The lock of the new segment is held until the tail is gone. */
static int
replace(struct survey *s, struct rewrite *to, struct err *e)
{
	const char *path = survey_path(s), *name = survey_name(s);
	int dir = survey_dir(s);

	if (directory_remove(dir, path, name, ".idx", e) != 0 ||
	    rewrite_place(to, name, e) != 0 ||
	    directory_remove(dir, path, name, ".tail", e) != 0 ||
	    directory_remove(dir, path, name, ".idx", e) != 0)
		return -1;
	return directory_sync(dir, path, e);
}

enum repair_result
repair_segment(
    struct survey *s, const char *name, struct repair_report *report, struct err *e)
{
	struct copy c = {.e = e};
	int rc = survey_take(s, name, SURVEY_OWN, e);

	buf_clear(&report->kept);
	if (rc != 1)
		return rc == 0 ? REPAIR_BUSY : REPAIR_FAILED;
	if (survey_read(s, NULL, NULL, e) != 0)
		return REPAIR_FAILED;
	if (survey_found(s)->alien || survey_found(s)->newer)
		return REPAIR_NOT_OURS;
	if (survey_damages(s) == 0)
		return REPAIR_SOUND;
	c.to = rewrite_new(survey_dir(s), survey_path(s), 0, ledger_sizes.block);
	rc = survey_read(s, copy_line, &c, e) == 0 &&
		     rewrite_end(c.to, false, e) == 0 &&
		     keep_damaged(s, report, e) == 0 && replace(s, c.to, e) == 0
		 ? REPAIR_DONE
		 : REPAIR_FAILED;
	rewrite_free(c.to);
	return rc;
}
