#include "agent/saved/last_good_time.h"

#include "agent/saved/sealed_text.h"
#include "base/log.h"
#include "resolver/certificate/certificate.h"

#include <errno.h>
#include <string.h>

int64_t earliest_time_find(
    const struct config *config, const struct seal_key *key)
{
	const struct sealed_text text = {key, GOOD_TIME_KIND};
	const struct file_seal seal = sealed_text_of(&text);
	const char *path = config->goodtime_file;
	int64_t good_s = 0;
	int err = path[0] ? last_good_time_load(path, &seal, &good_s) : 0;

	if (err == -EINVAL)
		log_warning("%s does not hold a time: not used", path);
	else if (sealed_text_refused(err))
		log_line(err == -ENOKEY ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
		    "%s %s: not used", path, sealed_text_error(err));
	else if (err && err != -ENOENT)
		log_warning("cannot read %s: %s", path, strerror(-err));
	if (err || good_s < TIME_WRITTEN_S)
		good_s = TIME_WRITTEN_S;
	return good_s * NS_PER_S;
}

void earliest_time_check(
    const struct config *config, int64_t earliest_ns, struct wall now)
{
	char date[CERTIFICATE_DATE_MAX], known[CERTIFICATE_DATE_MAX];
	bool by_file = earliest_ns > TIME_WRITTEN_S * NS_PER_S;

	if (now.ns >= earliest_ns - EARLIEST_SLACK_NS)
		return;
	certificate_date(now.ns / NS_PER_S, date);
	certificate_date(earliest_ns / NS_PER_S, known);
	if (by_file)
		log_warning("the clock is wrong: it says %s, but %s says that "
			    "%s has passed (if that is wrong, remove the file "
			    "and restart the agent)",
		    date, config->goodtime_file, known);
	else
		log_warning("the clock is wrong: it says %s, but %s has passed",
		    date, known);
}
