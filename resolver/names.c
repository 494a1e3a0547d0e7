#include "resolver/names.h"

#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TRIES_MAX 2
/* Of one line of /etc/hosts; what is behind it is read as another one. */
#define HOSTS_LINE_MAX 1024

static int af_of_choice(enum family_choice family)
{
	switch (family) {
	case FAMILY_IPV4:
		return AF_INET;
	case FAMILY_IPV6:
		return AF_INET6;
	case FAMILY_ANY:
	default:
		return AF_UNSPEC;
	}
}

/*
 * Needs no res_init(): glibc reads a changed resolv.conf again (since 2.26),
 * and each job is a new process anyway. Does not use AI_ADDRCONFIG: that hides
 * ::1, and connecting to a family without a route fails at once.
 */
static int ask(const char *host, int af, struct addrinfo **list)
{
	struct addrinfo hints = {.ai_family = af, .ai_socktype = SOCK_STREAM};

	*list = NULL;
	return getaddrinfo(host, NULL, &hints, list);
}

void names_add(struct names *n, const struct endpoint *e, unsigned family_limit)
{
	unsigned of_family = 0;

	for (unsigned i = 0; i < n->count; i++) {
		if (endpoint_same_host(&n->at[i], e))
			return;
		of_family += n->at[i].family == e->family;
	}
	if (n->count < ARRAY_LEN(n->at) && of_family < family_limit)
		n->at[n->count++] = *e;
}

/* Keeps the order of the system (RFC 6724, gai.conf). Each family gets up to
 * half of the room, so that a long list of one family cannot hide the other. */
static void collect(struct names *n, const struct addrinfo *list, uint16_t port)
{
	struct endpoint e;
	bool both[7] = {false};
	unsigned limit = KE_ADDRESSES_MAX;

	for (const struct addrinfo *a = list; a; a = a->ai_next)
		if (endpoint_from_sockaddr(&e, a->ai_addr))
			both[e.family] = true;
	if (both[4] && both[6])
		limit /= 2;
	n->count = 0;
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		if (!endpoint_from_sockaddr(&e, a->ai_addr))
			continue;
		e.port = port;
		names_add(n, &e, limit);
	}
}

/* The next address, from *from on, of `family` (`same`), or of the other one.
 */
static const struct endpoint *next_of(
    const struct names *n, unsigned *from, uint8_t family, bool same)
{
	while (*from < n->count) {
		const struct endpoint *e = &n->at[(*from)++];

		if ((e->family == family) == same)
			return e;
	}
	return NULL;
}

void names_interleave(struct names *n, uint8_t lead)
{
	struct names in = *n;
	unsigned leading = 0, other = 0;
	uint8_t family = lead ? lead : in.at[0].family;

	for (n->count = 0; n->count < in.count;) {
		const struct endpoint *a = next_of(&in, &leading, family, true);
		const struct endpoint *b = next_of(&in, &other, family, false);

		if (a)
			n->at[n->count++] = *a;
		if (b)
			n->at[n->count++] = *b;
	}
}

void names_rotate_after(struct names *n, const struct endpoint *e)
{
	const struct names in = *n;
	unsigned first = 0;

	while (first < in.count && !endpoint_same_host(&in.at[first], e))
		first++;
	for (unsigned i = 0; first < in.count && i < in.count; i++)
		n->at[i] = in.at[(first + 1 + i) % in.count];
}

bool names_keep_only(struct names *n, const struct endpoint *e)
{
	for (unsigned i = 0; i < n->count; i++) {
		if (!endpoint_same_host(&n->at[i], e))
			continue;
		n->at[0] = n->at[i];
		n->count = 1;
		return true;
	}
	return false;
}

bool names_remove(struct names *n, const struct endpoint *e)
{
	for (unsigned i = 0; i < n->count; i++) {
		if (!endpoint_same_host(&n->at[i], e))
			continue;
		n->count--;
		memmove(&n->at[i], &n->at[i + 1],
		    (n->count - i) * sizeof(n->at[0]));
		return true;
	}
	return false;
}

void names_wait_less(void)
{
	if (res_init() == 0 && _res.retry > TRIES_MAX)
		_res.retry = TRIES_MAX;
}

static bool is_absence(int error)
{
	return error == EAI_NONAME || error == EAI_NODATA ||
	       error == EAI_ADDRFAMILY;
}

/* Has /etc/hosts an address with `mark` of the name? getaddrinfo(3) would ask
 * DNS again, which may be silent, and gethostent(3) skips IPv6. */
static bool in_hosts(const char *host, char mark)
{
	char line[HOSTS_LINE_MAX], *word, *rest;
	FILE *f = fopen(_PATH_HOSTS, "re");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "#\n")] = '\0';
		word = strtok_r(line, " \t", &rest);
		if (word && strchr(word, mark))
			while (!found && (word = strtok_r(NULL, " \t", &rest)))
				found = strcasecmp(word, host) == 0;
	}
	if (f)
		fclose(f);
	return found;
}

/* True: DNS has failed, and /etc/hosts has addresses of the other family. */
static bool explain_hosts(const char *host, const char *shown,
    enum family_choice family, struct sentence *why)
{
	const bool ipv4 = family == FAMILY_IPV4;

	if (family == FAMILY_ANY || !in_hosts(host, ipv4 ? ':' : '.'))
		return false;
	sentence_add(why,
	    "%s has only IPv%d addresses in /etc/hosts, DNS has failed, and "
	    "IPv%d is configured for it",
	    shown, ipv4 ? 6 : 4, ipv4 ? 4 : 6);
	return true;
}

/* True: the name has addresses, but none of the configured family. */
static bool explain_family(const char *host, const char *shown,
    enum family_choice family, struct sentence *why)
{
	struct addrinfo *list;
	bool exists;

	if (family == FAMILY_ANY || ask(host, AF_UNSPEC, &list) != 0)
		return false;
	exists = list != NULL;
	if (list)
		freeaddrinfo(list);
	if (exists)
		sentence_add(why,
		    "%s has only IPv%d addresses, but IPv%d is configured "
		    "for it",
		    shown, family == FAMILY_IPV4 ? 6 : 4,
		    family == FAMILY_IPV4 ? 4 : 6);
	return exists;
}

static void explain(
    const char *host, int error, int system_error, struct sentence *why)
{
	switch (error) {
	case EAI_NONAME:
		sentence_add(why,
		    "no address for %s: the name does not exist, or is an "
		    "alias of one that does not (check /etc/hosts or DNS)",
		    host);
		break;
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		sentence_add(why,
		    "no address for %s: the name exists, but has no IP "
		    "address (check /etc/hosts or DNS)",
		    host);
		break;
	case EAI_AGAIN:
		sentence_add(why,
		    "no DNS server answered for %s, or one reported a failure "
		    "(check the network and /etc/resolv.conf)",
		    host);
		break;
	case EAI_FAIL:
		sentence_add(why,
		    "the DNS server failed or refused to answer for %s", host);
		break;
	case EAI_SYSTEM:
		sentence_add(
		    why, "cannot look up %s: %s", host, strerror(system_error));
		break;
	default:
		sentence_add(
		    why, "cannot look up %s: %s", host, gai_strerror(error));
	}
}

bool names_lookup_error(const char *host, const char *shown, uint16_t port,
    enum family_choice family, struct names *out, int *error,
    struct sentence *why)
{
	struct addrinfo *list;
	int system_error;

	*error = ask(host, af_of_choice(family), &list);
	system_error = errno;
	*out = (struct names){0};
	if (*error == 0 && list) {
		collect(out, list, port);
		freeaddrinfo(list);
	}
	if (out->count > 0) {
		names_interleave(out, 0);
		return true;
	}
	if (*error == 0)
		*error = EAI_NODATA;
	if (*error == EAI_AGAIN && explain_hosts(host, shown, family, why)) {
		*error = EAI_ADDRFAMILY;
	} else if (is_absence(*error) &&
		   explain_family(host, shown, family, why)) {
		*error = EAI_NODATA;
	} else {
		explain(shown, *error, system_error, why);
	}
	return false;
}

bool names_lookup(const char *host, const char *shown, uint16_t port,
    enum family_choice family, struct names *out, struct sentence *why)
{
	int error;

	return names_lookup_error(host, shown, port, family, out, &error, why);
}

/* A dot at the end would hide the name from /etc/hosts. */
bool names_lookup_complete(const char *host, const char *shown, uint16_t port,
    enum family_choice family, struct names *out, struct sentence *why)
{
	bool known = res_init() == 0, found;
	unsigned long usual = _res.options;

	if (known)
		_res.options &= ~(unsigned long)(RES_DEFNAMES | RES_DNSRCH);
	found = names_lookup(host, shown, port, family, out, why);
	if (known)
		_res.options = usual;
	return found;
}
