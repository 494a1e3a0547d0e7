#include "agent/cmdmon/facts.h"

#include "agent/ctl/snapshot/address.h"
#include "agent/ctl/snapshot/chrony_tests.h"
#include "agent/ctl/snapshot/chrony_values.h"
#include "agent/ctl/snapshot/signs.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#define NTP_MODE_SERVER 4
#define AUTH_MODE_NTS 2

static_assert(
    (int)CHRONY_LEAP_NORMAL == (int)CMDMON_LEAP_NORMAL &&
	(int)CHRONY_LEAP_UNSYNCHRONISED == (int)CMDMON_LEAP_UNSYNCHRONISED,
    "both are the bits of the NTP header");

static double s_of(struct field_int ns)
{
	return seconds_or(ns, 0);
}

static int64_t limited(int64_t n, int64_t least, int64_t most)
{
	return n < least ? least : n > most ? most : n;
}

static uint8_t u8_of(struct field_int n)
{
	return n.known ? (uint8_t)limited(n.n, 0, UINT8_MAX) : 0;
}

static uint16_t u16_of(struct field_int n)
{
	return n.known ? (uint16_t)limited(n.n, 0, UINT16_MAX) : 0;
}

static uint32_t u32_of(struct field_int n)
{
	return n.known ? (uint32_t)limited(n.n, 0, UINT32_MAX) : 0;
}

static int8_t i8_of(struct field_int n)
{
	return n.known ? (int8_t)limited(n.n, INT8_MIN, INT8_MAX) : 0;
}

/* Whole seconds; `unknown` also for what is not a number of seconds. */
static uint32_t seconds_of(struct field_real s, uint32_t unknown)
{
	if (!s.known || !(s.x >= 0))
		return unknown;
	return s.x < UINT32_MAX ? (uint32_t)s.x : UINT32_MAX - 1;
}

static struct cmdmon_address address_of(const char *text)
{
	struct cmdmon_address a = {.family = CMDMON_UNSPECIFIED};

	if (text && inet_pton(AF_INET, text, a.bytes) == 1)
		a.family = CMDMON_IPV4;
	else if (text && inet_pton(AF_INET6, text, a.bytes) == 1)
		a.family = CMDMON_IPV6;
	return a;
}

struct cmdmon_address facts_address(const struct snapshot *s, unsigned i)
{
	struct cmdmon_address a = address_of(chrony_address(&s->sources[i]));
	const uint32_t id = htonl(i + 1);

	if (a.family == CMDMON_UNSPECIFIED) {
		a.family = CMDMON_ID;
		memcpy(a.bytes, &id, sizeof(id));
	}
	return a;
}

static void put_reference(struct cmdmon_tracking *t, const struct snapshot *s)
{
	const struct status_source *best = snapshot_selected(s);

	t->leap = CMDMON_LEAP_UNSYNCHRONISED;
	if (s->clock.synchronised)
		t->leap = (uint16_t)chrony_leap(s->clock.leap);
	t->stratum = u16_of(chrony_stratum(&s->clock));
	if (!best)
		return;
	t->reference_id = chrony_reference(s->clock.reference_id);
	t->address = facts_address(s, (unsigned)(best - s->sources));
}

struct cmdmon_tracking facts_tracking(const struct snapshot *s)
{
	const struct status_clock *c = &s->clock;
	struct cmdmon_tracking t = {
	    .reference_time_ns = c->reference_time_ns.n,
	    /* Positive when our clock is slow. */
	    .correction_s = 0 - fast_s(c->offset_ns),
	    .last_offset_s = fast_s(c->update_offset_ns),
	    .rms_offset_s = s_of(c->rms_offset_ns),
	    .frequency_ppm = fast_ppm(c->uncorrected_frequency_ppm),
	    .residual_ppm = fast_ppm(c->residual_frequency_ppm),
	    .skew_ppm = c->skew_ppm.x,
	    .root_delay_s = seconds_or(c->root_delay_ns, CHRONY_ROOT_UNKNOWN_S),
	    .root_dispersion_s =
		seconds_or(c->root_dispersion_ns, CHRONY_ROOT_UNKNOWN_S),
	    .update_interval_s = c->update_interval_s.x,
	};

	put_reference(&t, s);
	return t;
}

static uint16_t state_of(const struct status_source *s)
{
	switch (s->mark[0]) {
	case '*':
		return CMDMON_STATE_SELECTED;
	case '+':
		return CMDMON_STATE_COMBINED;
	case '-':
		return CMDMON_STATE_GOOD;
	case 'x':
		return CMDMON_STATE_FALSETICKER;
	case '~':
		return CMDMON_STATE_VARIABLE;
	default:
		return CMDMON_STATE_UNUSABLE;
	}
}

struct cmdmon_source_data facts_source(const struct snapshot *s, unsigned i)
{
	const struct status_source *source = &s->sources[i];

	return (struct cmdmon_source_data){
	    .address = facts_address(s, i),
	    .poll_log2_s = i8_of(source->poll_log2_s),
	    .stratum = u16_of(source->stratum),
	    .state = state_of(source),
	    .reach = u16_of(source->reach),
	    .since_sample_s = seconds_of(source->last_rx_s, CMDMON_NEVER),
	    .measured_s = fast_s(source->measured_offset_ns),
	    .adjusted_s = fast_s(source->adjusted_offset_ns),
	    .error_s = s_of(source->error_ns),
	};
}

struct cmdmon_sourcestats facts_stats(const struct snapshot *s, unsigned i)
{
	const struct status_source *source = &s->sources[i];

	return (struct cmdmon_sourcestats){
	    .reference_id = address_reference(chrony_address(source)),
	    .address = facts_address(s, i),
	    .samples = u32_of(source->samples),
	    .runs = u32_of(source->runs),
	    .span_s = seconds_of(source->span_s, 0),
	    .std_dev_s =
		seconds_or(source->std_dev_ns, CHRONY_STD_DEV_UNKNOWN_S),
	    .residual_ppm = fast_ppm(source->residual_frequency_ppm),
	    .skew_ppm = real_or(source->skew_ppm, CHRONY_SKEW_UNKNOWN_PPM),
	    .offset_s = fast_s(source->estimated_offset_ns),
	    .offset_error_s = s_of(source->error_ns),
	};
}

struct cmdmon_activity facts_activity(const struct snapshot *s)
{
	const struct chrony_activity a = chrony_activity(s);

	return (struct cmdmon_activity){
	    .online = a.online,
	    .offline = a.offline,
	    .unresolved = a.unknown_address,
	};
}

static void put_packet(
    struct cmdmon_ntp_data *n, const struct status_source *source)
{
	const struct status_answer *a = &source->answer;

	n->local = address_of(a->local_address);
	n->leap = (uint8_t)chrony_leap(source->leap);
	n->version = u8_of(a->version);
	n->mode = NTP_MODE_SERVER;
	n->stratum = u8_of(source->stratum);
	n->poll_log2_s = i8_of(a->poll_log2_s);
	n->precision_log2_s = i8_of(a->precision_log2_s);
	n->root_delay_s = s_of(a->root_delay_ns);
	n->root_dispersion_s = s_of(a->root_dispersion_ns);
	n->reference_id = chrony_reference(source->reference_id);
	n->reference_time_ns =
	    a->reference_time_ns.known ? a->reference_time_ns.n : 0;
	n->offset_s = 0 - fast_s(source->measured_offset_ns);
	n->delay_s = s_of(source->delay_ns);
	n->dispersion_s = s_of(a->dispersion_ns);
	n->response_s = s_of(a->response_ns);
	n->flags |= CMDMON_NTP_AUTHENTICATED;
}

static void put_counts(
    struct cmdmon_ntp_data *n, const struct status_packets *p)
{
	n->sent = u32_of(p->sent);
	n->received = u32_of(p->received);
	n->valid = u32_of(p->valid);
	n->good = u32_of(p->good);
	n->kernel_tx = u32_of(p->kernel_sent);
	n->kernel_rx = u32_of(p->kernel_received);
	n->hardware_tx = u32_of(p->hardware_sent);
	n->hardware_rx = u32_of(p->hardware_received);
}

struct cmdmon_ntp_data facts_ntp(const struct snapshot *s, unsigned i)
{
	const struct status_source *source = &s->sources[i];
	struct cmdmon_ntp_data n = {
	    .remote = facts_address(s, i),
	    .port = u16_of(source->port),
	    .flags = (uint16_t)chrony_tests(source),
	    .tx_stamp = (uint8_t)chrony_stamp(source->tx_stamp),
	    .rx_stamp = (uint8_t)chrony_stamp(source->rx_stamp),
	};

	put_counts(&n, &source->packets);
	if (source->answer.version.known)
		put_packet(&n, source);
	return n;
}

struct cmdmon_auth_data facts_auth(const struct snapshot *s, unsigned i)
{
	const struct status_nts *n = &s->sources[i].nts;

	return (struct cmdmon_auth_data){
	    .mode = AUTH_MODE_NTS,
	    .key_type = u16_of(n->aead),
	    .key_id = u32_of(n->exchanges),
	    .key_bits = u16_of(n->key_bits),
	    .attempts = u16_of(n->attempts),
	    .last_s = seconds_of(n->last_s, CMDMON_NEVER),
	    .cookies = u16_of(n->cookies),
	    .cookie_len = u16_of(n->cookie_len),
	    .naks = u16_of(n->naks),
	};
}

static uint16_t options_of(const struct field_list *options)
{
	static const struct {
		const char *name;
		uint16_t bit;
	} bits[] = {
	    {"noselect", CMDMON_OPTION_NOSELECT},
	    {"prefer", CMDMON_OPTION_PREFER},
	    {"trust", CMDMON_OPTION_TRUST},
	    {"require", CMDMON_OPTION_REQUIRE},
	};
	uint16_t set = 0;

	for (unsigned i = 0; i < options->count; i++)
		for (size_t j = 0; j < ARRAY_LEN(bits); j++)
			if (strcmp(options->item[i], bits[j].name) == 0)
				set |= bits[j].bit;
	return set;
}

struct cmdmon_select_data facts_select(const struct snapshot *s, unsigned i)
{
	const struct status_source *source = &s->sources[i];
	uint16_t options = options_of(&source->options);

	return (struct cmdmon_select_data){
	    .reference_id = address_reference(chrony_address(source)),
	    .address = facts_address(s, i),
	    .letter = (uint8_t)chrony_letter(source->state),
	    .authenticated = 1,
	    .leap = (uint8_t)chrony_leap(source->leap),
	    .configured = options,
	    .effective = options,
	    .last_sample_s = seconds_of(source->last_rx_s, CMDMON_NEVER),
	    .score = real_or(source->score, CHRONY_SCORE_UNKNOWN),
	    .low_s = fast_s(source->low_offset_ns),
	    .high_s = fast_s(source->high_offset_ns),
	};
}
