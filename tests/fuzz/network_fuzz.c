/*
 * What the kernel sends about links, addresses and routes. Nothing that a
 * message says is a fact twice, and the memory for facts has its limit.
 */
#include "agent/host/network.h"
#include "tests/fuzz/target.h"

#define NS_PER_STEP (10 * NS_PER_S)

static void check_facts(const struct network *n)
{
	MUST(n->fact_count <= NETWORK_FACTS_MAX);
	MUST(n->next_fact < NETWORK_FACTS_MAX);
	for (unsigned i = 0; i < n->fact_count; i++)
		for (unsigned j = 0; j < i; j++)
			MUST(n->facts[i] != n->facts[j]);
}

/* A change is returned once, after its pause. */
static void check_take(struct network *n)
{
	struct mono at = network_deadline(n);

	MUST((at.ns == MONO_NEVER.ns) == !n->changed);
	if (!n->changed)
		return;
	MUST(network_take(n, at));
	MUST(!network_take(n, mono_after(at, NS_PER_STEP)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Aligned, and of exactly that size. */
	uint8_t *bytes = malloc(size ? size : 1);
	static struct network n;

	MUST(bytes != NULL);
	if (size > 0)
		memcpy(bytes, data, size);
	network_init(&n, (struct mono){1000 * NS_PER_S});
	network_note(&n, bytes, size);
	check_facts(&n);
	check_take(&n);
	network_note(&n, bytes, size);
	check_facts(&n);
	check_take(&n);
	free(bytes);
	return 0;
}
