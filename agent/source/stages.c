#include "agent/source/stages.h"

/* clang-format off */
static const struct source_rule rules[SOURCE_STAGE_COUNT][SOURCE_EVENT_COUNT] = {
[STAGE_START] = {
	[EVENT_DUE]          = {STAGE_KEYING,   ACTION_KEYS,    true},
	[EVENT_SAVED]        = {STAGE_POLLING,  ACTION_NOTHING, true},
	[EVENT_OFFLINE]      = {STAGE_OFFLINE,  ACTION_NOTHING, true},
},
[STAGE_KEYING] = {
	[EVENT_DUE]          = {STAGE_KEYING,   ACTION_KEYS,    true},
	[EVENT_KEYS]         = {STAGE_POLLING,  ACTION_NOTHING, true},
	[EVENT_KEYS_FAILED]  = {STAGE_RESTING,  ACTION_NOTHING, true},
	[EVENT_DATES_FAILED] = {STAGE_UNDATED_KEYING, ACTION_KEYS, true},
	[EVENT_OFFLINE]      = {STAGE_OFFLINE,  ACTION_NOTHING, true},
},
[STAGE_POLLING] = {
	[EVENT_DUE]          = {STAGE_POLLING,  ACTION_SEND,    true},
	/* RFC 8915 5.7/17: requests go on meanwhile. */
	[EVENT_NEED_KEYS]    = {STAGE_REKEYING, ACTION_KEYS,    true},
	[EVENT_NO_COOKIE]    = {STAGE_RESTING,  ACTION_NOTHING, true},
	[EVENT_DENIED]       = {STAGE_RESTING,  ACTION_CLOSE,   true},
	[EVENT_UNTRUSTED]    = {STAGE_RESTING,  ACTION_CLOSE,   true},
	[EVENT_RECHECK]      = {STAGE_KEYING,   ACTION_KEYS,    true},
	[EVENT_OFFLINE]      = {STAGE_OFFLINE_KEYED, ACTION_CLOSE, true},
},
[STAGE_REKEYING] = {
	[EVENT_DUE]          = {STAGE_REKEYING, ACTION_SEND,    true},
	[EVENT_KEYS]         = {STAGE_POLLING,  ACTION_NOTHING, true},
	[EVENT_KEYS_FAILED]  = {STAGE_POLLING,  ACTION_NOTHING, true},
	[EVENT_NO_COOKIE]    = {STAGE_KEYING,   ACTION_NOTHING, true},
	[EVENT_DENIED]       = {STAGE_RESTING,  ACTION_CLOSE,   true},
	[EVENT_UNTRUSTED]    = {STAGE_RESTING,  ACTION_CLOSE,   true},
	[EVENT_RECHECK]      = {STAGE_KEYING,   ACTION_KEYS,    true},
	[EVENT_OFFLINE]      = {STAGE_OFFLINE_KEYED, ACTION_CLOSE, true},
},
[STAGE_RESTING] = {
	[EVENT_DUE]          = {STAGE_KEYING,   ACTION_KEYS,    true},
	[EVENT_OFFLINE]      = {STAGE_OFFLINE,  ACTION_NOTHING, true},
},
[STAGE_UNDATED_KEYING] = {
	[EVENT_DUE]          = {STAGE_KEYING,   ACTION_KEYS,    true},
	[EVENT_KEYS]         = {STAGE_UNDATED_POLLING, ACTION_NOTHING, true},
	[EVENT_KEYS_FAILED]  = {STAGE_RESTING,  ACTION_NOTHING, true},
	[EVENT_RECHECK]      = {STAGE_KEYING,   ACTION_KEYS,    true},
	[EVENT_OFFLINE]      = {STAGE_OFFLINE,  ACTION_NOTHING, true},
},
[STAGE_UNDATED_POLLING] = {
	[EVENT_DUE]          = {STAGE_UNDATED_POLLING, ACTION_SEND, true},
	[EVENT_KEYS_FAILED]  = {STAGE_RESTING,  ACTION_NOTHING, true},
	[EVENT_NEED_KEYS]    = {STAGE_KEYING,   ACTION_KEYS,    true},
	[EVENT_NO_COOKIE]    = {STAGE_RESTING,  ACTION_NOTHING, true},
	[EVENT_DENIED]       = {STAGE_RESTING,  ACTION_CLOSE,   true},
	[EVENT_RECHECK]      = {STAGE_KEYING,   ACTION_KEYS,    true},
	[EVENT_OFFLINE]      = {STAGE_OFFLINE,  ACTION_CLOSE,   true},
},
[STAGE_OFFLINE] = {
	[EVENT_ONLINE]       = {STAGE_RESTING,  ACTION_NOTHING, true},
},
[STAGE_OFFLINE_KEYED] = {
	[EVENT_RECHECK]      = {STAGE_OFFLINE,  ACTION_CLOSE,   true},
	[EVENT_ONLINE]       = {STAGE_POLLING,  ACTION_NOTHING, true},
},
};
/* clang-format on */

static const struct {
	const char *name, *text;
	unsigned traits;
} stages[] = {
#define X(id, name, traits, text) [id] = {name, text, traits},
    SOURCE_STAGES(X)
#undef X
};

struct source_rule source_rule(enum source_stage stage, enum source_event event)
{
	return rules[stage][event];
}

bool stage_has(enum source_stage stage, enum stage_trait trait)
{
	return (stages[stage].traits & trait) != 0;
}

const char *source_stage_name(enum source_stage stage)
{
	return stages[stage].name;
}

const char *source_stage_text(enum source_stage stage)
{
	return stages[stage].text;
}
