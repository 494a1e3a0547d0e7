/* The faults of the NTS-KE answer, a hook for each. */
#include "tests/server/ke_answer.h"

static void error(struct ke_draft *d, const struct fault_setting *s)
{
	d->error = s->number;
}

static void warning(struct ke_draft *d, const struct fault_setting *s)
{
	d->warning = s->number;
}

static void unknown_critical(struct ke_draft *d, const struct fault_setting *s)
{
	d->unknown_critical = s->number;
}

static void no_protocol(struct ke_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->has_protocol = false;
}

static void empty_protocol(struct ke_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->protocol_count = 0;
}

static void protocol(struct ke_draft *d, const struct fault_setting *s)
{
	d->protocol = (uint16_t)s->number;
}

static void no_aead(struct ke_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->has_aead = false;
}

static void empty_aead(struct ke_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->aead_count = 0;
}

static void aead(struct ke_draft *d, const struct fault_setting *s)
{
	d->aeads[0] = (uint16_t)s->number;
}

static void two_aeads(struct ke_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->aead_count = 2;
}

static void old_gcm_siv(struct ke_draft *d, const struct fault_setting *s)
{
	(void)s;
	if (d->aeads[0] != AEAD_AES_128_GCM_SIV)
		return;
	d->compliant_gcm_siv = false;
	d->exporter_aead = AEAD_AES_SIV_CMAC_256;
}

static void cookies(struct ke_draft *d, const struct fault_setting *s)
{
	d->cookies = (unsigned)s->number;
}

static void cookie_length(struct ke_draft *d, const struct fault_setting *s)
{
	d->cookie_len = s->number;
}

static void junk(struct ke_draft *d, const struct fault_setting *s)
{
	d->junk = (unsigned)s->number;
}

static void server(struct ke_draft *d, const struct fault_setting *s)
{
	d->server = s->text;
}

static void port(struct ke_draft *d, const struct fault_setting *s)
{
	d->port = (uint32_t)s->number;
}

static void odd_port(struct ke_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->odd_port = true;
}

static void no_end(struct ke_draft *d, const struct fault_setting *s)
{
	(void)s;
	d->end = false;
}

static void cut(struct ke_draft *d, const struct fault_setting *s)
{
	d->cut = (size_t)s->number;
}

static const struct {
	enum fault fault;
	void (*apply)(struct ke_draft *, const struct fault_setting *);
} hooks[] = {
    {FAULT_KE_CUT, cut},
    {FAULT_KE_ERROR_RECORD, error},
    {FAULT_KE_WARNING_RECORD, warning},
    {FAULT_KE_UNKNOWN_CRITICAL, unknown_critical},
    {FAULT_KE_NO_PROTOCOL, no_protocol},
    {FAULT_KE_EMPTY_PROTOCOL, empty_protocol},
    {FAULT_KE_PROTOCOL, protocol},
    {FAULT_KE_NO_AEAD, no_aead},
    {FAULT_KE_EMPTY_AEAD, empty_aead},
    {FAULT_KE_AEAD_ID, aead},
    {FAULT_KE_TWO_AEADS, two_aeads},
    {FAULT_KE_OLD_GCM_SIV, old_gcm_siv},
    {FAULT_KE_COOKIES, cookies},
    {FAULT_KE_COOKIE_LENGTH, cookie_length},
    {FAULT_KE_JUNK, junk},
    {FAULT_KE_SERVER, server},
    {FAULT_KE_NTP_PORT_NUMBER, port},
    {FAULT_KE_ODD_PORT, odd_port},
    {FAULT_KE_NO_END, no_end},
};

void ke_draft_apply_faults(struct ke_draft *draft, const struct faults *faults)
{
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		if (fault_on(faults, hooks[i].fault))
			hooks[i].apply(draft, &faults->set[hooks[i].fault]);
	}
}
