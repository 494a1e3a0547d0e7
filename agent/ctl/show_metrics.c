#include "agent/ctl/show_metrics.h"

#include "agent/ctl/fetch.h"
#include "agent/ctl/metrics/metrics.h"

#include <string.h>

static bool find_format(const char *name, enum exposition *out)
{
	static const char *const names[] = {
	    [EXPOSITION_OPENMETRICS] = "openmetrics",
	    [EXPOSITION_PROMETHEUS] = "prometheus",
	};

	*out = EXPOSITION_OPENMETRICS;
	if (!name)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		*out = (enum exposition)i;
		return true;
	}
	return false;
}

enum exit_status show_metrics(const char *socket, const char *format, FILE *out,
    char why[static CONNECT_ERROR_MAX])
{
	enum exposition form;
	struct snapshot s;

	if (!find_format(format, &form)) {
		snprintf(why, CONNECT_ERROR_MAX,
		    "metrics: the format is openmetrics or prometheus, not "
		    "'%.40s'",
		    format);
		return EXIT_USAGE;
	}
	if (!snapshot_fetch(socket, &s, why)) {
		metrics_put(out, form, NULL);
		return EXIT_NO_STATUS;
	}
	metrics_put(out, form, &s);
	snapshot_free(&s);
	return EXIT_OK;
}
