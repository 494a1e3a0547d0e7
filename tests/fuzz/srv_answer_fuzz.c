/*
 * Answers of a DNS server about SRV records. What is taken can be used: each
 * record has a port and a name without a byte that controls a terminal, and the
 * order has all of them, by priority.
 */
#include "resolver/service.h"
#include "tests/fuzz/target.h"

#include <stdlib.h>
#include <string.h>

static unsigned sum_of_ports(const struct service *s)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < s->count; i++)
		sum += s->at[i].port;
	return sum;
}

static void check_record(const struct service_record *r)
{
	size_t len = strnlen(r->target, sizeof(r->target));

	MUST(r->port != 0 && len > 0 && len < sizeof(r->target));
	for (size_t i = 0; i < len; i++)
		MUST(r->target[i] > ' ' && r->target[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* An exact allocation shows a byte that is read behind the end. */
	uint8_t *answer = malloc(size > 0 ? size : 1);
	uint32_t random[SERVICE_MAX];
	struct service s;
	unsigned sum;
	bool absent;

	MUST(answer != NULL);
	if (size > 0)
		memcpy(answer, data, size);
	MUST(service_parse(answer, size, &s, &absent) == (s.count > 0));
	MUST(s.count <= SERVICE_MAX && !(absent && s.count > 0));
	for (unsigned i = 0; i < SERVICE_MAX; i++)
		random[i] = (uint32_t)size * 2654435761U * (i + 1);
	sum = sum_of_ports(&s);
	service_order(&s, random);
	MUST(sum == sum_of_ports(&s));
	for (unsigned i = 0; i < s.count; i++) {
		check_record(&s.at[i]);
		MUST(i == 0 || s.at[i].priority >= s.at[i - 1].priority);
	}
	free(answer);
	return 0;
}
