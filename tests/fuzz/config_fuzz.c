/*
 * Reads any bytes as a configuration. The result is either a line for each
 * error, or a configuration whose values are within their limits.
 */
#include "tests/fuzz/config_limits.h"
#include "tests/fuzz/load_config.h"

#include <ctype.h>

/* There is a line for each error, and no control character. */
static void check_errors(const char *printed, size_t size, unsigned count)
{
	unsigned lines = 0;

	for (size_t i = 0; i < size; i++) {
		lines += printed[i] == '\n';
		MUST(printed[i] == '\n' || !iscntrl((unsigned char)printed[i]));
	}
	MUST(lines == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = malloc(sizeof(*c));
	size_t printed_size = 0;
	char *printed = NULL;
	FILE *errors = open_memstream(&printed, &printed_size);
	unsigned count;

	MUST(c && errors);
	/* config_load() must set every field. */
	memset(c, 0xa5, sizeof(*c));
	count = load_config(data, size, c, errors);
	MUST(fclose(errors) == 0);
	check_errors(printed, printed_size, count);
	if (count == 0)
		check_config(c);
	free(printed);
	free(c);
	return 0;
}
