/* The state of a process of the engine that does not run: its parts can be
 * called one by one. Include after cmocka.h. */
#ifndef TESTS_UNIT_AGENT_LOOP_PROCESS_H
#define TESTS_UNIT_AGENT_LOOP_PROCESS_H

#include "agent/engine/engine.h"
#include "agent/loop/ports.h"
#include "agent/loop/state.h"
#include "tests/unit/agent/saved/test_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct process {
	struct config config;
	struct run_options options;
	struct engine_links links;
	/* The other ends of links.keeper_fd, resolver_fd, config_fd. */
	int keeper, resolver, reload;
	struct engine_loop *loop;
};

static inline void process_pair(int *ours, int *theirs)
{
	int fds[2];

	assert_int_equal(
	    socketpair(
		AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
	    0);
	*ours = fds[0];
	*theirs = fds[1];
}

/* Sources "0", "1", ... of the host 127.0.0.1. `keeper` as in --single-process,
 * or NULL: then there are links. */
static inline struct process *process_new(
    unsigned sources, struct keeper *keeper)
{
	struct process *t = calloc(1, sizeof(*t));
	struct engine_loop *p = calloc(1, sizeof(*p));
	struct engine_ports ports;

	assert_true(t && p);
	config_defaults(&t->config);
	t->config.saved_keys[0] = '\0';
	t->config.source_count = sources;
	for (unsigned i = 0; i < sources; i++) {
		struct source_config *s = &t->config.sources[i];

		config_source_defaults(s);
		s->name[0] = (char)('0' + i);
		snprintf(s->host, sizeof(s->host), "127.0.0.1");
	}
	t->links.keeper = keeper;
	t->links.keeper_fd = t->links.resolver_fd = t->links.config_fd = -1;
	t->links.log_fd = -1;
	t->keeper = t->resolver = t->reload = -1;
	if (!keeper) {
		process_pair(&t->keeper, &t->links.keeper_fd);
		process_pair(&t->resolver, &t->links.resolver_fd);
		process_pair(&t->reload, &t->links.config_fd);
	}
	t->links.start.freq_sd_ppm = 100;
	t->links.seal = test_key;
	p->links = &t->links;
	p->config = &t->config;
	p->keyring.folder.fd = -1;
	t->links.start.clock.at = loop_now(p).wall;
	udp_init(&p->udp);
	resolver_link_init(&p->resolver, t->links.resolver_fd);
	control_socket_init(&p->control, -1, false);
	changes_init(&p->changes, loop_now(p).mono);
	ports = ports_of(p);
	assert_true(engine_init(&p->engine, &t->config, &t->options,
	    &t->links.start, &ports, loop_now(p)));
	t->loop = p;
	return t;
}

static inline void process_free(struct process *t)
{
	const int fds[] = {t->keeper, t->resolver, t->reload,
	    t->links.keeper_fd, t->links.resolver_fd, t->links.config_fd};
	struct engine_loop *p = t->loop;

	engine_free(&p->engine, loop_now(p));
	keyring_close(&p->keyring);
	changes_close(&p->changes);
	udp_end(&p->udp);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(p->own_config);
	free(p);
	free(t);
}

#endif
