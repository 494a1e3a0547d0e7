#include "nts/error.h"

static const char *const sentences[] = {
#define X(name, sentence) [name] = (sentence),
    NTS_ERRORS(X)
#undef X
};

const char *nts_err_text(enum nts_err err)
{
	return (unsigned)err < NTS_ERR_COUNT ? sentences[err]
					     : "an unknown error";
}

bool nts_err_is_kiss(enum nts_err err)
{
	return err == NTP_KISS_RATE || err == NTP_KISS_DENY ||
	       err == NTP_KISS_RSTR || err == NTP_KISS_OTHER;
}
