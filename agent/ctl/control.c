#include "agent/ctl/control.h"

#include "agent/ctl/chronyc/chronyc.h"
#include "agent/ctl/fetch.h"
#include "agent/ctl/snapshot/address.h"
#include "agent/ctl/snapshot/chrony_values.h"
#include "agent/ctl/snapshot/nearest.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* ---- subnets ---- */

static unsigned bits_of(int family)
{
	return family == AF_INET ? 32 : 128;
}

static bool mask_of_bits(struct subnet *net, const char *text)
{
	char *end;
	unsigned long bits = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' ||
	    bits > bits_of(net->family))
		return false;
	for (unsigned i = 0; i < bits; i++)
		net->mask[i / 8] |= (unsigned char)(0x80 >> i % 8);
	return true;
}

bool subnet_parse(struct subnet *out, const char *text)
{
	char first[64];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : 0;

	*out = (struct subnet){AF_UNSPEC, {0}, {0}};
	if (len == 0 || len >= sizeof(first))
		return false;
	memcpy(first, text, len);
	first[len] = '\0';
	out->family = address_parse(first, out->address);
	if (out->family == AF_UNSPEC)
		return false;
	if (mask_of_bits(out, slash + 1))
		return true;
	/* The mask comes first. */
	memcpy(out->mask, out->address, sizeof(out->mask));
	return address_parse(slash + 1, out->address) == out->family;
}

bool subnet_has(const struct subnet *net, const char *address)
{
	unsigned char at[16];

	if (address_parse(address, at) != net->family)
		return false;
	for (size_t i = 0; i < sizeof(at); i++)
		if ((at[i] ^ net->address[i]) & net->mask[i])
			return false;
	return true;
}

/* ---- targets ---- */

bool control_means(const struct status_source *s, const char *target)
{
	const char *address = chrony_address(s);
	struct subnet net;

	if (chronyc_names(s, target))
		return true;
	return address && subnet_parse(&net, target) &&
	       subnet_has(&net, address);
}

enum exit_status control_no_source(const char *program,
    const struct snapshot *s, const char *name, FILE *errors)
{
	const char *meant = nearest_in(
	    name, &s->sources->name, s->source_count, sizeof(s->sources[0]));
	char text[NEAREST_TEXT_MAX];

	fprintf(errors, "%s: no source has the name or address '%s'%s\n",
	    program, name,
	    meant ? nearest_text(meant, "", text) : ": see `ntsctl sources`");
	return EXIT_REFUSED;
}

/* The agent knows sources by their names alone. As for an order without a name,
 * one source that can carry it out is enough: what the others say goes to
 * `errors`, which matters if none can. */
static enum exit_status send_to_all_of(const struct control *c,
    const struct snapshot *s, const char *verb, const char *target,
    FILE *errors)
{
	const struct control each = {c->program, c->socket, c->out, errors};
	enum exit_status status = EXIT_REFUSED, one;
	bool any = false;

	for (unsigned i = 0; i < s->source_count; i++) {
		if (!control_means(&s->sources[i], target))
			continue;
		any = true;
		one = order_send(&each, verb, s->sources[i].name);
		if (one != EXIT_OK && one != EXIT_REFUSED)
			return one;
		if (one == EXIT_OK)
			status = EXIT_OK;
	}
	return any ? status : control_no_source(c->program, s, target, errors);
}

static enum exit_status send_to_each(
    const struct control *c, const char *verb, const char *target)
{
	enum exit_status status = EXIT_NO_STATUS;
	char why[CONNECT_ERROR_MAX], *said = NULL;
	struct snapshot s;
	FILE *errors;
	size_t size;

	if (!snapshot_fetch(c->socket, &s, why)) {
		fprintf(c->errors, "%s: %s\n", c->program, why);
		return status;
	}
	errors = open_memstream(&said, &size);
	if (errors) {
		status = send_to_all_of(c, &s, verb, target, errors);
		fclose(errors);
	} else {
		fprintf(c->errors, "%s: no memory is left\n", c->program);
	}
	snapshot_free(&s);
	if (status != EXIT_OK && said)
		fputs(said, c->errors);
	free(said);
	return status;
}

static enum exit_status tell(
    const struct control *c, const char *verb, const char *target)
{
	return target ? send_to_each(c, verb, target)
		      : order_send(c, verb, NULL);
}

/* ---- orders ---- */

static enum exit_status complain(const struct control *c, const char *why)
{
	fprintf(c->errors, "%s: %s\n", c->program, why);
	return EXIT_USAGE;
}

bool control_is_burst(const char *text)
{
	size_t good = strspn(text, "0123456789");

	return good > 0 && text[good] == '/' &&
	       strspn(text + good + 1, "0123456789") > 0 &&
	       text[good + 1 + strspn(text + good + 1, "0123456789")] == '\0';
}

static enum exit_status run_burst(
    const struct control *c, int argc, char **argv)
{
	char verb[40];

	if (argc == 0 || !control_is_burst(argv[0]))
		return argc > 1 ? complain(c, "burst takes [GOOD/MAX] [NAME]")
				: tell(c, "burst", argc ? argv[0] : NULL);
	if (strlen(argv[0]) > 20)
		return complain(c, "burst: GOOD/MAX is too long");
	snprintf(verb, sizeof(verb), "burst-of %s", argv[0]);
	return tell(c, verb, argc > 1 ? argv[1] : NULL);
}

static enum exit_status run_makestep(
    const struct control *c, int argc, char **argv)
{
	(void)argv;
	if (argc == 0)
		return tell(c, "step", NULL);
	/* The keeper takes its limits from the file alone. */
	fprintf(c->errors,
	    "%s: the limits of steps stand in ntsagent.conf(5): change "
	    "makestep in [clock], then: ntsctl reload\n",
	    c->program);
	return EXIT_REFUSED;
}

static enum exit_status run_reload(
    const struct control *c, int argc, char **argv)
{
	if (argc > 0 && strcmp(argv[0], "sources") != 0)
		return complain(c, "reload takes [sources]");
	return tell(c, argc > 0 ? "reload-sources" : "reload", NULL);
}

static enum exit_status run_reset(
    const struct control *c, int argc, char **argv)
{
	if (argc > 0 && strcmp(argv[0], "sources") != 0)
		return complain(c, "reset takes [sources]");
	return tell(c, "reset", NULL);
}

/* clang-format off */
static const struct {
	const char *name, *verb;
	int most_arguments;
	enum exit_status (*run)(const struct control *c, int argc, char **argv);
} orders[] = {
	{"burst",     NULL,       2, run_burst},
	{"makestep",  NULL,       2, run_makestep},
	{"reload",    NULL,       1, run_reload},
	{"reset",     NULL,       1, run_reset},
	{"retry",     "retry",    1, NULL},
	{"online",    "online",   1, NULL},
	{"offline",   "offline",  1, NULL},
	{"refresh",   "refresh",  1, NULL},
	{"onoffline", "network",  0, NULL},
	{"reselect",  "reselect", 0, NULL},
	{"dump",      "dump",     0, NULL},
	{"cyclelogs", "cyclelogs", 0, NULL},
	{"step",      "step",     0, NULL},
};
/* clang-format on */

bool control_knows(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(orders); i++)
		if (strcmp(orders[i].name, name) == 0)
			return true;
	return false;
}

enum exit_status control_run(
    const struct control *c, const char *name, int argc, char **argv)
{
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		if (strcmp(orders[i].name, name) != 0)
			continue;
		if (argc > orders[i].most_arguments)
			return complain(c, "too many arguments");
		return orders[i].run
			   ? orders[i].run(c, argc, argv)
			   : tell(c, orders[i].verb, argc ? argv[0] : NULL);
	}
	return complain(c, "this is not an order");
}
