#include "resolver/unvalidated.h"

#include "resolver/dns_answer.h"
#include "resolver/dns_message.h"
#include "resolver/wait.h"

#include <arpa/nameser.h>
#include <resolv.h>
#include <stdio.h>
#include <string.h>

#define QUERY_MAX 512
/* The search ends after so many times the wait for all servers. */
#define SEARCH_WAITS 2
/* Room for more addresses than are used. */
#define ANSWER_MAX 8192
/* The byte of the header that has the bit CD, and the bit. */
#define CD_BYTE 3
#define CD_BIT 0x10
#define RCODE_BYTE 3
#define RCODE 0x0f
/* The low byte of the number of additional records. */
#define ADDITIONAL_BYTE 11

struct lookup {
	struct __res_state state;
	uint16_t port;
	enum family_choice family;
	struct names *out;
	bool silent;	   /* no server answers: do not wait for them again */
	struct mono until; /* the search may begin no query after that */
};

/*
 * The bit DO (RFC 6891, RFC 3225), and room for 1232 bytes. systemd-resolved
 * before version 254 looks at CD in a query with DO only.
 */
static int add_do(unsigned char *query, int size)
{
	static const unsigned char opt[] = {
	    0, 0, 41, 0x04, 0xd0, 0, 0, 0x80, 0, 0, 0};

	query[ADDITIONAL_BYTE] = 1;
	memcpy(query + size, opt, sizeof(opt));
	return size + (int)sizeof(opt);
}

/* True: no answer, or one that is an error. */
static bool failed(const unsigned char *answer, int len)
{
	return len <= RCODE_BYTE || (answer[RCODE_BYTE] & RCODE) != 0;
}

/* How long the C library waits for all servers, s, if none of them answers. */
static int64_t whole_wait_s(const struct __res_state *state)
{
	int64_t sum_s = 0;

	for (int i = 0; i < state->nscount; i++) {
		int64_t s = (int64_t)state->retrans << i;

		if (i > 0)
			s /= state->nscount;
		sum_s += s > 0 ? s : 1;
	}
	return sum_s;
}

/*
 * The length of an answer, or UNVALIDATED_FAILED or UNVALIDATED_SILENT. The C
 * library has one result for an error of the servers and for none, so time
 * tells.
 */
static int send_query(struct __res_state *state, const unsigned char *query,
    int size, unsigned char *answer, int room)
{
	const int64_t wait_s = whole_wait_s(state);
	const struct mono began = mono_now();
	int len = res_nsend(state, query, size, answer, room);

	if (len < 0)
		return wait_s > 0 && mono_now().ns - began.ns >=
					 wait_s * (NS_PER_S * 9 / 10)
			   ? UNVALIDATED_SILENT
			   : UNVALIDATED_FAILED;
	if (len > room)
		len = room;
	/* The C library compares, too, but not the question over TCP. */
	if (len > 0 &&
	    !dns_message_answers(answer, (size_t)len, query, (size_t)size))
		return UNVALIDATED_FAILED;
	return len;
}

/* The query without DO is the first: old servers and firewalls drop one with DO
 * or answer it with an error. */
int unvalidated_query(struct __res_state *state, const char *name, int type,
    unsigned char *answer, int room)
{
	unsigned char query[QUERY_MAX];
	int len, size = res_nmkquery(state, QUERY, name, C_IN, type, NULL, 0,
		     NULL, query, QUERY_MAX / 2);

	if (size <= ADDITIONAL_BYTE)
		return UNVALIDATED_FAILED;
	query[CD_BYTE] |= CD_BIT;
	len = send_query(state, query, size, answer, room);
	if (failed(answer, len) && len != UNVALIDATED_SILENT)
		len =
		    send_query(state, query, add_do(query, size), answer, room);
	return len;
}

static void ask(struct lookup *l, const char *name, int type)
{
	unsigned char answer[ANSWER_MAX];
	unsigned limit = KE_ADDRESSES_MAX;
	int len =
	    unvalidated_query(&l->state, name, type, answer, sizeof(answer));

	if (l->family == FAMILY_ANY)
		limit /= 2;
	l->silent = len == UNVALIDATED_SILENT || mono_due(l->until, mono_now());
	if (len > 0)
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
	/* Some servers may be silent, and others refuse at once. */
	l.until = mono_after(
	    mono_now(), SEARCH_WAITS * whole_wait_s(&l.state) * NS_PER_S);
	find(&l, host, complete);
	res_nclose(&l.state);
	if (out->count > 0)
		names_interleave(out, 0);
	return out->count > 0;
}
