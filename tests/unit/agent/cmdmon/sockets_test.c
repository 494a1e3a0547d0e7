#include "agent/cmdmon/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/bound_udp.h"

/* In place of that of the C library: between bind(2) and chmod(2), the owner of
 * the folder could put another file at the path. */
int chmod(const char *path, mode_t mode)
{
	fail_msg("chmod of %s to %o", path, (unsigned)mode);
	return -1;
}

static bool local(int family, const char *text)
{
	struct sockaddr_storage peer = {.ss_family = (sa_family_t)family};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&peer;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&peer;
	void *at =
	    family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr;

	assert_int_equal(inet_pton(family, text, at), 1);
	return sockets_is_local(&peer, sizeof(peer));
}

static void only_loopback_addresses_are_local(void **state)
{
	struct sockaddr_storage peer = {.ss_family = AF_UNIX};

	(void)state;
	assert_true(local(AF_INET, "127.0.0.1"));
	assert_true(local(AF_INET, "127.255.0.9"));
	assert_false(local(AF_INET, "10.0.0.127"));
	assert_false(local(AF_INET, "0.0.0.0"));
	assert_true(local(AF_INET6, "::1"));
	assert_true(local(AF_INET6, "::ffff:127.0.0.1"));
	assert_false(local(AF_INET6, "::ffff:10.0.0.1"));
	assert_false(local(AF_INET6, "fe80::1"));
	assert_false(local(AF_INET6, "7f00::1"));
	/* A UNIX client without a name cannot get an answer. */
	assert_false(sockets_is_local(&peer, sizeof(sa_family_t)));
	assert_true(sockets_is_local(&peer, sizeof(sa_family_t) + 2));
	peer.ss_family = AF_NETLINK;
	assert_false(sockets_is_local(&peer, sizeof(peer)));
}

/* Returns a port that was free a moment ago. */
static uint16_t free_port(void)
{
	uint16_t port;

	close(bound_udp(&port));
	return port;
}

static void close_all(struct sockets *s)
{
	while (s->count > 0)
		close(s->fd[--s->count]);
}

static void a_port_is_bound_on_the_loopback_alone(void **state)
{
	struct sockets s = {0}, again = {0};
	char why[SOCKETS_TEXT_MAX] = "";
	uint16_t port = free_port();
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);

	(void)state;
	assert_true(sockets_bind_port(&s, port, why));
	assert_in_range(s.count, 1, 2);
	assert_int_equal(getsockname(s.fd[0], (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(ntohl(sa.sin_addr.s_addr), INADDR_LOOPBACK);
	assert_int_equal(ntohs(sa.sin_port), port);
	assert_false(sockets_bind_port(&again, port, why));
	assert_non_null(strstr(why, "cannot listen on 127.0.0.1:"));
	close_all(&again);
	close_all(&s);
}

static void a_path_is_bound_for_everybody_and_again(void **state)
{
	char folder[] = "/tmp/cmdmon-test-XXXXXX", path[64];
	char why[SOCKETS_TEXT_MAX] = "", long_path[200];
	struct sockets s = {0};
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	assert_true(sockets_bind_path(&s, path, why));
	/* The socket that a killed process has left. */
	assert_true(sockets_bind_path(&s, path, why));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	assert_int_equal(unlink(path), 0);
	/* A file that is no socket stays. */
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_false(sockets_bind_path(&s, path, why));
	assert_int_equal(stat(path, &st), 0);
	unlink(path);
	rmdir(folder);
	memset(long_path, 'a', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_false(sockets_bind_path(&s, long_path, why));
	close_all(&s);
}

/* What the user of a folder does while we bind in it. */
static const char *swapped_folder, *swapped_for;

int unlink(const char *path)
{
	char moved[80];

	if (swapped_folder) {
		snprintf(moved, sizeof(moved), "%s.moved", swapped_folder);
		assert_int_equal(rename(swapped_folder, moved), 0);
		assert_int_equal(symlink(swapped_for, swapped_folder), 0);
		swapped_folder = NULL;
	}
	return unlinkat(AT_FDCWD, path, 0);
}

static void a_folder_that_is_swapped_harms_no_other(void **state)
{
	char folder[] = "/tmp/cmdmon-test-XXXXXX";
	char other[] = "/tmp/cmdmon-other-XXXXXX";
	char path[80], theirs[64], moved[64], why[SOCKETS_TEXT_MAX] = "";
	char before[PATH_MAX], after[PATH_MAX];
	struct sockets s = {0};
	struct stat st, kept;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_non_null(mkdtemp(other));
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(theirs, sizeof(theirs), "%s/socket", other);
	snprintf(moved, sizeof(moved), "%s.moved", folder);
	assert_true(sockets_bind_path(&s, path, why));
	assert_true(sockets_bind_path(&s, theirs, why));
	assert_int_equal(stat(theirs, &st), 0);
	assert_non_null(getcwd(before, sizeof(before)));
	swapped_folder = folder;
	swapped_for = other;
	assert_true(sockets_bind_path(&s, path, why));
	assert_null(swapped_folder);
	assert_non_null(getcwd(after, sizeof(after)));
	assert_string_equal(before, after);
	assert_int_equal(stat(theirs, &kept), 0);
	assert_int_equal(kept.st_ino, st.st_ino);
	snprintf(path, sizeof(path), "%s/socket", moved);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(folder), 0);
	assert_int_equal(unlink(theirs), 0);
	assert_int_equal(rmdir(moved), 0);
	assert_int_equal(rmdir(other), 0);
	close_all(&s);
}

static void a_path_has_its_mode_with_any_umask(void **state)
{
	static const mode_t masks[] = {0, 0022, 0077, 0777};
	char folder[] = "/tmp/cmdmon-test-XXXXXX", path[64];
	char why[SOCKETS_TEXT_MAX] = "";
	const mode_t before = umask(0022);

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		struct sockets s = {0}, taken = {0};
		struct stat st;

		umask(masks[i]);
		assert_true(sockets_bind_path(&s, path, why));
		assert_int_equal(umask(masks[i]), masks[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0666);
		/* It is restored after a failure, too. */
		assert_false(sockets_bind_path(&taken, folder, why));
		assert_int_equal(umask(before), masks[i]);
		close_all(&s);
	}
	unlink(path);
	rmdir(folder);
}

static void say_passed(const char *count)
{
	char pid[20];

	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", count, 1);
}

/* systemd passes descriptors from 3 on; cmocka uses none of them. */
static void datagram_sockets_of_systemd_are_taken(void **state)
{
	struct sockets s = {0};
	char why[SOCKETS_TEXT_MAX] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	(void)state;
	unsetenv("LISTEN_PID");
	assert_true(sockets_take(&s, why));
	assert_false(s.activated);
	assert_int_equal(dup2(fd, 3), 3);
	say_passed("1");
	assert_true(sockets_take(&s, why));
	assert_true(s.activated);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.fd[0], 3);
	assert_int_equal(fcntl(3, F_GETFD), FD_CLOEXEC);
	/* They are for another process. */
	say_passed("1");
	setenv("LISTEN_PID", "1", 1);
	s = (struct sockets){0};
	assert_true(sockets_take(&s, why));
	assert_int_equal(s.count, 0);
	if (fd != 3)
		close(fd);
}

static void what_is_no_datagram_socket_is_refused(void **state)
{
	struct sockets s = {0};
	char why[SOCKETS_TEXT_MAX] = "";
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(dup2(fd, 3), 3);
	say_passed("1");
	assert_false(sockets_take(&s, why));
	assert_non_null(strstr(why, "ListenDatagram="));
	close(3);
	say_passed("1");
	assert_false(sockets_take(&s, why));
	if (fd != 3)
		close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_loopback_addresses_are_local),
	    cmocka_unit_test(a_port_is_bound_on_the_loopback_alone),
	    cmocka_unit_test(a_path_is_bound_for_everybody_and_again),
	    cmocka_unit_test(a_folder_that_is_swapped_harms_no_other),
	    cmocka_unit_test(a_path_has_its_mode_with_any_umask),
	    cmocka_unit_test(datagram_sockets_of_systemd_are_taken),
	    cmocka_unit_test(what_is_no_datagram_socket_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
