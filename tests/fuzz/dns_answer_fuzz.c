/*
 * An answer of a DNS server. The first byte is the limit of addresses of one
 * family. What is taken is a list of distinct addresses within that limit; what
 * is refused changes nothing.
 */
#include "resolver/dns_answer.h"
#include "tests/fuzz/target.h"

static void check_list(const struct names *n, unsigned limit)
{
	unsigned of_ipv4 = 0;

	MUST(n->count <= KE_ADDRESSES_MAX);
	for (unsigned i = 0; i < n->count; i++) {
		MUST(n->at[i].family == 4 || n->at[i].family == 6);
		MUST(n->at[i].port == 4460);
		of_ipv4 += n->at[i].family == 4;
		for (unsigned j = 0; j < i; j++)
			MUST(!endpoint_same_host(&n->at[i], &n->at[j]));
	}
	MUST(of_ipv4 <= limit && n->count - of_ipv4 <= limit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names n = {0};
	unsigned limit = size > 0 ? data[0] : 0;

	if (size == 0)
		return 0;
	if (dns_answer_read(data + 1, size - 1, 4460, limit, &n))
		check_list(&n, limit);
	else
		MUST(n.count == 0);
	return 0;
}
