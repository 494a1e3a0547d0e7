#include "agent/loop/ports.h"

#include "agent/engine/engine.h"
#include "agent/loop/single_process.h"
#include "base/log.h"

#include <stdlib.h>
#include <sys/random.h>

static int port_send(void *self, unsigned slot, const struct endpoint *to,
    const uint8_t *bytes, size_t len)
{
	struct engine_loop *p = self;
	int err = udp_send(&p->udp, slot, to, bytes, len);

	/* For port_rerouted, which a simulator does not need. */
	if (!p->links->keeper && !udp_local(&p->udp, slot, &p->from[slot]))
		p->from[slot] = (struct endpoint){0};
	return err;
}

static bool port_rerouted(void *self, unsigned slot, const struct endpoint *to)
{
	struct engine_loop *p = self;
	struct endpoint before = p->from[slot], now;

	p->from[slot] = (struct endpoint){0};
	if (!udp_route(to, &now))
		return false;
	p->from[slot] = now;
	return !endpoint_same_host(&before, &now);
}

static void port_close(void *self, unsigned slot)
{
	struct engine_loop *p = self;

	udp_close(&p->udp, slot);
}

static void port_ask(void *self, const struct ke_request *request)
{
	struct engine_loop *p = self;

	if (!resolver_link_ask(&p->resolver, request))
		p->broken = true;
}

static void port_command(void *self, const struct keeper_message *m)
{
	struct engine_loop *p = self;

	if (p->links->keeper)
		single_process_command(p, m);
	else if (keeper_send_message(p->links->keeper_fd, m) != 1)
		p->broken = true;
}

static void port_random(void *self, void *out, size_t len)
{
	(void)self;
	/* getrandom(2) gives up to 256 bytes whole or not at all. NTS is not
	 * safe on a kernel without randomness. */
	if (getrandom(out, len, 0) != (ssize_t)len)
		abort();
}

static void port_report(void *self, enum log_level level, const char *text)
{
	(void)self;
	log_line(level, "%s", text);
}

static void port_save_keys(void *self, unsigned slot, struct saved_keys *keys)
{
	struct engine_loop *p = self;
	const struct source_config *source = p->engine.sources[slot].config;

	if (keys)
		keyring_save(&p->keyring, source, keys);
	else
		keyring_forget(&p->keyring, source);
}

static void port_save_samples(void *self)
{
	struct engine_loop *p = self;

	sample_file_save(&p->samples, &p->engine);
}

static const char *port_rival(void *self)
{
	struct engine_loop *p = self;

	if (p->links->keeper || !rivals_find("/proc", p->rival))
		return NULL;
	return p->rival;
}

struct engine_ports ports_of(struct engine_loop *p)
{
	return (struct engine_ports){
	    .self = p,
	    .send = port_send,
	    .close = port_close,
	    .ask = port_ask,
	    .command = port_command,
	    .random = port_random,
	    .report = port_report,
	    .rival = port_rival,
	    .rerouted = port_rerouted,
	};
}

void ports_save_too(struct engine_loop *p, bool save)
{
	engine_set_saving(&p->engine, save ? port_save_keys : NULL,
	    save ? port_save_samples : NULL);
}
