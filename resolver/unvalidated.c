#include "resolver/unvalidated.h"

#include "resolver/dns_answer.h"
#include "resolver/dns_message.h"
#include "resolver/wait.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

#define QUERY_MAX 512
/* Room for more addresses than are used. */
#define ANSWER_MAX 8192
/* The byte of the header that has the bit CD, and the bit. */
#define CD_BYTE 3
#define CD_BIT 0x10
#define SILENCE_NS (NS_PER_S / 2)

struct lookup {
	struct __res_state state;
	uint16_t port;
	enum family_choice family;
	struct names *out;
	bool silent; /* no server answers: do not wait for them again */
};

static void ask(struct lookup *l, const char *name, int type)
{
	unsigned char query[QUERY_MAX], answer[ANSWER_MAX];
	unsigned limit = KE_ADDRESSES_MAX;
	struct mono began = mono_now();
	int size, len;

	size = res_nmkquery(&l->state, QUERY, name, C_IN, type, NULL, 0, NULL,
	    query, sizeof(query));
	if (size <= CD_BYTE)
		return;
	if (l->family == FAMILY_ANY)
		limit /= 2;
	query[CD_BYTE] |= CD_BIT;
	len = res_nsend(&l->state, query, size, answer, sizeof(answer));
	/* A server that answers with an error does so at once. */
	l->silent = len < 0 && mono_now().ns - began.ns >= SILENCE_NS;
	if (len > (int)sizeof(answer))
		len = sizeof(answer);
	/* The C library compares, too, but not the question over TCP. */
	if (len > 0 &&
	    dns_message_answers(answer, (size_t)len, query, (size_t)size))
		(void)!dns_answer_read(
		    answer, (size_t)len, l->port, limit, l->out);
}

/* True: the search is over. */
static bool ask_for(struct lookup *l, const char *name)
{
	if (l->family != FAMILY_IPV4)
		ask(l, name, T_AAAA);
	if (l->family != FAMILY_IPV6 && !l->silent)
		ask(l, name, T_A);
	return l->out->count > 0 || l->silent;
}

static bool search(struct lookup *l, const char *host)
{
	char name[NS_MAXDNAME];

	for (char **d = l->state.dnsrch; *d && **d; d++) {
		snprintf(name, sizeof(name), "%s.%s", host, *d);
		if (ask_for(l, name))
			return true;
	}
	return false;
}

/* resolv.conf(5): a name with `ndots` dots or more is tried as it is first. */
static void find(struct lookup *l, const char *host, bool complete)
{
	size_t len = strlen(host);
	unsigned dots = 0;

	for (const char *c = host; *c; c++)
		dots += *c == '.';
	if (complete || (len > 0 && host[len - 1] == '.'))
		(void)ask_for(l, host);
	else if (dots >= l->state.ndots)
		(void)(ask_for(l, host) || search(l, host));
	else
		(void)(search(l, host) || ask_for(l, host));
}

bool unvalidated_lookup(const char *host, bool complete, uint16_t port,
    enum family_choice family, struct names *out)
{
	struct lookup l = {.port = port, .family = family, .out = out};

	*out = (struct names){0};
	if (res_ninit(&l.state) != 0)
		return false;
	l.state.retry = 1;
	find(&l, host, complete);
	res_nclose(&l.state);
	if (out->count > 0)
		names_interleave(out, 0);
	return out->count > 0;
}
