#include "agent/check/check.h"
#include "agent/config/exit_status.h"
#include "agent/config/options.h"
#include "agent/host/child.h"
#include "agent/launch/entry.h"
#include "agent/launch/launch.h"

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

static int run_task(struct options *options)
{
	switch (options->task) {
	case TASK_VERSION:
		launch_print_version(stdout);
		return 0;
	case TASK_HELP:
		options_print_help(stdout);
		return 0;
	case TASK_CHECK_CONFIG:
		return launch_check_config(options->config_path);
	case TASK_CHECK:
		return check(options);
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
