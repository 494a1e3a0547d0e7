#include "resolver/dns_answer.h"

#include "resolver/dns_message.h"

#include <arpa/nameser.h>
#include <string.h>

#define FLAG_RESPONSE 0x8000
#define RCODE 0x000f

/* False: a record of another type, or one whose length is wrong. */
static bool address_of(
    const struct dns_record *record, struct endpoint *e, uint16_t port)
{
	bool ipv4 = record->type == ns_t_a;
	size_t len = ipv4 ? 4 : sizeof(e->address);

	if (record->class != ns_c_in || (!ipv4 && record->type != ns_t_aaaa) ||
	    record->data.left != len)
		return false;
	*e = (struct endpoint){.family = ipv4 ? 4 : 6, .port = port};
	memcpy(e->address, record->data.at, len);
	return true;
}

bool dns_answer_read(const uint8_t *bytes, size_t len, uint16_t port,
    unsigned limit, struct names *out)
{
	struct dns_message m = dns_message_of(bytes, len);
	struct names found = *out;
	struct dns_record record;
	struct endpoint e;

	if (!(m.flags & FLAG_RESPONSE) || (m.flags & RCODE) != 0)
		return false;
	while (dns_message_next(&m, &record))
		if (address_of(&record, &e, port))
			names_add(&found, &e, limit);
	if (m.rest.ok)
		*out = found;
	return m.rest.ok;
}
