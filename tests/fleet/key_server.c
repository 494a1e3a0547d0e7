#include "tests/fleet/key_server.h"

static bool is_full(const struct key_server *s)
{
	return s->kind != SERVER_QUEUES && s->waiting >= s->limit;
}

enum syn_fate key_server_syn(
    struct key_server *s, int64_t now_ns, int64_t *done_ns)
{
	if (s->kind == SERVER_CLOSES && is_full(s))
		return SYN_CLOSED;
	if (s->kind == SERVER_DOWN || is_full(s))
		return SYN_IGNORED;
	if (s->busy_until_ns < now_ns)
		s->busy_until_ns = now_ns;
	s->busy_until_ns += s->exchange_ns;
	s->waiting++;
	*done_ns = s->busy_until_ns;
	return SYN_ACCEPTED;
}

void key_server_free(struct key_server *s)
{
	s->waiting--;
}
