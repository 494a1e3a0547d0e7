/*
 * The exit statuses of ntsagentd(8), one row for each mode and status. --help
 * prints the table; the manual page has the same rows, and tests/exits runs
 * each of them.
 */
#ifndef AGENT_CONFIG_EXIT_STATUS_H
#define AGENT_CONFIG_EXIT_STATUS_H

enum exit_status {
	EXIT_WORK_DONE = 0,
	EXIT_FAILED = 1,
	/* Another start would fail in the same way: the service manager does
	 * not try one. */
	EXIT_UNUSABLE = 2,
	/* --check has the statuses of a plugin for Nagios. */
	EXIT_CANNOT_TELL = 3,
};

/* mode, status, when */
/* clang-format off */
#define EXIT_STATUSES(X) \
	X("all",            EXIT_UNUSABLE,  "an unknown option, or an option without its value") \
	X("-h, -V",         EXIT_WORK_DONE, "the text is printed") \
	X("-h, -V",         EXIT_FAILED,    "the text cannot be written") \
	X("--check-config", EXIT_WORK_DONE, "the configuration has no error") \
	X("--check-config", EXIT_FAILED,    "the configuration has an error") \
	X("--check",        EXIT_WORK_DONE, "all is good") \
	X("--check",        EXIT_FAILED,    "there is a warning, or a source that cannot be used") \
	X("--check",        EXIT_UNUSABLE,  "no time can come, or the configuration has an error") \
	X("--check",        EXIT_CANNOT_TELL, "the check cannot be made") \
	X("none",           EXIT_WORK_DONE, "the agent has started in the background") \
	X("none",           EXIT_FAILED,    "it has not started") \
	X("none",           EXIT_UNUSABLE,  "the configuration has an error") \
	X("-n",             EXIT_WORK_DONE, "SIGTERM or SIGINT ended the agent") \
	X("-n",             EXIT_FAILED,    "the agent cannot start or go on") \
	X("-n",             EXIT_UNUSABLE,  "the configuration has an error") \
	X("-q",             EXIT_WORK_DONE, "the clock is set; with -x, it was measured") \
	X("-q",             EXIT_FAILED,    "it is not: -t is over, a signal, an error") \
	X("-q",             EXIT_UNUSABLE,  "the configuration has an error") \
	X("--max-bound",    EXIT_WORK_DONE, "a majority agrees within the bound") \
	X("--max-bound",    EXIT_FAILED,    "it does not: -t is over, a signal, an error") \
	X("--max-bound",    EXIT_UNUSABLE,  "the configuration has an error") \
	X("-Q",             EXIT_WORK_DONE, "the offset is printed") \
	X("-Q",             EXIT_FAILED,    "it is not: -t is over, a signal, an error") \
	X("-Q",             EXIT_UNUSABLE,  "the configuration has an error")
/* clang-format on */

#endif
