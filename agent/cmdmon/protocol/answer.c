#include "agent/cmdmon/protocol/answer.h"

#include "agent/cmdmon/protocol/wire.h"

#define PACKET_ANSWER 2

static void exchange_nothing(struct wire *w, struct cmdmon_answer *a)
{
	(void)w;
	(void)a;
}

static void exchange_count(struct wire *w, struct cmdmon_answer *a)
{
	wire_u32(w, &a->source_count);
}

static void exchange_source(struct wire *w, struct cmdmon_answer *a)
{
	struct cmdmon_source_data *s = &a->source;

	wire_address(w, &s->address);
	wire_i16(w, &s->poll_log2_s);
	wire_u16(w, &s->stratum);
	wire_u16(w, &s->state);
	wire_u16(w, &s->mode);
	wire_u16(w, &s->flags);
	wire_u16(w, &s->reach);
	wire_u32(w, &s->since_sample_s);
	wire_float(w, &s->measured_s);
	wire_float(w, &s->adjusted_s);
	wire_float(w, &s->error_s);
}

static void exchange_tracking(struct wire *w, struct cmdmon_answer *a)
{
	struct cmdmon_tracking *t = &a->tracking;

	wire_u32(w, &t->reference_id);
	wire_address(w, &t->address);
	wire_u16(w, &t->stratum);
	wire_u16(w, &t->leap);
	wire_time(w, &t->reference_time_ns);
	wire_float(w, &t->correction_s);
	wire_float(w, &t->last_offset_s);
	wire_float(w, &t->rms_offset_s);
	wire_float(w, &t->frequency_ppm);
	wire_float(w, &t->residual_ppm);
	wire_float(w, &t->skew_ppm);
	wire_float(w, &t->root_delay_s);
	wire_float(w, &t->root_dispersion_s);
	wire_float(w, &t->update_interval_s);
}

static void exchange_stats(struct wire *w, struct cmdmon_answer *a)
{
	struct cmdmon_sourcestats *s = &a->stats;

	wire_u32(w, &s->reference_id);
	wire_address(w, &s->address);
	wire_u32(w, &s->samples);
	wire_u32(w, &s->runs);
	wire_u32(w, &s->span_s);
	wire_float(w, &s->std_dev_s);
	wire_float(w, &s->residual_ppm);
	wire_float(w, &s->skew_ppm);
	wire_float(w, &s->offset_s);
	wire_float(w, &s->offset_error_s);
}

static void exchange_activity(struct wire *w, struct cmdmon_answer *a)
{
	wire_u32(w, &a->activity.online);
	wire_u32(w, &a->activity.offline);
	wire_u32(w, &a->activity.burst_online);
	wire_u32(w, &a->activity.burst_offline);
	wire_u32(w, &a->activity.unresolved);
}

static void exchange_packet(struct wire *w, struct cmdmon_ntp_data *n)
{
	wire_address(w, &n->remote);
	wire_address(w, &n->local);
	wire_u16(w, &n->port);
	wire_u8(w, &n->leap);
	wire_u8(w, &n->version);
	wire_u8(w, &n->mode);
	wire_u8(w, &n->stratum);
	wire_i8(w, &n->poll_log2_s);
	wire_i8(w, &n->precision_log2_s);
	wire_float(w, &n->root_delay_s);
	wire_float(w, &n->root_dispersion_s);
	wire_u32(w, &n->reference_id);
	wire_time(w, &n->reference_time_ns);
}

static void exchange_sample(struct wire *w, struct cmdmon_ntp_data *n)
{
	wire_float(w, &n->offset_s);
	wire_float(w, &n->delay_s);
	wire_float(w, &n->dispersion_s);
	wire_float(w, &n->response_s);
	wire_float(w, &n->asymmetry);
	wire_u16(w, &n->flags);
	wire_u8(w, &n->tx_stamp);
	wire_u8(w, &n->rx_stamp);
	wire_u32(w, &n->sent);
	wire_u32(w, &n->received);
	wire_u32(w, &n->valid);
	wire_u32(w, &n->good);
}

/* chrony 4.3 and older. */
static void exchange_ntp(struct wire *w, struct cmdmon_answer *a)
{
	exchange_packet(w, &a->ntp);
	exchange_sample(w, &a->ntp);
	wire_filler(w, 0xff, 12);
}

static void exchange_ntp2(struct wire *w, struct cmdmon_answer *a)
{
	exchange_packet(w, &a->ntp);
	exchange_sample(w, &a->ntp);
	wire_u32(w, &a->ntp.kernel_tx);
	wire_u32(w, &a->ntp.kernel_rx);
	wire_u32(w, &a->ntp.hardware_tx);
	wire_u32(w, &a->ntp.hardware_rx);
	wire_filler(w, 0xff, 16);
}

static void exchange_name(struct wire *w, struct cmdmon_answer *a)
{
	wire_text(w, a->name, sizeof(a->name));
}

static void exchange_auth(struct wire *w, struct cmdmon_answer *a)
{
	struct cmdmon_auth_data *d = &a->auth;

	wire_u16(w, &d->mode);
	wire_u16(w, &d->key_type);
	wire_u32(w, &d->key_id);
	wire_u16(w, &d->key_bits);
	wire_u16(w, &d->attempts);
	wire_u32(w, &d->last_s);
	wire_u16(w, &d->cookies);
	wire_u16(w, &d->cookie_len);
	wire_u16(w, &d->naks);
	wire_filler(w, 0, 2);
}

static void exchange_select(struct wire *w, struct cmdmon_answer *a)
{
	struct cmdmon_select_data *s = &a->select;

	wire_u32(w, &s->reference_id);
	wire_address(w, &s->address);
	wire_u8(w, &s->letter);
	wire_u8(w, &s->authenticated);
	wire_u8(w, &s->leap);
	wire_filler(w, 0, 1);
	wire_u16(w, &s->configured);
	wire_u16(w, &s->effective);
	wire_u32(w, &s->last_sample_s);
	wire_float(w, &s->score);
	wire_float(w, &s->low_s);
	wire_float(w, &s->high_s);
}

static const struct {
	enum cmdmon_reply reply;
	void (*exchange)(struct wire *w, struct cmdmon_answer *a);
} kinds[] = {
    {CMDMON_REPLY_NULL, exchange_nothing},
    {CMDMON_REPLY_N_SOURCES, exchange_count},
    {CMDMON_REPLY_SOURCE_DATA, exchange_source},
    {CMDMON_REPLY_TRACKING, exchange_tracking},
    {CMDMON_REPLY_SOURCESTATS, exchange_stats},
    {CMDMON_REPLY_ACTIVITY, exchange_activity},
    {CMDMON_REPLY_NTP_DATA, exchange_ntp},
    {CMDMON_REPLY_NTP_SOURCE_NAME, exchange_name},
    {CMDMON_REPLY_AUTH_DATA, exchange_auth},
    {CMDMON_REPLY_SELECT_DATA, exchange_select},
    {CMDMON_REPLY_NTP_DATA2, exchange_ntp2},
};

static void exchange_header(
    struct wire *w, uint8_t *version, uint8_t *type, struct cmdmon_answer *a)
{
	wire_u8(w, version);
	wire_u8(w, type);
	wire_zeros(w, 2);
	wire_u16(w, &a->command);
	wire_u16(w, &a->reply);
	wire_u16(w, &a->status);
	wire_filler(w, 0, 6);
	wire_u32(w, &a->sequence);
	wire_filler(w, 0, 8);
}

/* False: a kind that is not known here. */
static bool exchange_rest(struct wire *w, struct cmdmon_answer *a)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (kinds[i].reply != a->reply)
			continue;
		kinds[i].exchange(w, a);
		return true;
	}
	return false;
}

size_t cmdmon_answer_write(
    const struct cmdmon_answer *answer, size_t most, uint8_t *out)
{
	struct wire w = wire_writing(
	    out, most < CMDMON_MESSAGE_MAX ? most : CMDMON_MESSAGE_MAX);
	struct cmdmon_answer a = *answer;
	uint8_t version = CMDMON_VERSION, type = PACKET_ANSWER;

	exchange_header(&w, &version, &type, &a);
	if (!exchange_rest(&w, &a) || !wire_ok(&w))
		return 0;
	return wire_len(&w);
}

bool cmdmon_answer_parse(
    const uint8_t *datagram, size_t len, struct cmdmon_answer *out)
{
	struct wire w = wire_reading(datagram, len);
	uint8_t version = 0, type = 0;

	*out = (struct cmdmon_answer){0};
	exchange_header(&w, &version, &type, out);
	if (!wire_ok(&w) || version != CMDMON_VERSION || type != PACKET_ANSWER)
		return false;
	if (out->status != CMDMON_SUCCESS)
		return true;
	return exchange_rest(&w, out) && wire_ok(&w);
}
