#include "agent/link/config_link.h"

#include "resolver/frame.h"

#include <string.h>

int reload_send_request(int fd, const struct reload_request *r)
{
	return frame_send(fd, r, sizeof(*r));
}

int reload_receive_request(int fd, struct reload_request *out)
{
	int got = frame_receive(fd, out, sizeof(*out));

	return got == 1 && out->serial == 0 ? -1 : got;
}

int reload_send_result(int fd, const struct reload_result *r)
{
	return frame_send(fd, r, sizeof(*r));
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool source_valid(const struct source_config *s)
{
	return ends(s->name, sizeof(s->name)) &&
	       ends(s->host, sizeof(s->host)) &&
	       ends(s->file, sizeof(s->file)) && s->ke_port != 0 &&
	       (unsigned)s->family <= FAMILY_IPV6;
}

/* What the loader wrote passed config_load; this is for a loader that was taken
 * over by what it read. */
static bool config_valid(const struct config *c)
{
	if (c->source_count < 1 || c->source_count > SOURCES_MAX ||
	    c->trust.path_count > TRUST_PATHS_MAX ||
	    c->trust.aead_count > AEAD_KINDS || c->ke_timeout_ms < 1 ||
	    c->ke_timeout_ms > KE_TIMEOUT_MAX_MS ||
	    !ends(c->file, sizeof(c->file)) || !ends(c->user, sizeof(c->user)))
		return false;
	for (unsigned i = 0; i < c->trust.path_count; i++)
		if (!ends(c->trust.paths[i], FILE_PATH_MAX))
			return false;
	for (unsigned i = 0; i < c->source_count; i++)
		if (!source_valid(&c->sources[i]))
			return false;
	return true;
}

int reload_receive_result(int fd, struct reload_result *out)
{
	int got = frame_receive(fd, out, sizeof(*out));

	if (got != 1)
		return got;
	if (!ends(out->text, sizeof(out->text)) || out->ok > 1)
		return -1;
	return out->ok == 0 || config_valid(&out->config) ? 1 : -1;
}
