#include "agent/cmdmon/respond.h"

#include "agent/cmdmon/facts.h"
#include "agent/cmdmon/protocol/wire.h"

#include <stdio.h>
#include <string.h>

struct question {
	const struct cmdmon_request *request;
	const struct snapshot *s;
	struct cmdmon_answer *answer;
};

/* An answer needs a source, which the request names by index or address. */
typedef void fill_fn(struct question *q, unsigned source);

static void fill_count(struct question *q, unsigned source)
{
	(void)source;
	q->answer->source_count = q->s->source_count;
}

static void fill_tracking(struct question *q, unsigned source)
{
	(void)source;
	q->answer->tracking = facts_tracking(q->s);
}

static void fill_activity(struct question *q, unsigned source)
{
	(void)source;
	q->answer->activity = facts_activity(q->s);
}

static void fill_source(struct question *q, unsigned source)
{
	q->answer->source = facts_source(q->s, source);
}

static void fill_stats(struct question *q, unsigned source)
{
	q->answer->stats = facts_stats(q->s, source);
}

static void fill_select(struct question *q, unsigned source)
{
	q->answer->select = facts_select(q->s, source);
}

/* chronyc of version 4.6 and later knows only the longer form, and pads for
 * exactly this length. Older ones know only the other form; the Go library of
 * the exporters knows both, or the older one. */
static void fill_ntp(struct question *q, unsigned source)
{
	if (q->request->length == CMDMON_NTP_DATA2_LEN)
		q->answer->reply = CMDMON_REPLY_NTP_DATA2;
	q->answer->ntp = facts_ntp(q->s, source);
}

static void fill_auth(struct question *q, unsigned source)
{
	q->answer->auth = facts_auth(q->s, source);
}

/* chronyc knows a source by the name in chronyd's configuration: its host. */
static void fill_name(struct question *q, unsigned source)
{
	snprintf(q->answer->name, sizeof(q->answer->name), "%s",
	    q->s->sources[source].host);
}

enum named_by {
	BY_NOTHING,
	BY_INDEX,
	BY_ADDRESS,
};

static const struct {
	uint16_t command, reply;
	enum named_by by;
	fill_fn *fill;
} kinds[] = {
    {CMDMON_N_SOURCES, CMDMON_REPLY_N_SOURCES, BY_NOTHING, fill_count},
    {CMDMON_TRACKING, CMDMON_REPLY_TRACKING, BY_NOTHING, fill_tracking},
    {CMDMON_ACTIVITY, CMDMON_REPLY_ACTIVITY, BY_NOTHING, fill_activity},
    {CMDMON_SOURCE_DATA, CMDMON_REPLY_SOURCE_DATA, BY_INDEX, fill_source},
    {CMDMON_SOURCESTATS, CMDMON_REPLY_SOURCESTATS, BY_INDEX, fill_stats},
    {CMDMON_SELECT_DATA, CMDMON_REPLY_SELECT_DATA, BY_INDEX, fill_select},
    {CMDMON_NTP_DATA, CMDMON_REPLY_NTP_DATA, BY_ADDRESS, fill_ntp},
    {CMDMON_AUTH_DATA, CMDMON_REPLY_AUTH_DATA, BY_ADDRESS, fill_auth},
    {CMDMON_NTP_SOURCE_NAME, CMDMON_REPLY_NTP_SOURCE_NAME, BY_ADDRESS,
	fill_name},
};

/* The first source with this address; source_count if there is none. */
static unsigned find_address(
    const struct snapshot *s, const struct cmdmon_address *wanted)
{
	unsigned i = 0;

	for (; i < s->source_count; i++) {
		struct cmdmon_address a = facts_address(s, i);

		if (a.family == wanted->family &&
		    memcmp(a.bytes, wanted->bytes, sizeof(a.bytes)) == 0)
			break;
	}
	return i;
}

static unsigned find_source(const struct question *q, enum named_by by)
{
	switch (by) {
	case BY_INDEX:
		return q->request->index;
	case BY_ADDRESS:
		return find_address(q->s, &q->request->address);
	case BY_NOTHING:
	default:
		return 0;
	}
}

static enum cmdmon_status fill(struct question *q)
{
	unsigned source;
	size_t i = 0;

	if (!q->s)
		return CMDMON_FAILED;
	/* The request was judged: its command is in the table. */
	while (kinds[i].command != q->request->command)
		i++;
	source = find_source(q, kinds[i].by);
	if (kinds[i].by != BY_NOTHING && source >= q->s->source_count)
		return CMDMON_NO_SUCH_SOURCE;
	q->answer->reply = kinds[i].reply;
	kinds[i].fill(q, source);
	return CMDMON_SUCCESS;
}

bool respond_needs_status(const uint8_t *datagram, size_t len)
{
	struct cmdmon_request request;
	enum cmdmon_status status;

	return cmdmon_request_parse(datagram, len, &request, &status) ==
	       CMDMON_ANSWER;
}

size_t respond(
    const uint8_t *datagram, size_t len, const struct snapshot *s, uint8_t *out)
{
	struct cmdmon_answer answer = {.reply = CMDMON_REPLY_NULL};
	struct cmdmon_request request;
	struct question q = {&request, s, &answer};
	enum cmdmon_status status;

	switch (cmdmon_request_parse(datagram, len, &request, &status)) {
	case CMDMON_ANSWER:
		status = fill(&q);
		break;
	case CMDMON_REFUSE:
		break;
	case CMDMON_IGNORE:
	default:
		return 0;
	}
	answer.command = request.command;
	answer.sequence = request.sequence;
	answer.status = (uint16_t)status;
	return cmdmon_answer_write(&answer, len, out);
}
