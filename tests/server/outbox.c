#include "tests/server/outbox.h"

static void send_now(const struct client *to, const struct parcel *parcel)
{
	for (unsigned i = 0; i < parcel->copies; i++)
		sockets_send(to, parcel->bytes, parcel->len);
}

void outbox_post(struct outbox *box, const struct client *to,
    const struct parcel *parcel, struct mono now)
{
	if (parcel->len == 0)
		return;
	if (parcel->hold_ns == 0) {
		send_now(to, parcel);
		return;
	}
	for (unsigned i = 0; i < OUTBOX_MAX; i++) {
		if (!box->held[i].used) {
			box->held[i] = (struct held){true,
			    mono_after(now, parcel->hold_ns), *to, *parcel};
			return;
		}
	}
}

struct mono outbox_work(struct outbox *box, struct mono now)
{
	struct mono next = MONO_NEVER;

	for (unsigned i = 0; i < OUTBOX_MAX; i++) {
		struct held *h = &box->held[i];

		if (h->used && mono_due(h->due, now)) {
			send_now(&h->to, &h->parcel);
			h->used = false;
		}
		if (h->used)
			next = mono_earlier(next, h->due);
	}
	return next;
}
