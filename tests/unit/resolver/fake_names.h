/*
 * A getaddrinfo() that replaces the one of the C library, with names that do
 *not depend on the DNS of the machine. Include it in one file.
 *
 *	a-b-c.fake	the addresses of fake_hosts, in their order
 *	hang.fake	does not return
 *	slow.fake	has an address after 300 ms
 *	crash.fake	kills the process
 *	hasty.fake	unknown, if RES_OPTIONS is set for shorter timeouts
 *	NAME.eai	fails with the error EAI_NAME
 */
#ifndef TESTS_UNIT_RESOLVER_FAKE_NAMES_H
#define TESTS_UNIT_RESOLVER_FAKE_NAMES_H

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stddef.h>
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
    {"only4.fake", {"192.0.2.1", "192.0.2.2"}},
    {"only6.fake", {"2001:db8::1"}},
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

int getaddrinfo(const char *host, const char *service,
    const struct addrinfo *hints, struct addrinfo **out)
{
	if (strcmp(host, "hang.fake") == 0)
		for (;;)
			pause();
	if (strcmp(host, "slow.fake") == 0)
		usleep(300000);
	if (strcmp(host, "hasty.fake") == 0)
		return getenv("RES_OPTIONS") ? EAI_NONAME : EAI_FAIL;
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
