#include "agent/config/options.h"
#include "agent/host/child.h"
#include "agent/launch/entry.h"
#include "agent/launch/launch.h"

#include <stdio.h>
#include <string.h>

static int run_task(struct options *options)
{
	switch (options->task) {
	case TASK_VERSION:
		puts("ntsagentd " NTSAGENT_VERSION);
		return 0;
	case TASK_HELP:
		fputs(options_help(), stdout);
		return 0;
	case TASK_CHECK_CONFIG:
		return launch_check_config(options->config_path);
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
