#include "agent/loop/ports.h"

#include "agent/engine/engine.h"
#include "agent/engine/saving.h"
#include "agent/loop/single_process.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Between two changes of the network, all requests to an address leave from the
 * same one. */
static bool from_is_known(
    const struct engine_loop *p, unsigned slot, const struct endpoint *to)
{
	return p->from[slot].family != 0 &&
	       endpoint_same_host(&p->from_to[slot], to);
}

static void note_from(
    struct engine_loop *p, unsigned slot, const struct endpoint *to)
{
	p->from_to[slot] = *to;
	if (!udp_local(&p->udp, slot, &p->from[slot]))
		p->from[slot] = (struct endpoint){0};
}

static int port_send(void *self, unsigned slot, const struct endpoint *to,
    const uint8_t *bytes, size_t len)
{
	struct engine_loop *p = self;
	int err;

	udp_bind(&p->udp, slot, &p->engine.sources[slot].config->binding);
	err = udp_send(&p->udp, slot, to, bytes, len);

	/* For port_rerouted, which a simulator does not need. */
	if (!p->links->keeper && !from_is_known(p, slot, to))
		note_from(p, slot, to);
	return err;
}

static bool port_rerouted(void *self, unsigned slot, const struct endpoint *to)
{
	struct engine_loop *p = self;
	struct endpoint before = p->from[slot], now;

	p->from[slot] = (struct endpoint){0};
	udp_bind(&p->udp, slot, &p->engine.sources[slot].config->binding);
	if (!udp_route(&p->udp, slot, to, &now))
		return false;
	p->from[slot] = now;
	p->from_to[slot] = *to;
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

/* NTS is not safe on a kernel without randomness. */
static void fetch_random(void *out, size_t len)
{
	if (getrandom(out, len, 0) != (ssize_t)len)
		abort();
}

/* Every event takes a few bytes to spread its waits: they come from a pool.
 * What is longer becomes a part of a request, and comes from the kernel. */
static void port_random(void *self, void *out, size_t len)
{
	struct engine_loop *p = self;

	if (len > sizeof(uint64_t)) {
		fetch_random(out, len);
		return;
	}
	if (p->random_left < len) {
		fetch_random(p->random, sizeof(p->random));
		p->random_left = sizeof(p->random);
	}
	p->random_left -= (unsigned)len;
	memcpy(out, p->random + p->random_left, len);
}

bool ports_have_random(void)
{
	unsigned char byte;

	if (getrandom(&byte, 1, 0) == 1)
		return true;
	log_error("the kernel gives no random numbers (getrandom: %s), and "
		  "without them no request is safe: is it older than 3.17, or "
		  "does a sandbox forbid the call?",
	    strerror(errno));
	return false;
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
	engine_saving_result(&p->engine, UNSAVED_KEYS, p->keyring.trouble);
}

static void port_mark_crash(void *self, bool marked)
{
	struct engine_loop *p = self;

	keyring_mark_crash(&p->keyring, marked);
	engine_saving_result(&p->engine, UNSAVED_KEYS, p->keyring.trouble);
}

static void port_save_samples(void *self)
{
	struct engine_loop *p = self;

	sample_file_save(&p->samples, &p->engine);
	engine_saving_result(&p->engine, UNSAVED_SAMPLES, p->samples.trouble);
	history_file_save(&p->history, loop_now(p));
	engine_saving_result(&p->engine, UNSAVED_HISTORY, p->history.trouble);
}

static void note_logger_gone(struct engine_loop *p)
{
	if (!p->log_gone)
		log_warning("the logger is gone: the files of measurements are "
			    "written again after a restart of the agent");
	p->log_gone = true;
}

void ports_hear_logger(struct engine_loop *p)
{
	char text[SAVED_TROUBLE_MAX] = "";
	int32_t error;
	int n = log_hear(p->links->log_fd, &error);

	if (n < 0)
		note_logger_gone(p);
	if (n <= 0)
		return;
	if (error)
		snprintf(text, sizeof(text), "cannot write into %s: %s",
		    p->engine.config->log_folder, saved_error(-error));
	engine_saving_result(&p->engine, UNSAVED_LOGS, text);
}

/* One line when the logger falls behind or is gone, not one for each record. */
static bool port_log(void *self, const struct log_record *r)
{
	struct engine_loop *p = self;
	int sent = p->log_gone ? -1 : log_send(p->links->log_fd, r);

	if (sent < 0)
		note_logger_gone(p);
	if (sent == 0 && !p->log_behind)
		log_warning("the logger is behind, perhaps because of a slow "
			    "disk: lines of the files of measurements are "
			    "lost");
	p->log_behind = sent == 0;
	return sent == 1;
}

void ports_log_too(struct engine_loop *p)
{
	if (p->links->log_fd >= 0)
		engine_set_log(&p->engine, port_log);
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
	    .mark_crash = port_mark_crash,
	};
}

void ports_save_too(struct engine_loop *p, bool save)
{
	engine_set_saving(&p->engine, save ? port_save_keys : NULL,
	    save ? port_save_samples : NULL);
}

void ports_open_keyring(struct engine_loop *p)
{
	const char *launcher = p->links->not_saved;

	keyring_open(&p->keyring, p->config, &p->links->seal);
	engine_saving_result(&p->engine, UNSAVED_FOLDER,
	    launcher && launcher[0] ? launcher : p->keyring.trouble);
}
