#include "io/outfile.h"

#include "base/buf.h"
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/bf-outfile.XXXXXX";

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0)
		exit(99);
}

/* A file's contents, or "(none)". */
static const char *
get(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return "(none)";
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static int
files(void)
{
	DIR *d = opendir(".");
	int n = -2;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static struct outfile *
begin(const char *path, const char *text)
{
	struct err e = ERR_INIT;
	struct outfile *o = outfile_open(path, &e);

	if (o == NULL || outfile_write(o, span_str(text), &e) < 0) {
		printf("# %s\n", e.text);
		exit(99);
	}
	return o;
}

static mode_t
mode(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_mode & 0777;
}

static void
test_replace(void)
{
	struct err e = ERR_INIT;
	struct outfile *o;
	bool changed = false;

	umask(027);
	o = begin("a", "one\n");
	is_str(get("a"), "(none)", "nothing is there before the commit");
	is_int(outfile_commit(o, &changed, &e), 0, "commit of a bare name");
	is_str(get("a"), "one\n", "then it is");
	ok(changed, "which is a change");
	is_int(mode("a"), 0640, "with the mode that the umask leaves");
	chmod("a", 0604);
	o = begin("a", "two\n");
	is_str(get("a"), "one\n", "a file stays as it was before the commit");
	is_int(outfile_commit(o, &changed, &e), 0, "and is replaced then");
	is_str(get("a"), "two\n", "by what was written");
	is_int(mode("a"), 0604, "with its mode");
	outfile_abandon(begin("a", "three\n"));
	is_str(get("a"), "two\n", "abandoned, it stays");
	is_int(files(), 1, "and no other file is left");
	outfile_abandon(NULL);
}

static void
test_unchanged(void)
{
	struct stat was, is;
	struct err e = ERR_INIT;
	struct outfile *o;
	bool changed = true;

	stat("a", &was);
	is_int(
	    outfile_commit(begin("a", "two\n"), &changed, &e), 0, "the same again");
	ok(!changed, "is no change");
	stat("a", &is);
	ok(was.st_ino == is.st_ino && was.st_ctim.tv_nsec == is.st_ctim.tv_nsec,
	    "and the file is not touched");
	o = begin("a", "twO\n");
	is_int(outfile_commit(o, &changed, &e), 0, "another of the same size");
	ok(changed, "is one");
	is_int(files(), 1, "no other file is left");
}

static void
test_partial(void)
{
	struct err e = ERR_INIT;

	put("a", "whole\n");
	is_int(outfile_keep_partial(begin("a", "part"), &e), 0,
	    "keep a partial result");
	is_str(get("a"), "whole\n", "the file stays");
	is_str(get("a.partial"), "part", "the part is beside it");
	is_int(outfile_keep_partial(begin("a", "p"), &e), 0, "another one");
	is_str(get("a.partial"), "p", "replaces it");
	is_int(files(), 2, "no other file is left");
	unlink("a.partial");
}

static void
test_links(void)
{
	struct err e = ERR_INIT;
	struct stat st;

	mkdir("sub", 0777);
	if (symlink("sub/../sub/b", "l1") < 0 || symlink("l1", "l2") < 0 ||
	    symlink("loop", "loop") < 0)
		exit(99);
	is_int(outfile_commit(begin("l2", "x\n"), NULL, &e), 0,
	    "a link to nothing yet");
	is_str(get("sub/b"), "x\n", "is written where it points");
	ok(lstat("l2", &st) == 0 && S_ISLNK(st.st_mode), "and stays a link");
	is_int(outfile_commit(begin("l2", "y\n"), NULL, &e), 0, "one to a file");
	is_str(get("sub/b"), "y\n", "too");
	ok(outfile_open("loop", &e) == NULL && e.errnum == ELOOP,
	    "links in a circle");
	unlink("l1");
	unlink("l2");
	unlink("loop");
	unlink("sub/b");
}

static void
test_direct(void)
{
	struct err e = ERR_INIT;
	struct outfile *o;
	char name[32];
	int fd[2], fifo;

	if (pipe(fd) < 0 || mkfifo("fifo", 0600) < 0)
		exit(99);
	snprintf(name, sizeof(name), "/dev/fd/%d", fd[1]);
	o = begin(name, "through\n");
	ok(outfile_is_direct(o), "a descriptor by name is written directly");
	is_int(outfile_commit(o, NULL, &e), 0, "and committed");
	is_str(get("/dev/null"), "", "(nothing)");
	close(fd[1]);
	snprintf(name, sizeof(name), "/dev/fd/%d", fd[0]);
	is_str(get(name), "through\n", "what was written is there");
	close(fd[0]);

	fifo = open("fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	is_int(outfile_commit(begin("fifo", "f\n"), NULL, &e), 0, "a FIFO");
	is_int(read(fifo, name, sizeof(name)), 2, "gets it");
	close(fifo);
	unlink("fifo");

	o = begin("/dev/full", "x");
	is_int(outfile_flush(o, &e), -1, "a full device fails");
	is_str(e.text, "/dev/full: cannot write: No space left on device",
	    "with its name");
	is_int(e.errnum, ENOSPC, "and errno");
	is_int(outfile_write(o, SPAN("y"), &e), -1, "then every write does");
	e = ERR_INIT;
	is_int(outfile_commit(o, NULL, &e), -1, "and the commit");
	is_int(e.errnum, ENOSPC, "with the first error");
}

static void
test_refused(void)
{
	struct err e = ERR_INIT;
	char name[300];
	struct outfile *o;

	ok(outfile_open("sub", &e) == NULL, "a folder is refused");
	is_str(e.text, "sub: Is a directory", "as one");
	ok(outfile_open("none/x", &e) == NULL && e.errnum == ENOENT,
	    "a name in no folder too");
	ok(outfile_open("a/x", &e) == NULL && e.errnum == ENOTDIR,
	    "and one below a file");
	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	o = begin(name, "long\n");
	is_int(outfile_commit(o, NULL, &e), 0, "the longest name is taken");
	is_str(get(name), "long\n", "and written");
	unlink(name);
	rmdir("sub");
	unlink("a");
	is_int(files(), 0, "no file is left");
}

int
main(void)
{
	if (mkdtemp(dir) == NULL || chdir(dir) < 0)
		return 99;
	test_replace();
	test_unchanged();
	test_partial();
	test_links();
	test_direct();
	test_refused();
	if (chdir("/") < 0 || rmdir(dir) < 0)
		return 99;
	return done();
}
