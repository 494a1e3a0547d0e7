#include "agent/saved/machine.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MACHINE_ID "/etc/machine-id"
/* Makes the digest another one than that of other programs. */
#define APPLICATION "ntsagent drift.ntsclock"

size_t machine_id_read(uint8_t out[MACHINE_ID_MAX])
{
	int fd = open(MACHINE_ID, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, MACHINE_ID_MAX);

	if (fd >= 0)
		close(fd);
	return n > 0 ? (size_t)n : 0;
}

bool machine_digest(uint8_t out[DIGEST_LEN])
{
	uint8_t both[sizeof(APPLICATION) + MACHINE_ID_MAX] = APPLICATION;
	size_t len = machine_id_read(both + sizeof(APPLICATION));
	bool good = digest_of(both, sizeof(APPLICATION) + len, out);

	if (!good)
		memset(out, 0, DIGEST_LEN);
	explicit_bzero(both, sizeof(both));
	return good;
}
