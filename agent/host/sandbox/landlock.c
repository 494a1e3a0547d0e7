#include "agent/host/sandbox/landlock.h"

#include "agent/host/sandbox/readable.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The numbers are those of all architectures. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

/* linux/landlock.h, under our own names. */
#define GET_VERSION 1U
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT 2
#define FS_EXECUTE (UINT64_C(1) << 0)
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_OF_VERSION_1 ((UINT64_C(1) << 13) - 1)
#define FS_REFER (UINT64_C(1) << 13)
#define FS_TRUNCATE (UINT64_C(1) << 14)
#define FS_IOCTL_DEV (UINT64_C(1) << 15)
#define NET_BIND_TCP (UINT64_C(1) << 0)
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT_SOCKET (UINT64_C(1) << 0)
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

#define DNS_PORT 53
#define READ (FS_READ_FILE | FS_READ_DIR)
#define WRITE (FS_WRITE_FILE | FS_REMOVE_FILE | FS_MAKE_REG | FS_TRUNCATE)
/* What a rule for a file, and not a folder, may name. */
#define OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)

struct ruleset_attribute {
	uint64_t fs, net, scoped;
};

struct path_attribute {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

struct port_attribute {
	uint64_t allowed, port;
};

struct ruleset {
	int fd;
	struct ruleset_attribute handled;
};

int landlock_version(void)
{
	long version =
	    syscall(SYS_landlock_create_ruleset, NULL, 0, GET_VERSION);

	return version > 0 ? (int)version : 0;
}

static uint64_t files_of(const struct profile *p, int version)
{
	uint64_t fs = FS_OF_VERSION_1;

	if (version >= LANDLOCK_ABI_RENAME)
		fs |= FS_REFER;
	if (version >= LANDLOCK_ABI_TRUNCATE)
		fs |= FS_TRUNCATE;
	if (version >= LANDLOCK_ABI_DEVICES)
		fs |= FS_IOCTL_DEV;
	return p->reads == READS_ALL ? fs & ~READ : fs;
}

static struct ruleset_attribute handled_by(const struct profile *p, int version)
{
	struct ruleset_attribute a = {.fs = files_of(p, version)};

	if (version >= LANDLOCK_ABI_TCP)
		a.net = p->tcp == TCP_ALL ? NET_BIND_TCP
					  : NET_BIND_TCP | NET_CONNECT_TCP;
	if (version >= LANDLOCK_ABI_SCOPES)
		a.scoped = (p->signals_inside ? SCOPE_SIGNAL : 0) |
			   (p->abstract_inside ? SCOPE_ABSTRACT_SOCKET : 0);
	return a;
}

/* An old kernel refuses a struct with members that it does not know. */
static size_t size_for(int version)
{
	return version >= LANDLOCK_ABI_SCOPES ? sizeof(struct ruleset_attribute)
	       : version >= LANDLOCK_ABI_TCP  ? 2 * sizeof(uint64_t)
					      : sizeof(uint64_t);
}

static int add_rule(const struct ruleset *s, int kind, const void *attribute)
{
	return syscall(SYS_landlock_add_rule, s->fd, kind, attribute, 0) == 0
		   ? 0
		   : -errno;
}

static int allow_file(const struct ruleset *s, int fd, uint64_t rights)
{
	struct path_attribute a = {.parent = fd};
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		rights &= OF_FILES;
	a.allowed = rights & s->handled.fs;
	return a.allowed ? add_rule(s, RULE_PATH_BENEATH, &a) : 0;
}

/* The path may be there all the same. */
static bool is_shortage(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM || err == EINTR;
}

/* A path that does not exist, or that this user cannot reach, needs no rule: a
 * link among the certificates may lead to a disk that is away. */
static int allow_path(
    const struct ruleset *s, const char *path, uint64_t rights)
{
	int fd, err;

	if (!path || !path[0])
		return 0;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return is_shortage(errno) ? -errno : 0;
	err = allow_file(s, fd, rights);
	close(fd);
	return err;
}

static int allow_to_read(void *self, const char *path)
{
	return allow_path(self, path, READ);
}

/* The dynamic linker, which execve(2) opens next to the program. */
static int find_linker(struct dl_phdr_info *object, size_t size, void *out)
{
	(void)size;
	for (int i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_INTERP)
			*(const char **)out =
			    (const char *)(object->dlpi_addr +
					   object->dlpi_phdr[i].p_vaddr);
	/* The first object is the program. */
	return 1;
}

static int allow_program(const struct ruleset *s, int program)
{
	const char *linker = NULL;
	int err = program < 0 ? 0 : allow_file(s, program, FS_EXECUTE);

	if (err)
		return err;
	(void)dl_iterate_phdr(find_linker, &linker);
	return allow_path(s, linker, FS_EXECUTE);
}

static int allow_port(const struct ruleset *s, uint16_t port)
{
	const struct port_attribute a = {
	    .allowed = NET_CONNECT_TCP, .port = port};

	if (port == 0 || (s->handled.net & NET_CONNECT_TCP) == 0)
		return 0;
	return add_rule(s, RULE_NET_PORT, &a);
}

/* bind(2) of TCP to an address, with a port that the kernel chooses. */
static int allow_own_address(
    const struct ruleset *s, const struct sandbox_request *r)
{
	const struct port_attribute a = {.allowed = NET_BIND_TCP, .port = 0};

	if ((r->own_end & SANDBOX_BINDS) == 0 ||
	    (s->handled.net & NET_BIND_TCP) == 0)
		return 0;
	return add_rule(s, RULE_NET_PORT, &a);
}

static int allow_folders(
    const struct ruleset *s, const struct sandbox_request *r)
{
	int err = 0;

	for (unsigned i = 0; i < SANDBOX_FOLDERS_MAX && !err; i++)
		err = allow_path(s, r->writes[i], WRITE | READ);
	for (unsigned i = 0; i < SANDBOX_FOLDERS_MAX && !err; i++)
		err = allow_path(s, r->removes[i], FS_REMOVE_FILE);
	return err;
}

static int allow_all(
    struct ruleset *s, const struct profile *p, const struct sandbox_request *r)
{
	int err = allow_folders(s, r);

	if (!err && p->tcp != TCP_NONE)
		err = allow_own_address(s, r);
	if (!err && p->executes)
		err = allow_program(s, r->program);
	if (!err && p->reads == READS_LISTED)
		err = readable_each(r->reads, r->read_count, allow_to_read, s);
	if (!err && p->tcp == TCP_LISTED)
		err = allow_port(s, DNS_PORT);
	if (!err && p->tcp == TCP_LISTED)
		err = allow_port(s, r->ke_port);
	return err;
}

int landlock_enter(
    const struct profile *p, const struct sandbox_request *r, int version)
{
	struct ruleset s = {.handled = handled_by(p, version)};
	int err;

	if (r->any_tcp_port)
		s.handled.net &= ~NET_CONNECT_TCP;

	s.fd = (int)syscall(
	    SYS_landlock_create_ruleset, &s.handled, size_for(version), 0);
	if (s.fd < 0)
		return -errno;
	err = allow_all(&s, p, r);
	if (!err && syscall(SYS_landlock_restrict_self, s.fd, 0) != 0)
		err = -errno;
	close(s.fd);
	return err;
}
