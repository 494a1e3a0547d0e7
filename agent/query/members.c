#include "agent/query/members.h"

#include <math.h>

static void put(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

void member_flag(json_t *o, const char *key, bool value)
{
	put(o, key, json_boolean(value));
}

void member_int(json_t *o, const char *key, int64_t value)
{
	put(o, key, json_integer(value));
}

void member_real(json_t *o, const char *key, double value)
{
	put(o, key, isfinite(value) ? json_real(value) : json_null());
}

void member_text(json_t *o, const char *key, const char *text)
{
	json_t *value = json_string(text);

	put(o, key, value ? value : json_string("?"));
}

void member_flag_if(json_t *o, const char *key, bool known, bool value)
{
	if (known)
		member_flag(o, key, value);
	else
		put(o, key, json_null());
}

void member_int_if(json_t *o, const char *key, bool known, int64_t value)
{
	if (known)
		member_int(o, key, value);
	else
		put(o, key, json_null());
}

void member_real_if(json_t *o, const char *key, bool known, double value)
{
	if (known)
		member_real(o, key, value);
	else
		put(o, key, json_null());
}

void member_text_if(json_t *o, const char *key, bool known, const char *text)
{
	if (known)
		member_text(o, key, text);
	else
		put(o, key, json_null());
}

void member_offset_if(
    json_t *o, const char *key, bool known, int64_t slow_by_ns)
{
	bool negatable = slow_by_ns > INT64_MIN;

	member_int_if(o, key, known, negatable ? -slow_by_ns : INT64_MAX);
}

void member_frequency_if(
    json_t *o, const char *key, bool known, double slow_by_ppm)
{
	/* Not -slow_by_ppm, which makes a zero negative. */
	member_real_if(o, key, known, 0 - slow_by_ppm);
}
