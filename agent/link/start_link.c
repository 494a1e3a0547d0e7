#include "agent/link/start_link.h"

#include "agent/link/config_judge.h"
#include "agent/link/keeper_link.h"
#include "resolver/frame.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct start_head start_head_of(uint32_t process)
{
	struct start_head h = {.process = process};

	snprintf(h.version, sizeof(h.version), "%s", NTSAGENT_VERSION);
	return h;
}

bool start_head_is_ours(const struct start_head *h)
{
	return strncmp(h->version, NTSAGENT_VERSION, sizeof(h->version)) == 0;
}

bool start_head_valid(const struct start_head *h)
{
	return start_head_is_ours(h) && h->parent > 0 && h->change_user <= 1 &&
	       h->no_clock <= 1 && h->log_target <= LOG_TO_SYSLOG &&
	       h->log_level >= LOG_LEVEL_ERROR &&
	       h->log_level <= LOG_LEVEL_DEBUG &&
	       h->sandbox <= START_SANDBOX_ON && h->binds <= BINDING_NEEDS_ALL;
}

static bool options_valid(const struct start_engine *s)
{
	return s->timeout_s >= 0 && s->max_bound_ns >= 0 && s->once <= 1 &&
	       s->print_only <= 1 && s->no_clock <= 1 && s->own_orders <= 1 &&
	       memchr(s->no_clock_reason, '\0', sizeof(s->no_clock_reason)) &&
	       memchr(s->not_saved, '\0', sizeof(s->not_saved));
}

bool start_engine_valid(const struct start_engine *s)
{
	return s->clock.at.ns >= 0 && s->clock.step_ns == 0 &&
	       freq_possible(s->clock.freq_ppm) && s->earliest_ns >= 0 &&
	       freq_possible(s->freq_ppm) && freq_possible(s->freq_sd_ppm) &&
	       s->freq_sd_ppm >= 0 && options_valid(s) &&
	       seal_key_valid(&s->seal) && config_valid(&s->config);
}

void start_put_options(struct start_engine *s, const struct run_options *run)
{
	s->timeout_s = run->timeout_s;
	s->max_bound_ns = run->max_bound_ns;
	s->once = run->once;
	s->print_only = run->print_only;
	s->no_clock = run->no_clock;
	snprintf(s->no_clock_reason, sizeof(s->no_clock_reason), "%s",
	    run->no_clock_reason ? run->no_clock_reason : "");
}

struct run_options start_options_of(const struct start_engine *s)
{
	return (struct run_options){
	    .no_clock = s->no_clock != 0,
	    .no_clock_reason = s->no_clock ? s->no_clock_reason : NULL,
	    .once = s->once != 0,
	    .print_only = s->print_only != 0,
	    .timeout_s = s->timeout_s,
	    .max_bound_ns = s->max_bound_ns,
	};
}

bool start_send(int fd, const void *message, size_t len)
{
	return frame_send(fd, message, len) == 1;
}

bool start_receive(int fd, void *out, size_t len)
{
	return frame_await(fd, out, len);
}

bool start_peek(int fd, void *out, size_t len)
{
	ssize_t got;

	do
		got = recv(fd, out, len, MSG_PEEK | MSG_TRUNC);
	while (got < 0 && errno == EINTR);
	return got == (ssize_t)len;
}
