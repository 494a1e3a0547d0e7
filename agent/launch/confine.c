#include "agent/launch/confine.h"

#include "agent/host/memory.h"
#include "agent/host/sandbox/landlock.h"
#include "agent/host/sandbox/profiles.h"
#include "agent/host/sandbox/sandbox.h"
#include "agent/link/keeper_link.h"
#include "agent/link/log_link.h"
#include "base/log.h"
#include "resolver/certificate/trust.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static_assert((int)START_SANDBOX_OFF == (int)SANDBOX_OFF &&
		  (int)START_SANDBOX_LOG == (int)SANDBOX_LOG &&
		  (int)START_SANDBOX_ON == (int)SANDBOX_ON,
    "the levels of the start message are those of the sandbox");

static_assert((unsigned)SANDBOX_BINDS == BINDING_NEEDS_BIND &&
		  (unsigned)SANDBOX_DEVICES == BINDING_NEEDS_DEVICE &&
		  (unsigned)SANDBOX_MARKS == BINDING_NEEDS_DSCP,
    "what a binding needs is what the sandbox allows");

/* The kernel may lack parts. */
static bool judge_kernel(enum confinement wanted)
{
	char missing[SANDBOX_TEXT_MAX];

	if (sandbox_missing(missing) == 0)
		return true;
	if (wanted == CONFINEMENT_REQUIRE) {
		log_error("this kernel has no %s, and sandbox = require: not "
			  "started",
		    missing);
		return false;
	}
	log_warning(
	    "this kernel has no %s: the sandbox works without", missing);
	return true;
}

bool confine_decide(enum confinement wanted, enum sandbox_level *level)
{
	char why[SANDBOX_TEXT_MAX];

	*level = SANDBOX_OFF;
	if (wanted == CONFINEMENT_NO)
		return true;
	if (sandbox_possible(why) == SANDBOX_OFF) {
		log_line(wanted == CONFINEMENT_REQUIRE ? LOG_LEVEL_ERROR
						       : LOG_LEVEL_NOTICE,
		    "there is no sandbox: %s", why);
		return wanted != CONFINEMENT_REQUIRE;
	}
	if (wanted == CONFINEMENT_LOG) {
		log_notice("sandbox = log: nothing is denied; the kernel's log "
			   "has the calls that the sandbox would deny");
		*level = SANDBOX_LOG;
		return true;
	}
	*level = SANDBOX_ON;
	return judge_kernel(wanted);
}

bool confine_hides_files(enum sandbox_level level)
{
	return level == SANDBOX_ON && landlock_version() > 0;
}

void confine_text(enum sandbox_level level, char text[CONFINE_TEXT_MAX])
{
	static const char *const words[] = {
	    [SANDBOX_OFF] = "off",
	    [SANDBOX_LOG] = "log",
	    [SANDBOX_ON] = "on",
	};
	char missing[SANDBOX_TEXT_MAX];

	if (level == SANDBOX_ON && sandbox_missing(missing) > 0)
		snprintf(text, CONFINE_TEXT_MAX,
		    "on, but this kernel has no %s", missing);
	else
		snprintf(text, CONFINE_TEXT_MAX, "%s", words[level]);
}

static struct sandbox_request request_of(const struct process_context *c)
{
	return (struct sandbox_request){
	    .profile = c->profile,
	    .level = c->sandbox,
	    .log_target = c->log_target,
	    .program = -1,
	};
}

static bool enter(
    const struct process_context *c, const struct sandbox_request *r)
{
	char why[SANDBOX_TEXT_MAX], profile[SANDBOX_TEXT_MAX];

	profile_describe(r->profile, profile);
	if (r->level != SANDBOX_OFF)
		log_debug("sandbox: %s", profile);
	if (!sandbox_enter(r, why)) {
		log_error("%s", why);
		return false;
	}
	/* The others end soon, and need what they would give back. */
	if (c->stays)
		memory_release_start();
	return true;
}

bool confine(const struct process_context *c)
{
	const struct sandbox_request r = request_of(c);

	return enter(c, &r);
}

/* The folder of a file; "" for "". */
static const char *folder_of(const char *path, char out[FILE_PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	int len = slash ? (int)(slash - path) : 0;

	snprintf(out, FILE_PATH_MAX, "%.*s", len, path);
	/* A file in the root folder. */
	if (slash == path)
		snprintf(out, FILE_PATH_MAX, "/");
	return out;
}

bool confine_keeper(
    const struct process_context *c, const struct config *config)
{
	struct sandbox_request r = request_of(c);
	char folders[4][FILE_PATH_MAX];

	/* The saver inherits this, and at its end the keeper saves itself. */
	r.writes[0] = folder_of(config->driftfile, folders[0]);
	r.writes[1] = folder_of(config->goodtime_file, folders[1]);
	r.removes[0] = folder_of(config->status_socket, folders[2]);
	r.removes[1] = folder_of(config->pidfile, folders[3]);
	r.program = c->program;
	return enter(c, &r);
}

bool confine_engine(
    const struct process_context *c, const struct config *config)
{
	struct sandbox_request r = request_of(c);

	r.writes[0] = config->saved_keys;
	r.own_end = c->head->binds;
	return enter(c, &r);
}

bool confine_resolver(const struct process_context *c)
{
	struct sandbox_request r = request_of(c);

	r.program = c->fds[2];
	/* Its jobs inherit this. */
	r.own_end = c->head->binds;
	return enter(c, &r);
}

bool confine_saver(const struct process_context *c)
{
	struct sandbox_request r = request_of(c);
	char folders[2][FILE_PATH_MAX];
	struct save_order order;

	if (!start_peek(c->fds[0], &order, sizeof(order)) ||
	    !save_order_valid(&order)) {
		log_error("the request to start is not understood");
		return false;
	}
	r.writes[0] = folder_of(order.driftfile, folders[0]);
	r.writes[1] = folder_of(order.goodtime_file, folders[1]);
	return enter(c, &r);
}

bool confine_logger(const struct process_context *c)
{
	struct sandbox_request r = request_of(c);
	struct log_order order;

	if (!start_peek(c->fds[0], &order, sizeof(order)) ||
	    !log_order_valid(&order)) {
		log_error("the request to start is not understood");
		return false;
	}
	r.writes[0] = order.folder;
	return enter(c, &r);
}

bool confine_job(void *self, const struct ke_request *request,
    const struct trust_config *trust)
{
	const struct process_context *c = self;
	struct sandbox_request r = request_of(c);
	const char *paths[TRUST_READ_PATHS_MAX];

	/* Links may lead from the system's certificates to any folder. */
	r.read_count = trust_read_paths(trust, paths);
	r.reads = paths;
	r.ke_port = request->ke_port;
	r.any_tcp_port = request->srv != 0;
	r.own_end = binding_needs(&request->binding);
	return enter(c, &r);
}
