/* Paths that stay within a folder, and those that do not. */
#include "io/beneath.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int opener(int dir, const char *path, int flags);

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    close(fd) != 0)
		abort();
}

static void
test_paths(void)
{
	static const struct span in[] = {SPAN_INIT("a"), SPAN_INIT("a/b"),
	    SPAN_INIT("./a"), SPAN_INIT("..a"), SPAN_INIT("a../b"),
	    SPAN_INIT("..."), SPAN_INIT("a//b/"), SPAN_INIT("")};
	static const struct span out[] = {SPAN_INIT("/a"), SPAN_INIT(".."),
	    SPAN_INIT("../a"), SPAN_INIT("a/.."), SPAN_INIT("a/../b"),
	    SPAN_INIT("a//../b"), SPAN_INIT("/")};

	for (size_t i = 0; i < sizeof in / sizeof *in; i++)
		ok(beneath_is_path(in[i]), "\"%s\" stays within", in[i].p);
	for (size_t i = 0; i < sizeof out / sizeof *out; i++)
		ok(!beneath_is_path(out[i]), "\"%s\" does not", out[i].p);
}

/* What the file holds, or errno as text. */
static const char *
read_from(opener *o, int dir, const char *path)
{
	static char text[64];
	int fd = o(dir, path, O_RDONLY | O_NONBLOCK);
	ssize_t n;

	if (fd < 0) {
		snprintf(text, sizeof text, "%s", strerror(errno));
		return text;
	}
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void
test_open(opener *o, int dir, const char *name)
{
	printf("# %s\n", name);
	is_str(read_from(o, dir, "a"), "A", "a file");
	is_str(read_from(o, dir, "./s//b"), "B", "one in a folder");
	is_str(read_from(o, dir, "no"), strerror(ENOENT), "none");
	is_str(read_from(o, dir, "no/b"), strerror(ENOENT), "in no folder");
	is_str(read_from(o, dir, "a/b"), strerror(ENOTDIR), "in a file");
	ok(strcmp(read_from(o, dir, "out"), "secret") != 0,
	    "a link that leads out: %s", read_from(o, dir, "out"));
	ok(strcmp(read_from(o, dir, "whole"), "secret") != 0,
	    "one with an absolute path: %s", read_from(o, dir, "whole"));
	ok(strcmp(read_from(o, dir, "up/secret"), "secret") != 0,
	    "a folder that is one: %s", read_from(o, dir, "up/secret"));
}

static void
make(char *root)
{
	char secret[64];

	if (mkdtemp(root) == NULL || chdir(root) != 0 || mkdir("d", 0700) != 0 ||
	    mkdir("d/s", 0700) != 0)
		exit(99);
	put("secret", "secret");
	put("d/a", "A");
	put("d/s/b", "B");
	snprintf(secret, sizeof secret, "%s/secret", root);
	if (symlink("../secret", "d/out") != 0 || symlink("..", "d/up") != 0 ||
	    symlink(secret, "d/whole") != 0 || symlink("s/b", "d/in") != 0)
		exit(99);
}

static void
drop(const char *root)
{
	static const char *const names[] = {"d/in", "d/whole", "d/up", "d/out",
	    "d/s/b", "d/s", "d/a", "d", "secret"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (remove(names[i]) != 0)
			exit(99);
	if (rmdir(root) != 0)
		exit(99);
}

int
main(void)
{
	char root[] = "/tmp/bf-beneath.XXXXXX";
	const char *got;
	int dir;

	make(root);
	dir = open("d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_paths();
	test_open(beneath_open, dir, "the kernel's way, where it has one");
	test_open(beneath_open_portable, dir, "part by part");
	is_str(read_from(beneath_open_portable, dir, "in"), strerror(ELOOP),
	    "there no link is followed");
	got = read_from(beneath_open, dir, "in");
	ok(strcmp(got, "B") == 0 || strcmp(got, strerror(ELOOP)) == 0,
	    "a link that stays within: %s", got);
	close(dir);
	drop(root);
	return done();
}
