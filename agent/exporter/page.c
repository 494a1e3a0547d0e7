#include "agent/exporter/page.h"

#include "agent/ctl/fetch.h"
#include "agent/ctl/metrics/metrics.h"
#include "agent/host/clocks.h"
#include "base/log.h"

#include <stdlib.h>

void page_init(struct page *p, const char *socket)
{
	*p = (struct page){.socket = socket, .up = true};
}

static void forget(struct page *p)
{
	for (size_t i = 0; i < ARRAY_LEN(p->text); i++) {
		free(p->text[i]);
		p->text[i] = NULL;
		p->len[i] = 0;
	}
	p->made = false;
}

void page_end(struct page *p)
{
	forget(p);
}

/* One line for each change. */
static void tell(struct page *p, bool up, const char *why)
{
	if (up && !p->up)
		log_notice("ntsagentd gives its status again");
	else if (!up && p->up)
		log_warning("there is no status to show: %s", why);
	p->up = up;
}

/* Without memory it stays empty. */
static void make_text(
    struct page *p, enum exposition form, const struct snapshot *s)
{
	FILE *out = open_memstream(&p->text[form], &p->len[form]);

	if (!out)
		return;
	metrics_put(out, form, s);
	if (fclose(out) != 0)
		p->len[form] = 0;
}

static void make(struct page *p)
{
	char why[CONNECT_ERROR_MAX] = "";
	struct snapshot s;
	bool up = snapshot_fetch_within(p->socket, PAGE_TIMEOUT_MS, &s, why);

	tell(p, up, why);
	for (size_t i = 0; i < ARRAY_LEN(p->text); i++)
		make_text(p, (enum exposition)i, up ? &s : NULL);
	if (up)
		snapshot_free(&s);
	/* The time has passed if the agent did not answer. */
	p->made_at = clocks_mono();
	p->made = true;
}

struct body page_get(struct page *p, enum exposition form, struct mono now)
{
	if (p->made && now.ns - p->made_at.ns >= PAGE_LIFE_NS)
		forget(p);
	if (!p->made)
		make(p);
	return (struct body){p->text[form], p->len[form]};
}
