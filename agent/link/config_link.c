#include "agent/link/config_link.h"

#include "agent/link/config_judge.h"
#include "resolver/frame.h"

#include <string.h>

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

bool load_order_valid(const struct load_order *o)
{
	return ends(o->path, sizeof(o->path)) && o->path[0] != '\0' &&
	       ((o->only_dropped == 0 && o->base.source_count == 0) ||
		   (o->only_dropped <= 1 && config_valid(&o->base)));
}

int reload_send_request(int fd, const struct reload_request *r)
{
	return frame_send(fd, r, sizeof(*r));
}

int reload_receive_request(int fd, struct reload_request *out)
{
	int got = frame_receive(fd, out, sizeof(*out));

	if (got == 1 && (out->serial == 0 || out->only_dropped > 1))
		return -1;
	return got;
}

int reload_send_result(int fd, const struct reload_result *r)
{
	return frame_send(fd, r, sizeof(*r));
}

/* The loader's configuration has passed config_load(). The judge is for a
 * loader that the file has taken over. */
int reload_receive_result(int fd, struct reload_result *out)
{
	int got = frame_receive(fd, out, sizeof(*out));

	if (got != 1)
		return got;
	if (!ends(out->text, sizeof(out->text)) || out->ok > 1)
		return -1;
	return out->ok == 0 || config_valid(&out->config) ? 1 : -1;
}
