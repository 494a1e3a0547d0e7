#include "resolver/service.h"

#include "resolver/dns_message.h"
#include "resolver/unvalidated.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <string.h>
#include <sys/random.h>

/* The largest message of DNS over TCP. */
#define ANSWER_MAX 65535

/* The bytes of a host name, so that no other one reaches a sentence. */
static bool target_fits(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._";

	return name[0] != '\0' && name[strspn(name, allowed)] == '\0';
}

/* False: no record of the type SRV, or a broken one. */
static bool take_record(const struct dns_message *m, struct dns_record *record,
    struct service_record *out)
{
	struct reader *data = &record->data;
	char name[NS_MAXDNAME] = "";
	int len = -1;

	if (record->type != ns_t_srv || record->class != ns_c_in)
		return false;
	out->priority = take_u16(data);
	out->weight = take_u16(data);
	out->port = take_u16(data);
	/* A name may go on at an earlier place. */
	if (data->ok)
		len = dn_expand(m->base, m->rest.at + m->rest.left, data->at,
		    name, sizeof(name));
	if (len < 0 || (size_t)len > data->left ||
	    strlen(name) >= sizeof(out->target))
		return false;
	memcpy(out->target, name, strlen(name) + 1);
	return true;
}

static void note_record(
    struct service *s, const struct service_record *record, bool *absent)
{
	*absent |= record->target[0] == '\0';
	if (record->port != 0 && target_fits(record->target) &&
	    s->count < SERVICE_MAX)
		s->at[s->count++] = *record;
}

bool service_parse(
    const uint8_t *answer, size_t len, struct service *out, bool *absent)
{
	struct dns_message m = dns_message_of(answer, len);
	struct service_record record;
	struct dns_record r;

	*out = (struct service){0};
	*absent = false;
	while (dns_message_next(&m, &r))
		if (take_record(&m, &r, &record))
			note_record(out, &record, absent);
	*absent &= out->count == 0;
	return out->count > 0;
}

static void swap(struct service_record *a, struct service_record *b)
{
	const struct service_record t = *a;

	*a = *b;
	*b = t;
}

static void sort_by_priority(struct service *s)
{
	for (unsigned i = 1; i < s->count; i++)
		for (unsigned j = i;
		     j > 0 && s->at[j].priority < s->at[j - 1].priority; j--)
			swap(&s->at[j], &s->at[j - 1]);
}

/* RFC 2782: the sum of the weights up to and with a record is compared with a
 * number from 0 to the sum of all. Records of weight 0 stand first, which gives
 * them a small chance. */
static unsigned choose(
    const struct service *s, unsigned first, unsigned end, uint32_t random)
{
	uint64_t all = 0, limit;
	unsigned chosen = first;

	for (unsigned i = first; i < end; i++)
		all += s->at[i].weight;
	limit = random % (all + 1);
	for (unsigned i = first; i < end; i++)
		if (s->at[i].weight == 0 && limit == 0)
			return i;
	for (uint64_t sum = s->at[first].weight; sum < limit;
	     sum += s->at[chosen].weight)
		chosen++;
	return chosen;
}

void service_order(struct service *s, const uint32_t random[static SERVICE_MAX])
{
	sort_by_priority(s);
	for (unsigned i = 0; i < s->count; i++) {
		unsigned end = i + 1, chosen;

		while (
		    end < s->count && s->at[end].priority == s->at[i].priority)
			end++;
		chosen = choose(s, i, end, random[i]);
		for (; chosen > i; chosen--)
			swap(&s->at[chosen], &s->at[chosen - 1]);
	}
}

/* `error` is h_errno of the resolver. */
static void explain(
    const char *name, const char *domain, int error, struct sentence *why)
{
	if (error == TRY_AGAIN)
		sentence_add(why,
		    "no DNS server answered for the SRV records of %s (check "
		    "the network and /etc/resolv.conf)",
		    name);
	else if (error == HOST_NOT_FOUND || error == NO_DATA)
		sentence_add(why,
		    "%s has no SRV records in DNS: publish them, or configure "
		    "srv = no and the name of a key server as host",
		    name);
	else
		sentence_add(why,
		    "the DNS server failed or refused to answer for the SRV "
		    "records of %s",
		    domain);
}

static bool take_answer(const char *name, const uint8_t *answer, size_t len,
    struct service *out, struct sentence *why)
{
	uint32_t random[SERVICE_MAX];
	bool absent;

	if (service_parse(answer, len, out, &absent)) {
		if (getrandom(random, sizeof(random), 0) !=
		    (ssize_t)sizeof(random))
			memset(random, 0, sizeof(random));
		service_order(out, random);
		return true;
	}
	if (absent)
		sentence_add(
		    why, "%s says in DNS that it has no key server", name);
	else
		sentence_add(why,
		    "the answer of the DNS server for %s has no usable SRV "
		    "record",
		    name);
	return false;
}

/* False: the domain has no such records. */
static bool may_exist(int error)
{
	return error == TRY_AGAIN || error == NO_RECOVERY;
}

bool service_lookup(const char *domain, bool without_validation,
    struct service *out, struct sentence *why)
{
	uint8_t answer[ANSWER_MAX];
	char name[SERVICE_NAME_MAX + 16];
	struct __res_state state = {0};
	int len, error;

	snprintf(name, sizeof(name), "_ntske._tcp.%s", domain);
	*out = (struct service){0};
	if (res_ninit(&state) != 0) {
		sentence_add(why, "cannot look up %s: no resolver", name);
		return false;
	}
	/* It compares number and question, and the next resolver on the way is
	 * often not on this machine: the records decide which server is asked
	 * for keys, never who is trusted. */
	len =
	    res_nquery(&state, name, ns_c_in, ns_t_srv, answer, sizeof(answer));
	error = state.res_h_errno;
	if (len < 0 && without_validation && may_exist(error))
		len = unvalidated_query(
		    &state, name, ns_t_srv, answer, sizeof(answer));
	res_nclose(&state);
	if (len < 0) {
		explain(name, domain, error, why);
		return false;
	}
	return take_answer(name, answer,
	    (size_t)len < sizeof(answer) ? (size_t)len : sizeof(answer), out,
	    why);
}
