#include "io/outset.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/bf-outset.XXXXXX";

/* A file's contents, or "(none)". */
static const char *
get(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return "(none)";
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static struct outset *
begin(void)
{
	struct err e = ERR_INIT;
	struct outset *o = outset_open(dir, "set", &e);

	if (o == NULL)
		exit(99);
	return o;
}

static void
add(struct outset *o, const char *path, bool more, const char *text)
{
	struct err e = ERR_INIT;

	if (outset_begin(o, path, more, &e) < 0 ||
	    outset_write(o, span_str(text), &e) < 0 || outset_end(o, &e) < 0) {
		printf("# %s\n", e.text);
		exit(99);
	}
}

static bool
place(struct outset *o)
{
	struct err e = ERR_INIT;
	bool changed = false;

	is_int(outset_check_all(o, &e), 0, "they are checked");
	is_int(outset_place_all(o, &changed, &e), 0, "and placed");
	outset_close(o);
	return changed;
}

static void
test_place(void)
{
	struct outset *o = begin();
	struct stat was, is;

	add(o, "a", false, "one");
	add(o, "sub/deep/b", false, "two");
	add(o, "c", true, "thr");
	add(o, "c", true, "ee");
	is_str(get("a"), "(none)", "nothing is there before");
	ok(place(o), "which is a change");
	is_str(get("a"), "one", "a file");
	is_str(get("sub/deep/b"), "two", "one in folders that were made");
	is_str(get("c"), "three", "one that was gone on with");

	stat("a", &was);
	o = begin();
	add(o, "a", false, "one");
	ok(!place(o), "the same is none");
	stat("a", &is);
	is_int(is.st_ino, was.st_ino, "and the file is left alone");
	o = begin();
	add(o, "a", false, "other");
	chmod("a", 0604);
	ok(place(o), "another is");
	stat("a", &is);
	is_int(is.st_mode & 0777, 0604, "with the mode that was");
}

static void
test_not_placed(void)
{
	struct outset *o = begin();
	struct err e = ERR_INIT;

	add(o, "a", false, "new");
	is_int(outset_begin(o, "a", false, &e), -1, "a name that came before");
	is_int(e.errnum, EEXIST, "is told so");
	outset_close(o);
	is_str(get("a"), "other", "closed, all is as it was");
	o = begin();
	add(o, "a", false, "new");
	add(o, "sub/x", false, "x");
	is_int(outset_keep(o, "aside", &e), 0, "kept aside");
	outset_close(o);
	is_str(get("a"), "other", "all is as it was too");
	is_str(get("aside/sub/x"), "x", "and what came is there");
	o = begin();
	add(o, "y", false, "y");
	is_int(outset_keep(o, "aside", &e), 0, "again");
	is_str(get("aside/y"), "y", "the last counts");
	is_str(get("aside/a"), "(none)", "alone");
	outset_close(o);
	o = begin();
	is_int(outset_remove(o, "aside", &e), 0, "and is removed");
	is_int(outset_remove(o, "aside", &e), 0, "which may be done twice");
	outset_close(o);
	is_int(access("aside", F_OK), -1, "it is gone");
}

static void
test_refused(void)
{
	struct outset *o = begin();
	struct err e = ERR_INIT;
	bool changed;

	add(o, "sub", false, "x");
	is_int(outset_check_all(o, &e), -1, "a folder where a file goes");
	is_int(e.errnum, EISDIR, "is told");
	outset_close(o);
	if (symlink("/tmp", "out") < 0)
		exit(99);
	o = begin();
	add(o, "out/bf-outset-x", false, "x");
	is_int(outset_check_all(o, &e), -1, "a link that leads out is no way");
	is_int(outset_place(o, "out/bf-outset-x", &changed, &e), -1, "ever");
	is_int(access("/tmp/bf-outset-x", F_OK), -1, "and nothing is there");
	outset_close(o);
	ok(outset_open("none", "x", &e) == NULL && e.errnum == ENOENT,
	    "a folder that is not there");
	outset_close(NULL);
}

int
main(void)
{
	struct err e = ERR_INIT;
	struct outset *o;

	if (mkdtemp(dir) == NULL || chdir(dir) < 0)
		return 99;
	test_place();
	test_not_placed();
	test_refused();
	o = begin();
	outset_remove(o, "a", &e);
	outset_remove(o, "c", &e);
	outset_remove(o, "sub", &e);
	outset_remove(o, "out", &e);
	outset_close(o);
	is_int(rmdir(dir), 0, "nothing else is left");
	return done();
}
