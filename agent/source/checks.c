#include "agent/source/checks.h"

#include <stddef.h>

struct check_facts check_facts(enum answer_check check)
{
	static const struct check_facts all[] = {
#define X(id, name, result, error, where, text)                                \
	[id] = {name, result, error, where, text},
	    ANSWER_CHECKS(X)
#undef X
	};
	struct check_facts facts = all[check];

	if (!facts.text)
		facts.text = nts_err_text(facts.error);
	return facts;
}

enum answer_check check_of_error(enum nts_err error)
{
	unsigned check = 0;

	while (check < ANSWER_CHECK_COUNT &&
	       (error == NTS_OK ||
		   check_facts((enum answer_check)check).error != error))
		check++;
	return (enum answer_check)check;
}
