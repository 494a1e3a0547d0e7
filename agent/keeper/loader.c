#include "agent/keeper/loader.h"

#include "agent/config/load.h"
#include "agent/link/start_link.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Cuts the end of the last line, and a line that did not fit behind it. */
static void cut_to_lines(char *text)
{
	char *end = strrchr(text, '\n');

	if (end)
		*end = '\0';
}

/* The agent may have read the file as root when it started. */
static void explain_access(const char *path, char text[RELOAD_TEXT_MAX])
{
	size_t len = strlen(text);

	if (access(path, R_OK) != 0 && errno == EACCES)
		snprintf(text + len, RELOAD_TEXT_MAX - len,
		    "%sthe user that the agent runs as has to be able to read "
		    "it: sudo ntsagentd --check-config has the command",
		    len > 0 ? "\n" : "");
}

void loader_read(
    const char *path, const struct config *base, struct reload_result *out)
{
	FILE *errors;

	*out = (struct reload_result){.ok = 0};
	errors = fmemopen(out->text, sizeof(out->text), "w");
	if (!errors) {
		snprintf(out->text, sizeof(out->text), "out of memory");
		return;
	}
	if (base)
		out->ok =
		    config_load_sources(path, base, &out->config, errors) == 0;
	else
		out->ok = config_load_for_log(path, &out->config, errors) == 0;
	fclose(errors);
	out->text[sizeof(out->text) - 1] = '\0';
	cut_to_lines(out->text);
	if (!out->ok)
		explain_access(path, out->text);
}

void loader_judge_access(const struct config *old, struct reload_result *out)
{
	for (unsigned i = 0; out->ok && i < old->source_count; i++) {
		const struct source_config *s = &old->sources[i];

		if (!s->dropped || access(s->file, R_OK) == 0 ||
		    errno != EACCES)
			continue;
		out->ok = 0;
		snprintf(out->text, sizeof(out->text),
		    "%s has sources that are in use, and the user that the "
		    "agent runs as cannot read it: chmod 644",
		    s->file);
	}
}

/* clang-format off */
#define FIXED(field, is_text, what) \
	{what, offsetof(struct config, field), \
	    sizeof(((struct config *)0)->field), is_text}
static const struct fixed {
	const char *what;
	size_t offset, size;
	bool is_text;
} fixed[] = {
	FIXED(user,          true,  "user in [agent]"),
	FIXED(user_resolver, true,  "user-resolver in [agent]"),
	FIXED(status_socket, true,  "status-socket in [agent]"),
	FIXED(pidfile,       true,  "pidfile in [agent]"),
	FIXED(sandbox,       false, "sandbox in [agent]"),
	FIXED(saved_keys,    true,  "saved-keys in [nts]"),
	FIXED(driftfile,     true,  "driftfile in [clock]"),
	FIXED(goodtime_file, true,  "last-good-time in [clock]"),
	FIXED(leap_table,    true,  "leapseclist in [clock]"),
	FIXED(leap_zone,     true,  "leapsectz in [clock]"),
	FIXED(log_target,    false, "target in [log]"),
	FIXED(log_measurements, false, "measurements in [log]"),
	FIXED(log_statistics, false, "statistics in [log]"),
	FIXED(log_tracking,  false, "tracking in [log]"),
	FIXED(log_folder,    true,  "log-dir in [log]"),
	FIXED(log_banner,    false, "logbanner in [log]"),
};
/* clang-format on */

/* The bytes behind the end of a text do not count. */
static bool same(const struct fixed *f, const char *a, const char *b)
{
	return f->is_text ? strncmp(a, b, f->size) == 0
			  : memcmp(a, b, f->size) == 0;
}

void loader_keep(
    const struct config *old, struct config *fresh, char text[RELOAD_TEXT_MAX])
{
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		const char *was = (const char *)old + fixed[i].offset;
		char *becomes = (char *)fresh + fixed[i].offset;
		size_t len = strlen(text);

		if (same(&fixed[i], was, becomes))
			continue;
		memcpy(becomes, was, fixed[i].size);
		snprintf(text + len, RELOAD_TEXT_MAX - len,
		    "%s%s has changed: that needs a restart",
		    len > 0 ? "\n" : "", fixed[i].what);
	}
}

/* The loader. */

int loader_main(int fd)
{
	struct reload_result *result = calloc(1, sizeof(*result));
	struct load_order *order = calloc(1, sizeof(*order));
	int sent = -1;

	if (result && order && start_receive(fd, order, sizeof(*order)) &&
	    load_order_valid(order)) {
		loader_read(order->path,
		    order->only_dropped ? &order->base : NULL, result);
		loader_judge_access(&order->base, result);
		result->serial = order->serial;
		sent = reload_send_result(fd, result);
	}
	free(order);
	free(result);
	return sent == 1 ? 0 : 1;
}

/* 0, or -errno. */
static int send_order(const struct loader *r, const struct config *base, int fd)
{
	struct load_order *order = calloc(1, sizeof(*order));
	bool sent;

	if (!order)
		return -ENOMEM;
	order->serial = r->serial;
	order->only_dropped = base != NULL;
	if (base || r->in_force)
		order->base = base ? *base : *r->in_force;
	snprintf(order->path, sizeof(order->path), "%s", r->path);
	sent = start_send(fd, order, sizeof(*order));
	free(order);
	return sent ? 0 : -EPIPE;
}

int loader_start(struct loader *r, uint32_t serial, const struct config *base,
    struct mono now)
{
	int link[2], err;

	if (r->loader_fd >= 0)
		return -EBUSY;
	err = child_link(link);
	if (err)
		return err;
	r->serial = serial;
	err = r->starter->start(r->starter->self, "loader", link, &r->loader);
	close(link[1]);
	if (err) {
		close(link[0]);
		return err;
	}
	r->loader_fd = link[0];
	r->give_up = mono_after(now, RELOAD_TIMEOUT_NS);
	err = send_order(r, base, link[0]);
	if (err)
		loader_stop(r);
	return err;
}

void loader_stop(struct loader *r)
{
	int status;

	if (r->loader_fd < 0)
		return;
	kill(r->loader.pid, SIGKILL);
	while (waitpid(r->loader.pid, &status, 0) < 0 && errno == EINTR)
		continue;
	close(r->loader_fd);
	r->loader_fd = -1;
}

static void failed(
    const struct loader *r, const char *why, struct reload_result *out)
{
	*out = (struct reload_result){.serial = r->serial};
	snprintf(out->text, sizeof(out->text), "%s", why);
}

/* The sandboxes of the processes that run cannot be widened. */
static void judge_binds(const struct loader *r, struct reload_result *out)
{
	static const struct {
		unsigned need;
		const char *keys;
	} rows[] = {
	    {BINDING_NEEDS_BIND, "bind-address or source-port"},
	    {BINDING_NEEDS_DEVICE, "bind-device"},
	    {BINDING_NEEDS_DSCP, "dscp"},
	};
	unsigned lacks = config_binds(&out->config) & ~r->binds;
	char why[128];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if ((lacks & rows[i].need) == 0)
			continue;
		snprintf(why, sizeof(why),
		    "%s was not configured at the start, so the sandbox does "
		    "not allow it: that needs a restart",
		    rows[i].keys);
		failed(r, why, out);
		return;
	}
}

bool loader_collect(
    struct loader *r, struct mono now, struct reload_result *out)
{
	int got;

	if (r->loader_fd < 0)
		return false;
	got = reload_receive_result(r->loader_fd, out);
	if (got == 0 && !mono_due(r->give_up, now))
		return false;
	if (got == 0)
		failed(r, "reading the configuration takes too long", out);
	if (got < 0)
		failed(r, "the process that reads the configuration has failed",
		    out);
	if (got > 0 && out->ok)
		judge_binds(r, out);
	out->serial = r->serial;
	loader_stop(r);
	return true;
}

struct mono loader_deadline(const struct loader *r)
{
	return r->loader_fd >= 0 ? r->give_up : MONO_NEVER;
}
