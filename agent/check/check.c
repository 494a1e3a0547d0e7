#include "agent/check/check.h"

#include "agent/check/box.h"
#include "agent/check/prober.h"
#include "agent/config/load.h"
#include "agent/host/clocks.h"
#include "agent/host/privileges.h"
#include "agent/launch/config_check.h"
#include "nts/aead.h"
#include "resolver/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What is left for printing when the processes have been killed. */
#define PRINT_NS (400 * NS_PER_MS)

/* The user whose rights the jobs of the agent have; the processes of a check
 * have them, too, if root starts it. Without that user it is the agent's. */
static bool become_agent(struct check *c, const struct config *config)
{
	char why[PRIVILEGES_TEXT_MAX];
	struct identity agent, id;

	if (privileges_identity(config->user, &agent, why) &&
	    (privileges_second_identity(
		 config->user_resolver, &agent, &id, why) ||
		strcmp(config->user_resolver, CONFIG_USER_RESOLVER) == 0) &&
	    privileges_drop(&id, false, why))
		return true;
	c->status = CHECK_UNKNOWN;
	snprintf(c->summary, sizeof(c->summary), "%.1000s", why);
	return false;
}

/* The agent does not start without all of its sandbox if that is required, so
 * that what its sources give says nothing. */
static bool box_allows(struct check *c, const struct config *config)
{
	char text[BOX_TEXT_MAX];

	if (box_judge(config->sandbox, text))
		return true;
	c->status = CHECK_UNKNOWN;
	snprintf(c->summary, sizeof(c->summary), "no source is tried: %.1000s",
	    text);
	return false;
}

static void note_box(const struct config *config, FILE *out)
{
	char text[BOX_TEXT_MAX];

	if (box_judge(config->sandbox, text) && text[0] != '\0')
		fprintf(out, "note: %s\n", text);
}

/* A library without any algorithm has a fault that no configuration corrects.
 */
static bool fips_leaves_some(void)
{
	enum aead_id available[AEAD_COUNT];

	return aead_fips_mode() && aead_available(available) > 0;
}

static void try_sources(
    struct check *c, const struct config *config, struct mono limit)
{
	const struct judge_limits limits = {
	    .max_distance_ns = config->steering.max_distance_ns,
	    .now_s = c->now_s,
	    .other_user = config_check_is_other_user(config),
	    .fips = fips_leaves_some(),
	};
	struct check_verdict verdict;

	if (!box_allows(c, config) || !become_agent(c, config))
		return;
	c->count = config->source_count;
	/* A caller may have ignored it: then no end could be told. */
	signal(SIGCHLD, SIG_DFL);
	prober_run(config, c->sources, mono_after(limit, -PRINT_NS));
	judge_all(c->sources, c->count, config->steering.min_sources, &limits,
	    &verdict);
	c->status = verdict.status;
	c->clock_wrong = verdict.clock_wrong;
	memcpy(c->summary, verdict.summary, sizeof(c->summary));
}

/* An error of the configuration weighs as much as a lost source; no server can
 * be asked when it was not even read. */
static void judge_config(
    struct check *c, const struct config *config, unsigned errors)
{
	const struct remarks *r = &c->remarks;

	c->status = errors > 0	      ? CHECK_CRITICAL
		    : r->warnings > 0 ? CHECK_WARNING
				      : CHECK_OK;
	if (c->status != CHECK_OK)
		snprintf(c->summary, sizeof(c->summary), "%.1000s",
		    remarks_worst(r));
	else
		snprintf(c->summary, sizeof(c->summary),
		    "the configuration has no errors, and %u source%s",
		    config->source_count, config->source_count == 1 ? "" : "s");
}

/* The worse status; the summary has the words of both. */
static void add_config(struct check *c, enum check_status of_config)
{
	size_t len = strlen(c->summary);

	if (of_config == CHECK_OK || c->remarks.count == 0)
		return;
	if (c->status != CHECK_UNKNOWN && of_config > c->status)
		c->status = of_config;
	snprintf(c->summary + len, sizeof(c->summary) - len,
	    "; configuration: %.600s", remarks_worst(&c->remarks));
}

static unsigned judge_files(struct check *c, const struct config *config)
{
	return config_check_is_other_user(config)
		   ? config_check_as_other(config, c->remarks.file)
		   : config_check_files(config, c->remarks.file);
}

/* Servers may be in order where the agent cannot set the clock. */
static void add_machine(struct check *c)
{
	for (unsigned i = 0; i < c->machine_count; i++) {
		size_t len = strlen(c->summary);

		if (c->status == CHECK_OK)
			c->status = CHECK_WARNING;
		snprintf(c->summary + len, sizeof(c->summary) - len,
		    "; this machine: %s",
		    obstacle_word(c->machine[i].obstacle));
	}
}

static void check_sources(
    struct check *c, const struct config *config, struct mono limit)
{
	const enum check_status of_config = c->status;
	const struct machine machine = machine_look(config);

	c->machine_count = machine_judge(&machine, c->machine);
	c->sources = calloc(config->source_count, sizeof(*c->sources));
	if (!c->sources) {
		c->status = CHECK_UNKNOWN;
		snprintf(c->summary, sizeof(c->summary), "out of memory");
		return;
	}
	try_sources(c, config, limit);
	add_machine(c);
	add_config(c, of_config);
}

static void check_all(struct check *c, struct config *config, struct mono limit)
{
	unsigned unread = config_load(c->config_path, config, c->remarks.file);
	unsigned errors = unread > 0 ? unread : judge_files(c, config);

	if (c->live && unread == 0)
		note_box(config, c->remarks.file);
	if (!remarks_read(&c->remarks)) {
		snprintf(c->summary, sizeof(c->summary), "out of memory");
		return;
	}
	judge_config(c, config, errors);
	if (c->live && unread == 0)
		check_sources(c, config, limit);
}

/* A file that is not there, or closed to this user, says nothing about the
 * agent. */
static bool config_is_there(struct check *c)
{
	if (access(c->config_path, R_OK) == 0)
		return true;
	snprintf(c->summary, sizeof(c->summary),
	    "the configuration cannot be read: %.300s: %s", c->config_path,
	    strerror(errno));
	return false;
}

/* A pipe gets each text in one line. */
static unsigned width_of(FILE *out)
{
	struct winsize size;
	int fd = fileno(out);

	if (fd < 0 || ioctl(fd, TIOCGWINSZ, &size) != 0)
		return 0;
	return size.ws_col;
}

static void print(
    const struct check *c, const struct check_options *options, FILE *out)
{
	if (options->json)
		check_print_json(c, out);
	else
		check_print_text(c, out);
}

/* A parent may have closed them: what is opened next would take their place. */
static void fill_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int check_run(const struct check_options *options, FILE *out)
{
	const int limit_s =
	    options->limit_s > 0 ? options->limit_s : CHECK_LIMIT_S;
	const struct mono began = mono_now();
	struct config *config = calloc(1, sizeof(*config));
	struct check c = {
	    .config_path = options->config_path,
	    .live = options->live,
	    .status = CHECK_UNKNOWN,
	    .summary = "out of memory",
	    .now_s = clocks_ns(CLOCK_REALTIME) / NS_PER_S,
	};

	fill_descriptors();
	if (config && remarks_begin(&c.remarks) && config_is_there(&c))
		check_all(&c, config, mono_after(began, limit_s * NS_PER_S));
	c.duration_ms = (mono_now().ns - began.ns) / NS_PER_MS;
	c.width = width_of(out);
	print(&c, options, out);
	remarks_end(&c.remarks);
	free(c.sources);
	free(config);
	if (fflush(out) == 0 && !ferror(out))
		return (int)c.status;
	fprintf(stderr, "ntsagentd: cannot write the output\n");
	return CHECK_UNKNOWN;
}
