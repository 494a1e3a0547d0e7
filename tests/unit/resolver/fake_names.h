/*
 * A getaddrinfo() that replaces the one of the C library, with names that do
 * not depend on the DNS of the machine. Include it in one file.
 *
 *	a-b-c.fake	the addresses of fake_hosts, in their order
 *	directory.fake	thirty addresses: 127.0.1.1 to 127.0.1.30
 *	crowd.fake	seventy addresses of each family, IPv6 first
 *	hang.fake	does not return
 *	deaf.fake	closes all descriptors but 0 to 2, and does not return
 *	slow.fake	has an address after 300 ms
 *	crash.fake	kills the process
 *	hasty.fake	unknown, if RES_OPTIONS is set for shorter timeouts
 *	terminal.fake	unknown, after words on standard output and error,
 *			unless there is something to read on standard input
 *	hosts.fake	is in /etc/hosts, for IPv4; DNS fails. So is alias.fake
 *	hosts6.fake	is there for IPv6
 *	whole.fake	has an address if the search list is not used
 *	tries.fake	that of both.fake, if DNS is asked at most twice
 *	NAME.eai	fails with the error EAI_NAME
 */
#ifndef TESTS_UNIT_RESOLVER_FAKE_NAMES_H
#define TESTS_UNIT_RESOLVER_FAKE_NAMES_H

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef int getaddrinfo_fn(const char *host, const char *service,
    const struct addrinfo *hints, struct addrinfo **out);

static int real_getaddrinfo(const char *host, const char *service,
    const struct addrinfo *hints, struct addrinfo **out)
{
	void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
	getaddrinfo_fn *f;

	memcpy(&f, &symbol, sizeof(f));
	return f(host, service, hints, out);
}

static const struct {
	const char *name;
	const char *addresses[12];
} fake_hosts[] = {
    {"both.fake", {"::1", "127.0.0.1"}},
    {"local.fake", {"127.0.0.1"}},
    {"slow.fake", {"127.0.0.1"}},
    {"hosts.fake", {"127.0.0.1"}},
    {"whole.fake", {"192.0.2.9"}},
    {"only4.fake", {"192.0.2.1", "192.0.2.2"}},
    {"only6.fake", {"2001:db8::1"}},
    {"bad.fake", {"224.0.1.1", "ff02::101"}},
    /* The certificate is for it, too, and DNS adds to it. */
    {"Both.fake", {"127.0.0.1", "224.0.1.1", "ff02::101", "192.0.2.2",
		      "255.255.255.255", "::ffff:192.0.2.1", "::1"}},
    {"partly.fake", {"0.0.0.0", "192.0.2.1", "::", "2001:db8::1"}},
    {"twice.fake", {"192.0.2.1", "192.0.2.1", "192.0.2.2"}},
    {"v4first.fake", {"192.0.2.1", "2001:db8::1", "2001:db8::2"}},
    {"many.fake", {"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4",
		      "2001:db8::5", "2001:db8::6", "2001:db8::7",
		      "2001:db8::8", "2001:db8::9", "192.0.2.1", "192.0.2.2"}},
};

static const struct {
	const char *name;
	int error;
} fake_errors[] = {
    {"noname.eai", EAI_NONAME},
    {"nodata.eai", EAI_NODATA},
    {"again.eai", EAI_AGAIN},
    {"fail.eai", EAI_FAIL},
    {"memory.eai", EAI_MEMORY},
    {"system.eai", EAI_SYSTEM},
};

static int fake_list(const char *const *addresses, const struct addrinfo *hints,
    struct addrinfo **out)
{
	struct addrinfo want = *hints, **tail = out;

	want.ai_flags |= AI_NUMERICHOST;
	*out = NULL;
	for (; *addresses; addresses++)
		if (real_getaddrinfo(*addresses, NULL, &want, tail) == 0)
			tail = &(*tail)->ai_next;
	return *out ? 0 : EAI_ADDRFAMILY;
}

/* Would DNS be asked for the name with other endings, too? */
static int fake_list_is_searched(void)
{
	return !(_res.options & RES_INIT) ||
	       (_res.options & (RES_DEFNAMES | RES_DNSRCH));
}

/* `count` addresses: each prefix with the numbers from 1 on. */
static int fake_many(const char *const prefixes[], unsigned count,
    const struct addrinfo *hints, struct addrinfo **out)
{
	static char texts[2][70][24];
	const char *list[2 * 70 + 1];
	unsigned n = 0;

	for (unsigned p = 0; prefixes[p]; p++)
		for (unsigned i = 0; i < count; i++) {
			snprintf(texts[p][i], sizeof(texts[p][i]), "%s%u",
			    prefixes[p], i + 1);
			list[n++] = texts[p][i];
		}
	list[n] = NULL;
	return fake_list(list, hints, out);
}

/* /etc/hosts is another one. */
FILE *fopen(const char *path, const char *mode)
{
	static char hosts[] = "127.0.0.1 localhost # hosts6.fake\n"
			      "\n"
			      "127.0.0.1\thosts.fake Alias.Fake\n"
			      "::1 ip6-localhost\thosts6.fake\n";
	void *symbol = dlsym(RTLD_NEXT, "fopen");
	FILE *(*real)(const char *, const char *);

	if (strcmp(path, _PATH_HOSTS) == 0)
		return fmemopen(hosts, strlen(hosts), "r");
	memcpy(&real, &symbol, sizeof(real));
	return real(path, mode);
}

static int fake_terminal(void)
{
	char byte;

	dprintf(STDOUT_FILENO, "all is well\n");
	dprintf(STDERR_FILENO, "all is well\n");
	return read(STDIN_FILENO, &byte, 1) > 0 ? EAI_FAIL : EAI_NONAME;
}

int getaddrinfo(const char *host, const char *service,
    const struct addrinfo *hints, struct addrinfo **out)
{
	if (strcmp(host, "terminal.fake") == 0)
		return fake_terminal();
	if (strcmp(host, "hang.fake") == 0)
		for (;;)
			pause();
	if (strcmp(host, "deaf.fake") == 0) {
		(void)close_range(STDERR_FILENO + 1, ~0U, 0);
		for (;;)
			pause();
	}
	if (strcmp(host, "directory.fake") == 0)
		return fake_many(
		    (const char *const[]){"127.0.1.", NULL}, 30, hints, out);
	if (strcmp(host, "crowd.fake") == 0)
		return fake_many(
		    (const char *const[]){"2001:db8::", "192.0.2.", NULL}, 70,
		    hints, out);
	if (strcmp(host, "slow.fake") == 0)
		usleep(300000);
	if (hints->ai_family == AF_INET6 &&
	    (strcmp(host, "hosts.fake") == 0 ||
		strcmp(host, "alias.fake") == 0))
		return EAI_AGAIN;
	if (hints->ai_family == AF_INET && strcmp(host, "hosts6.fake") == 0)
		return EAI_AGAIN;
	if (strcmp(host, "hasty.fake") == 0)
		return getenv("RES_OPTIONS") ? EAI_NONAME : EAI_FAIL;
	if (strcmp(host, "tries.fake") == 0)
		return _res.retry <= 2
			   ? fake_list(fake_hosts[0].addresses, hints, out)
			   : EAI_AGAIN;
	if (strcmp(host, "whole.fake") == 0 && fake_list_is_searched())
		return EAI_NONAME;
	if (strcmp(host, "crash.fake") == 0)
		raise(SIGKILL);
	for (size_t i = 0; i < sizeof(fake_errors) / sizeof(*fake_errors); i++)
		if (strcmp(host, fake_errors[i].name) == 0) {
			errno = EMFILE;
			return fake_errors[i].error;
		}
	for (size_t i = 0; i < sizeof(fake_hosts) / sizeof(*fake_hosts); i++)
		if (strcmp(host, fake_hosts[i].name) == 0)
			return fake_list(fake_hosts[i].addresses, hints, out);
	return real_getaddrinfo(host, service, hints, out);
}

#endif
