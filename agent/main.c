#include "agent/check/check.h"
#include "agent/config/exit_status.h"
#include "agent/config/options.h"
#include "agent/host/child.h"
#include "agent/launch/entry.h"
#include "agent/launch/launch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int check(const struct options *options)
{
	const struct check_options check = {
	    .config_path = options->config_path,
	    .live = options->live,
	    .json = options->json,
	    .limit_s = options->run.timeout_s,
	};

	return check_run(&check, stdout);
}

/* Output that was cut by a full disk must not end with the status of success.
 */
static int finish_output(int status, int status_failed)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "ntsagentd: cannot write the output%s%s\n",
	    errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
	return status_failed;
}

static int run_task(struct options *options)
{
	switch (options->task) {
	case TASK_VERSION:
		launch_print_version(stdout);
		return finish_output(0, EXIT_FAILED);
	case TASK_HELP:
		options_print_help(stdout);
		return finish_output(0, EXIT_FAILED);
	case TASK_CHECK_CONFIG:
		return finish_output(
		    launch_check_config(options->config_path), EXIT_FAILED);
	case TASK_CHECK:
		return finish_output(check(options), EXIT_CANNOT_TELL);
	case TASK_RUN:
		break;
	}
	return launch(options);
}

int main(int argc, char *argv[])
{
	const size_t hidden = strlen(CHILD_OPTION);
	char error[OPTIONS_TEXT_MAX];
	struct options options;

	if (argc == 2 && strncmp(argv[1], CHILD_OPTION, hidden) == 0)
		return entry_run(argv[1] + hidden);
	if (options_parse(&options, argc, argv, error))
		return run_task(&options);
	fprintf(stderr, "ntsagentd: %s\n", error);
	return EXIT_UNUSABLE;
}
