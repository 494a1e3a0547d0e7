/*
 * The other end of a status: ntsctl's own parser and reports. Include after
 * cmocka.h. Tests that include this link the rooms of ntsctl, too.
 */
#ifndef TESTS_UNIT_AGENT_QUERY_SHOWN_H
#define TESTS_UNIT_AGENT_QUERY_SHOWN_H

#include "agent/ctl/report/report.h"
#include "agent/ctl/snapshot/snapshot.h"

#include <stdlib.h>
#include <string.h>

/* Parses a status and frees its text. The caller calls snapshot_free. */
static inline struct snapshot snapshot_of_status(char *json)
{
	char why[SNAPSHOT_ERROR_MAX] = "";
	struct snapshot s;

	assert_non_null(json);
	if (!snapshot_parse(&s, json, strlen(json), why))
		fail_msg("ntsctl does not take it: %s: %s", why, json);
	free(json);
	return s;
}

/* Every report as an administrator sees it, one below the other. The caller
 * frees the text. */
static inline char *reports_of(const struct snapshot *s)
{
	static const struct {
		const char *name;
		report_fn *report;
	} reports[] = {
	    {"status", report_status},
	    {"sources -v", report_sources},
	    {"sourcestats", report_sourcestats},
	    {"tracking", report_tracking},
	    {"authdata", report_authdata},
	    {"activity", report_activity},
	};
	struct view v = {.verbose = true, .width = 80};
	char *text = NULL;
	size_t size;

	v.out = open_memstream(&text, &size);
	assert_non_null(v.out);
	for (size_t i = 0; i < ARRAY_LEN(reports); i++) {
		v.verbose = reports[i].report == report_sources;
		fprintf(v.out, "$ ntsctl %s\n", reports[i].name);
		(void)reports[i].report(s, &v);
	}
	fclose(v.out);
	return text;
}

#endif
