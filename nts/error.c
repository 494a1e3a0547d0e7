#include "nts/error.h"

static const struct {
	const char *name, *text;
} errors[] = {
#define X(name, sentence) [name] = {#name, sentence},
    NTS_ERRORS(X)
#undef X
};

const char *nts_err_text(enum nts_err err)
{
	return (unsigned)err < NTS_ERR_COUNT ? errors[err].text
					     : "an unknown error";
}

const char *nts_err_name(enum nts_err err)
{
	return (unsigned)err < NTS_ERR_COUNT ? errors[err].name : "UNKNOWN";
}

bool nts_err_is_kiss(enum nts_err err)
{
	return err == NTP_KISS_RATE || err == NTP_KISS_DENY ||
	       err == NTP_KISS_RSTR || err == NTP_KISS_OTHER;
}
