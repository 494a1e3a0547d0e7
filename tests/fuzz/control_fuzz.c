/*
 * Orders on the control socket. The first byte says how long the pieces are in
 * which the rest arrives. Whatever a client sends, it gets one answer or none,
 * and each order leaves plain text for the client and for the log.
 */
#include "agent/query/control_socket.h"
#include "agent/query/orders.h"
#include "tests/fuzz/target.h"
#include "tests/unit/agent/engine/world.h"

#include <sys/socket.h>
#include <unistd.h>

static void check_line(const char *line)
{
	MUST(strlen(line) < CONTROL_LINE_MAX && is_one_line(line));
}

static void check_log(const struct world *w)
{
	for (const char *c = w->log; *c; c++)
		MUST(*c == '\n' || (*c >= 0x20 && *c != 0x7f));
}

/* Runs an order as agent/loop does. */
static void obey(struct control_socket *c, unsigned long client,
    const char *line, struct mono now)
{
	struct world *w = world_new(3, NS_PER_MS, 20);
	char text[ORDER_TEXT_MAX] = "";
	enum order_outcome outcome;

	world_start(w);
	world_run(w, 10 * NS_PER_S);
	outcome = order_run(&w->engine, line, world_reading(w), text);
	engine_on_timer(&w->engine, world_reading(w));
	if (outcome == ORDER_DONE || outcome == ORDER_FAILED)
		MUST(text[0] != '\0' && is_one_line(text));
	world_run(w, 10 * NS_PER_S);
	MUST(w->reused_cookies == 0);
	check_log(w);
	world_end(w);
	control_socket_answer(c, client, outcome == ORDER_DONE, text, now);
}

static void send_piece(int fd, struct reader *r, size_t len)
{
	const uint8_t *bytes;

	len = len < r->left ? len : r->left;
	bytes = take_bytes(r, len);
	MUST(send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len);
}

/* Returns the number of orders that were taken from the client. */
static unsigned talk(
    struct control_socket *c, int fd, struct reader r, size_t piece)
{
	struct control_client *k = &c->clients[0];
	struct mono now = {NS_PER_S};
	char line[CONTROL_LINE_MAX];
	unsigned orders = 0;

	while (r.left > 0 && k->state == CONTROL_READS) {
		unsigned long client;

		send_piece(fd, &r, piece);
		client = control_socket_ready(c, k->fd, now, line);
		if (client == 0)
			continue;
		orders++;
		check_line(line);
		obey(c, client, line, now);
	}
	return orders;
}

/* An answer is one line, from a word for how it ended. */
static void check_answer(int fd)
{
	char answer[CONTROL_TEXT_MAX + 1];
	ssize_t n = recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT);

	if (n <= 0)
		return;
	answer[n] = '\0';
	MUST(answer[n - 1] == '\n');
	answer[n - 1] = '\0';
	MUST(is_one_line(answer));
	MUST(strncmp(answer, "ok: ", 4) == 0 ||
	     strncmp(answer, "error: ", 7) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(data, size);
	size_t piece = take_u8(&r) + 1u;
	struct control_socket c;
	int link[2];

	if (!r.ok || r.left > 1024)
		return 0;
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, link) == 0);
	control_socket_init(&c, -1, true);
	c.clients[0] = (struct control_client){.state = CONTROL_READS,
	    .fd = link[1],
	    .number = 1,
	    .give_up = {CONTROL_TIMEOUT_NS}};
	MUST(talk(&c, link[0], r, piece) <= 1);
	check_answer(link[0]);
	control_socket_end(&c);
	close(link[0]);
	return 0;
}
