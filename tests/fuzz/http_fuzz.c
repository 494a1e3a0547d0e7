/*
 * Requests to the exporter. Once a request is complete, what follows does not
 * change what it means, and each has an answer whose head is whole.
 */
#include "agent/exporter/answer.h"
#include "agent/exporter/request.h"
#include "tests/fuzz/target.h"

static void check_answer(const struct request *r)
{
	static const char metrics[] = "ntsagent_up 1\n";
	const struct body b = {metrics, sizeof(metrics) - 1};
	size_t len = 0;
	char *text = answer_make(r, b, (struct wall){0}, &len), *body;

	MUST(text != NULL && strlen(text) == len);
	MUST(strncmp(text, "HTTP/1.1 ", 9) == 0);
	body = strstr(text, "\r\n\r\n");
	MUST(body != NULL);
	MUST(r->head ? body[4] == '\0' : body[4] != '\0');
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request whole, part;
	const char *bytes = (const char *)data;

	if (size > REQUEST_MAX)
		return 0;
	whole = request_parse(bytes, size);
	for (size_t len = 0; len < size; len += len < 200 ? 1 : 97) {
		part = request_parse(bytes, len);
		if (part.kind == REQUEST_MORE)
			continue;
		MUST(part.kind == whole.kind && part.head == whole.head &&
		     part.form == whole.form);
		break;
	}
	if (whole.kind != REQUEST_MORE)
		check_answer(&whole);
	return 0;
}
