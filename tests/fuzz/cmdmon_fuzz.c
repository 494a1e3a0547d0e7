/*
 * chrony's monitoring protocol, in both directions. Whatever a datagram asks,
 * its answer is not longer, repeats its number, and can be read. Whatever a
 * datagram answers, it is written again with the same meaning.
 */
#include "agent/cmdmon/protocol/answer.h"
#include "agent/cmdmon/respond.h"
#include "tests/fuzz/target.h"

/* Two sources, one without an address, as an older agent would send them. */
static const char status[] =
    "{\"schema\":1,\"version\":\"0\",\"time_ns\":1,\"clock\":{\"controlled\":"
    "true,\"synchronised\":true,\"state\":\"synchronised\",\"refused\":false},"
    "\"sources\":[{\"name\":\"a\",\"host\":\"a.example\",\"address\":"
    "\"10.0.0.1\",\"mark\":\"*\",\"state\":\"selected\",\"reason\":\"\","
    "\"stage\":\"polling\"},{\"name\":\"b\",\"host\":\"b.example\","
    "\"address\":null,\"mark\":\"?\",\"state\":\"no-samples\",\"reason\":\"\","
    "\"stage\":\"start\"}]}";

static const struct snapshot *example(void)
{
	static struct snapshot s;
	char why[SNAPSHOT_ERROR_MAX];

	if (!s.whole) {
		/* The schema of today, whatever it is. */
		char *text = strdup(status);

		MUST(text && SNAPSHOT_SCHEMA < 10);
		text[strlen("{\"schema\":")] = (char)('0' + SNAPSHOT_SCHEMA);
		MUST(snapshot_parse(&s, text, strlen(text), why));
		free(text);
	}
	return &s;
}

static void check_question(
    const uint8_t *data, size_t size, const struct snapshot *s)
{
	uint8_t out[CMDMON_MESSAGE_MAX];
	struct reader r = reader_of(data, size);
	size_t len = respond(data, size, s, out);
	struct cmdmon_answer a;

	if (len == 0)
		return;
	MUST(len <= size && len >= 28);
	MUST(cmdmon_answer_parse(out, len, &a));
	take_bytes(&r, 4);
	MUST(a.command == take_u16(&r));
	take_bytes(&r, 2);
	MUST(a.sequence == take_u32(&r));
	MUST(s || a.status != CMDMON_SUCCESS);
}

static void check_answer(const uint8_t *data, size_t size)
{
	uint8_t first[CMDMON_MESSAGE_MAX], second[CMDMON_MESSAGE_MAX];
	struct cmdmon_answer a;
	size_t len;

	if (!cmdmon_answer_parse(data, size, &a))
		return;
	/* The rest of a failure is not looked at. */
	if (a.status != CMDMON_SUCCESS)
		a.reply = CMDMON_REPLY_NULL;
	len = cmdmon_answer_write(&a, sizeof(first), first);
	MUST(len >= 28 && cmdmon_answer_parse(first, len, &a));
	MUST(cmdmon_answer_write(&a, sizeof(second), second) == len);
	MUST(memcmp(first, second, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_question(data, size, example());
	check_question(data, size, NULL);
	check_answer(data, size);
	return 0;
}
