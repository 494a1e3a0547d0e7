/* For LD_PRELOAD: the kernel takes no time stamps of packets. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_stamp(int level, int name)
{
	return level == SOL_SOCKET &&
	       (name == SO_TIMESTAMP || name == SO_TIMESTAMPNS ||
		   name == SO_TIMESTAMPING);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (is_stamp(level, name)) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}
