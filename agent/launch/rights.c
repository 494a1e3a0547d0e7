#include "agent/launch/rights.h"

#include "agent/host/privileges.h"

#include <stdio.h>
#include <unistd.h>

struct rights rights_read(void)
{
	return (struct rights){
	    .root = geteuid() == 0,
	    .sys_time = privileges_have_sys_time(),
	};
}

bool rights_of_a_demo(struct rights rights)
{
	return !rights.root && !rights.sys_time;
}

static bool refuse(char why[RIGHTS_TEXT_MAX], const char *text)
{
	snprintf(why, RIGHTS_TEXT_MAX, "%s", text);
	return false;
}

bool rights_decide(
    struct rights rights, struct run_options *run, char why[RIGHTS_TEXT_MAX])
{
	why[0] = '\0';
	if (run->single_process && rights.root && !run->no_clock &&
	    !run->foreground)
		return refuse(why,
		    "--single-process is for tests and simulation: as root it "
		    "needs --no-clock, or --foreground to set the real clock");
	/* A simulated root has no capabilities: the kernel decides. */
	if (run->no_clock || rights.sys_time ||
	    (rights.root && run->single_process))
		return true;
	if (rights.root)
		return refuse(why,
		    "the clock cannot be set, CAP_SYS_TIME is missing (a "
		    "container?): give the capability or measure only with "
		    "--no-clock");
	if (run->once)
		return refuse(why,
		    "the clock cannot be set: not started as root and without "
		    "CAP_SYS_TIME");
	run->no_clock = true;
	run->no_clock_reason = "not started as root and without CAP_SYS_TIME";
	return true;
}
