/*
 * peak COMMAND...: the most memory it had, in KiB, to standard output, or
 * "status N" where it failed.  Its own standard output goes to /dev/null.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct rusage u;
	int status, null;
	pid_t pid;

	if (argc < 2)
		return 2;
	pid = fork();
	if (pid == 0) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
			_exit(127);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 2;
	if (status != 0)
		printf("status %d\n", WIFEXITED(status) ? WEXITSTATUS(status)
							: 128 + WTERMSIG(status));
	else if (getrusage(RUSAGE_CHILDREN, &u) == 0)
		printf("%ld\n", u.ru_maxrss);
	return 0;
}
