/*
 * measure: the cost of a command, with little cost of its own.
 *
 *	measure [-n RUNS] [-w WARMUPS] [-i FILE] [-o FILE] [-b COMMAND] COMMAND
 *ARGUMENT...
 *
 * Prints the medians of wall time, user + system time, both in microseconds,
 * and the most memory of one process in KiB, and the worst exit status, of the
 * command and its children.  -b runs a shell command before each run, outside
 * the measurement.  Standard output goes to FILE, /dev/null by default.
 */
#include "io/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS_MAX 1000

struct cost {
	int64_t wall, cpu, rss;
	int status;
};

static const char *input = "/dev/null", *output = "/dev/null", *before;

static void
redirect(const char *path, int flags, int fd)
{
	int opened = open(path, flags, 0600);

	if (opened == -1 || dup2(opened, fd) == -1) {
		fprintf(stderr, "measure: %s: %s\n", path, strerror(errno));
		_exit(127);
	}
	close(opened);
}

static int64_t
microseconds(struct timeval tv)
{
	return (int64_t)tv.tv_sec * 1000000 + tv.tv_usec;
}

static struct cost
run(char **argv)
{
	int64_t start;
	struct rusage ru;
	pid_t pid;
	int how;

	if (before != NULL && (pid = fork()) == 0) {
		execl("/bin/sh", "sh", "-c", before, (char *)NULL);
		_exit(127);
	} else if (before != NULL) {
		waitpid(pid, NULL, 0);
	}
	start = clock_mono_us();
	if ((pid = fork()) == 0) {
		redirect(input, O_RDONLY, STDIN_FILENO);
		redirect(output, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
		execvp(argv[0], argv);
		fprintf(stderr, "measure: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	wait4(pid, &how, 0, &ru);
	return (struct cost){clock_mono_us() - start,
	    microseconds(ru.ru_utime) + microseconds(ru.ru_stime), ru.ru_maxrss,
	    WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how)};
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t
median(int64_t *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), compare);
	return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

int
main(int argc, char **argv)
{
	static int64_t wall[RUNS_MAX], cpu[RUNS_MAX], rss[RUNS_MAX];
	int opt, runs = 1, warmups = 0, worst = 0;

	while ((opt = getopt(argc, argv, "+n:w:i:o:b:")) != -1)
		switch (opt) {
		case 'n':
			runs = (int)strtol(optarg, NULL, 10);
			break;
		case 'w':
			warmups = (int)strtol(optarg, NULL, 10);
			break;
		case 'i':
			input = optarg;
			break;
		case 'o':
			output = optarg;
			break;
		case 'b':
			before = optarg;
			break;
		default:
			return 2;
		}
	if (optind == argc || runs < 1 || runs > RUNS_MAX) {
		fputs("usage: measure [-n RUNS] [-w WARMUPS] [-i FILE] [-o FILE] "
		      "[-b COMMAND] COMMAND ARGUMENT...\n",
		    stderr);
		return 2;
	}
	for (int i = -warmups; i < runs; i++) {
		struct cost c = run(argv + optind);

		if (c.status > worst)
			worst = c.status;
		if (i < 0)
			continue;
		wall[i] = c.wall;
		cpu[i] = c.cpu;
		rss[i] = c.rss;
	}
	printf("%lld %lld %lld %d\n", (long long)median(wall, runs),
	    (long long)median(cpu, runs), (long long)median(rss, runs), worst);
	return 0;
}
