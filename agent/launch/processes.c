#include "agent/launch/processes.h"

#include <signal.h>
#include <string.h>

#define START_LINK                                                             \
	{                                                                      \
		"start link", DESCRIPTOR_LINK, false                           \
	}
#define THE_PROGRAM                                                            \
	{                                                                      \
		"program", DESCRIPTOR_FILE, false                              \
	}

static const struct process processes[PROCESS_COUNT] = {
    [PROCESS_KEEPER] =
	{
	    .name = "keeper",
	    .started_by = "the user",
	    .purpose = "sets the clock within the configured limits, and ends "
		       "each slew on time",
	    .keeps_sys_time = true,
	    .sandbox = SANDBOX_KEEPER,
	    .death = DEATH_ENDS_AGENT,
	    .main = keeper_process,
	    .descriptors =
		{
		    {"engine link", DESCRIPTOR_LINK, false},
		    {"config link", DESCRIPTOR_LINK, true},
		    {"guard's pipe", DESCRIPTOR_PIPE, false},
		    {"resolver's pipe", DESCRIPTOR_PIPE, false},
		    {"signals", DESCRIPTOR_FILE, false},
		    {"lock", DESCRIPTOR_FILE, true},
		    THE_PROGRAM,
		},
	},
    [PROCESS_GUARD] =
	{
	    .name = "guard",
	    .started_by = "keeper",
	    .purpose = "waits for the keeper's end, and ends a slew that the "
		       "keeper leaves or does not end in time",
	    .keeps_sys_time = true,
	    .ignores_ends = true,
	    .sandbox = SANDBOX_GUARD,
	    .death = DEATH_ENDS_AGENT,
	    .main = guard_process,
	    .descriptors =
		{
		    START_LINK,
		    {"guard's page", DESCRIPTOR_FILE, false},
		    {"guard's pipe", DESCRIPTOR_PIPE, false},
		},
	},
    [PROCESS_ENGINE] =
	{
	    .name = "engine",
	    .started_by = "keeper",
	    .purpose = "asks the time servers, estimates, selects, decides; "
		       "answers ntsctl",
	    .follows_with = SIGTERM,
	    .sandbox = SANDBOX_ENGINE,
	    .death = DEATH_ENDS_AGENT,
	    .main = engine_process,
	    .descriptors =
		{
		    START_LINK,
		    {"keeper link", DESCRIPTOR_LINK, false},
		    {"config link", DESCRIPTOR_LINK, true},
		    {"resolver link", DESCRIPTOR_LINK, false},
		    {"status socket", DESCRIPTOR_LISTENS, true},
		    {"control socket", DESCRIPTOR_LISTENS, true},
		    {"history file", DESCRIPTOR_FILE, true},
		    {"log link", DESCRIPTOR_LINK, true},
		},
	},
    [PROCESS_RESOLVER] =
	{
	    .name = "resolver",
	    .started_by = "keeper",
	    .purpose = "starts a job for each key exchange",
	    .second_user = true,
	    .follows_with = SIGTERM,
	    .ignores_ends = true,
	    .sandbox = SANDBOX_RESOLVER,
	    .death = DEATH_ENDS_AGENT,
	    .main = resolver_process,
	    .descriptors =
		{
		    START_LINK,
		    {"engine link", DESCRIPTOR_LINK, false},
		    THE_PROGRAM,
		    {"keeper's pipe", DESCRIPTOR_PIPE, false},
		},
	},
    [PROCESS_JOB] =
	{
	    .name = "job",
	    .started_by = "resolver",
	    .purpose = "looks up one name, connects, checks the certificate, "
		       "exchanges keys; sends one answer and ends",
	    .second_user = true,
	    .follows_with = SIGKILL,
	    .ignores_ends = true,
	    .sandbox = SANDBOX_JOB,
	    .death = DEATH_IS_REPORTED,
	    .main = job_process,
	    .descriptors = {{"resolver link", DESCRIPTOR_LINK, false}},
	},
    [PROCESS_LOADER] =
	{
	    .name = "loader",
	    .started_by = "keeper",
	    .purpose = "reads the configuration again and ends",
	    .follows_with = SIGTERM,
	    .sandbox = SANDBOX_LOADER,
	    .death = DEATH_IS_REPORTED,
	    .main = loader_process,
	    .descriptors = {{"keeper link", DESCRIPTOR_LINK, false}},
	},
    [PROCESS_LOGGER] =
	{
	    .name = "logger",
	    .started_by = "keeper",
	    .purpose = "writes the files of measurements",
	    .follows_with = SIGTERM,
	    .ignores_ends = true,
	    .sandbox = SANDBOX_LOGGER,
	    .death = DEATH_IS_REPORTED,
	    .main = logger_process,
	    .descriptors = {{"log link", DESCRIPTOR_LINK, false}},
	},
    [PROCESS_SAVER] =
	{
	    .name = "saver",
	    .started_by = "keeper",
	    .purpose = "writes the drift and the last good time and ends",
	    .follows_with = SIGTERM,
	    .sandbox = SANDBOX_SAVER,
	    .death = DEATH_IS_REPORTED,
	    .main = saver_process,
	    .descriptors = {{"keeper link", DESCRIPTOR_LINK, false}},
	},
};

const struct process *process_at(enum process_id id)
{
	return &processes[id];
}

enum process_id process_find(const char *name)
{
	unsigned i = 0;

	while (i < PROCESS_COUNT && strcmp(processes[i].name, name) != 0)
		i++;
	return (enum process_id)i;
}

unsigned process_descriptors(const struct process *p)
{
	unsigned count = 0;

	while (count < CHILD_FDS_MAX && p->descriptors[count].name)
		count++;
	return count;
}
