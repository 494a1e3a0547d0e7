#include "agent/launch/background.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* The byte that background_report() writes is the exit status 0. */
static int wait_for_start(int fd)
{
	unsigned char status = 1;
	ssize_t n;

	do
		n = read(fd, &status, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return status;
	log_error("the start failed: see above, or the system log");
	return 1;
}

bool background_enter(int *launcher_fd)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		log_error(
		    "cannot start in the background: %s", strerror(errno));
		return false;
	}
	if (pid > 0) {
		close(fds[1]);
		_exit(wait_for_start(fds[0]));
	}
	close(fds[0]);
	*launcher_fd = fds[1];
	setsid();
	return true;
}

bool background_leave_terminal(void)
{
	int null;

	if (chdir("/") != 0)
		return false;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return false;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	close(null);
	return true;
}

void background_report(int *launcher_fd)
{
	if (*launcher_fd < 0)
		return;
	if (write(*launcher_fd, "", 1) < 0)
		log_debug("the launcher is gone");
	close(*launcher_fd);
	*launcher_fd = -1;
}
