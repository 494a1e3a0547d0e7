#include "agent/engine/adopt.h"

#include "agent/engine/sources.h"
#include "tests/unit/agent/engine/world.h"
#include "tests/unit/agent/engine/little_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char text[ADOPT_TEXT_MAX];

static void assert_text(const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

/* A copy of the configuration, for the test to change; freed by drop(). */
static struct config *copy_of(const struct world *w)
{
	struct config *c = malloc(sizeof(*c));

	assert_non_null(c);
	*c = w->config;
	return c;
}

static void take_out(struct config *c, unsigned i)
{
	c->source_count--;
	for (; i < c->source_count; i++)
		c->sources[i] = c->sources[i + 1];
}

static struct source *room_for(const struct config *fresh)
{
	struct source *room = calloc(fresh->source_count, sizeof(*room));

	assert_non_null(room);
	return room;
}

/* Adopts `fresh`, and moves the peers of the world to the new slots. */
static void adopt(struct world *w, struct config *fresh)
{
	struct world was = *w;

	assert_true(engine_adopt(
	    &w->engine, fresh, room_for(fresh), world_reading(w), text));
	for (unsigned i = 0; i < fresh->source_count; i++)
		for (unsigned j = 0; j < was.config.source_count; j++)
			if (strcmp(fresh->sources[i].name,
				was.config.sources[j].name) == 0) {
				w->peers[i] = was.peers[j];
				memcpy(w->address[i], was.address[j],
				    sizeof(w->address[i]));
			}
	w->config.source_count = fresh->source_count;
	memcpy(w->config.sources, fresh->sources, sizeof(fresh->sources));
	engine_on_timer(&w->engine, world_reading(w));
	world_deliver_reports(w);
}

static void drop(struct world *w, struct config *fresh)
{
	world_end(w);
	free(fresh);
}

static void a_source_that_stays_goes_on(void **state)
{
	struct world *w = world_running(3, 1500 * NS_PER_S);
	struct source before = w->engine.sources[1];
	struct config *fresh = copy_of(w);

	(void)state;
	fresh->sources[1].line = 99;
	adopt(w, fresh);
	assert_text("3 sources kept");
	assert_int_equal(w->engine.sources[1].poll_at.ns, before.poll_at.ns);
	assert_int_equal(w->engine.sources[1].count.exchanges, 1);
	assert_int_equal(
	    w->engine.sources[1].assoc.jar.count, before.assoc.jar.count);
	assert_ptr_equal(w->engine.sources[1].config, &fresh->sources[1]);
	assert_true(world_synchronised(w));
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->engine.sources[1].count.exchanges, 1);
	drop(w, fresh);
}

static void a_source_that_moves_keeps_keys_and_samples(void **state)
{
	struct world *w = world_running(3, 1500 * NS_PER_S);
	uint64_t good = w->engine.sources[2].count.good;
	struct config *fresh = copy_of(w);
	struct source_view v;

	(void)state;
	take_out(fresh, 0);
	adopt(w, fresh);
	assert_text("2 sources kept, a removed");
	assert_int_equal(w->engine.source_count, 2);
	assert_string_equal(w->engine.sources[1].config->name, "c");
	assert_int_equal(w->engine.sources[1].count.good, good);
	v = world_view(w, 1);
	assert_true(v.samples > 3);
	assert_true(world_synchronised(w));
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(w->engine.sources[1].count.exchanges, 1);
	assert_int_equal(w->engine.sources[1].count.lost, 0);
	assert_true(w->engine.sources[1].count.good > good);
	assert_int_equal(w->steps, 0);
	assert_true(world_within(w, 50 * NS_PER_US));
	drop(w, fresh);
}

static void a_new_source_starts_at_once(void **state)
{
	struct world *w = world_running(3, 1500 * NS_PER_S);
	struct config *fresh = copy_of(w);

	(void)state;
	fresh->sources[3] = fresh->sources[0];
	strcpy(fresh->sources[3].name, "new");
	fresh->source_count = 4;
	w->peers[3] = peer_make(9);
	w->way_ns[3] = 100 * NS_PER_US;
	strcpy(w->address[3], "192.0.2.9");
	adopt(w, fresh);
	assert_text("3 sources kept, new added");
	assert_true(world_synchronised(w));
	world_run(w, 2 * NS_PER_S);
	assert_true(w->engine.sources[3].count.good > 0);
	world_run(w, 600 * NS_PER_S);
	assert_true(world_within(w, 50 * NS_PER_US));
	drop(w, fresh);
}

static void another_server_is_another_source(void **state)
{
	struct world *w = world_running(3, 1500 * NS_PER_S);
	struct config *fresh = copy_of(w);

	(void)state;
	strcpy(fresh->sources[0].host, "elsewhere");
	adopt(w, fresh);
	assert_text("2 sources kept, a added, a removed");
	assert_int_equal(w->engine.sources[0].count.good, 0);
	assert_int_equal(w->engine.sources[0].assoc.jar.count, 0);
	drop(w, fresh);
}

static void new_options_apply_to_a_source_that_stays(void **state)
{
	struct world *w = world_running(3, 1500 * NS_PER_S);
	struct config *fresh = copy_of(w);
	struct source_view v;

	(void)state;
	fresh->sources[0].options.noselect = true;
	fresh->sources[1].maxpoll = fresh->sources[1].minpoll = 3;
	fresh->steering.min_sources = 2;
	adopt(w, fresh);
	assert_text("3 sources kept");
	world_run(w, 60 * NS_PER_S);
	v = world_view(w, 0);
	assert_int_equal(v.state, SELECT_NOSELECT);
	assert_int_equal(w->engine.sources[1].pace.poll_log2_s, 3);
	assert_true(world_synchronised(w));
	drop(w, fresh);
}

static void a_rate_limit_outlives_a_reload(void **state)
{
	struct world *w = world_running(3, 1500 * NS_PER_S);
	struct config *fresh = copy_of(w);

	(void)state;
	pace_slow_down(&w->engine.sources[0].pace);
	fresh->sources[0].minpoll = fresh->sources[0].maxpoll = 2;
	adopt(w, fresh);
	assert_true(w->engine.sources[0].pace.rate_limited);
	assert_true(w->engine.sources[0].pace.poll_log2_s > 4);
	drop(w, fresh);
}

/* The resolver answers for slot 0, which has another source now. */
static void memories_of_a_source_move_with_it(void **state)
{
	struct world *w = world_running(3, 1500 * NS_PER_S);
	struct config *fresh = copy_of(w);

	(void)state;
	w->engine.leap.smearers = 1 << 0 | 1 << 1;
	w->engine.pause.voices[1].strikes = 2;
	take_out(fresh, 0);
	assert_true(engine_adopt(
	    &w->engine, fresh, room_for(fresh), world_reading(w), text));
	assert_int_equal(w->engine.leap.smearers, 1 << 0);
	assert_int_equal(w->engine.pause.voices[1].strikes, 0);
	drop(w, fresh);
}

static void the_memory_of_the_first_source_stays(void **state)
{
	struct world *w = world_running(3, 60 * NS_PER_S);
	struct config *fresh = copy_of(w);

	(void)state;
	w->engine.leap.smearers = 1 << 0 | 1 << 2;
	take_out(fresh, 1);
	assert_true(engine_adopt(
	    &w->engine, fresh, room_for(fresh), world_reading(w), text));
	assert_int_equal(w->engine.leap.smearers, 1 << 0 | 1 << 1);
	drop(w, fresh);
}

static void a_late_answer_reaches_no_other_source(void **state)
{
	struct world *w = world_new(2, 0, 0);
	struct config *fresh;
	struct ke_answer late;

	(void)state;
	world_start(w);
	world_advance(w, SOURCE_SPREAD_NS);
	engine_on_timer(&w->engine, world_reading(w));
	assert_int_equal(w->engine.sources[0].stage, STAGE_KEYING);
	late = w->keys[0].answer;
	w->keys[0].there = w->keys[1].there = false;
	fresh = copy_of(w);
	take_out(fresh, 0);
	adopt(w, fresh);
	engine_on_keys(&w->engine, &late, world_reading(w));
	assert_int_equal(w->engine.sources[0].count.exchanges, 0);
	world_run(w, 100 * NS_PER_MS);
	assert_int_equal(w->engine.sources[0].count.exchanges, 1);
	assert_true(w->engine.sources[0].count.good > 0);
	drop(w, fresh);
}

static void other_certificates_mean_other_keys(void **state)
{
	struct world *w = world_running(3, 1500 * NS_PER_S);
	struct config *fresh = copy_of(w);

	(void)state;
	strcpy(fresh->trust.paths[fresh->trust.path_count++], "/ca.pem");
	adopt(w, fresh);
	assert_text("other certificates");
	world_run(w, 2 * NS_PER_S);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(w->engine.sources[i].count.exchanges, 2);
	assert_true(world_synchronised(w));
	drop(w, fresh);
}

static struct world *distrusting_world(struct config **fresh)
{
	struct world *w = world_running(3, 1500 * NS_PER_S);

	*fresh = copy_of(w);
	strcpy((*fresh)->trust.paths[(*fresh)->trust.path_count++], "/ca.pem");
	for (unsigned i = 0; i < 3; i++)
		w->keys_fail[i] = true;
	adopt(w, *fresh);
	return w;
}

static void run_until(struct world *w, struct mono t)
{
	while (w->mono < t.ns)
		world_run(w, NS_PER_S);
}

/* The certificate is not trusted any more, so no new keys come. */
static void keys_of_another_trust_are_used_for_an_hour(void **state)
{
	struct config *fresh;
	struct world *w = distrusting_world(&fresh);
	struct source *s = &w->engine.sources[0];
	struct mono reloaded = {w->mono};
	struct source_view v;

	(void)state;
	run_until(w, mono_after(reloaded, SOURCE_DISTRUST_NS - 5 * NS_PER_S));
	assert_true(world_synchronised(w));
	assert_true(s->reach & 1);
	assert_string_equal(s->failure, "certificate");
	run_until(w, mono_after(reloaded, SOURCE_DISTRUST_NS + 5 * NS_PER_S));
	for (unsigned i = 0; i < 3; i++) {
		s = &w->engine.sources[i];
		assert_int_equal(s->stage, STAGE_RESTING);
		assert_int_equal(s->assoc.aead, AEAD_NONE);
		assert_string_equal(s->failure, "certificate");
		assert_non_null(strstr(s->reason, "certificate is for other"));
		v = world_view(w, i);
		assert_int_equal(v.samples, 0);
	}
	drop(w, fresh);
}

/* The certificate is trusted again within the hour, or later. */
static void a_trust_that_is_corrected_gives_new_keys(void **state)
{
	static const int64_t after_ns[] = {
	    600 * NS_PER_S, 2 * SOURCE_DISTRUST_NS};

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(after_ns); n++) {
		struct config *fresh;
		struct world *w = distrusting_world(&fresh);

		world_run(w, after_ns[n]);
		for (unsigned i = 0; i < 3; i++)
			w->keys_fail[i] = false;
		(void)engine_retry_early(
		    &w->engine, RETRY_TRUST, NULL, world_reading(w));
		world_run(w, 5 * NS_PER_S);
		for (unsigned i = 0; i < 3; i++) {
			struct source *s = &w->engine.sources[i];

			assert_int_equal(s->count.exchanges, 2);
			assert_true(s->reach & 1);
			assert_string_equal(s->failure, "");
		}
		world_run(w, 2 * SOURCE_DISTRUST_NS);
		assert_true(world_synchronised(w));
		assert_int_equal(w->engine.sources[0].count.exchanges, 2);
		drop(w, fresh);
	}
}

/* The trusted files have other contents: the exchanges are spread. */
static void other_contents_mean_other_keys_within_minutes(void **state)
{
	struct world *w = world_running(3, 1500 * NS_PER_S);
	uint64_t good = w->engine.sources[0].count.good;

	(void)state;
	engine_distrust(&w->engine, world_reading(w));
	world_run(w, 310 * NS_PER_S);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(w->engine.sources[i].count.exchanges, 2);
	assert_true(w->engine.sources[0].count.good > good);
	world_run(w, 2 * SOURCE_DISTRUST_NS);
	assert_true(world_synchronised(w));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(w->engine.sources[i].count.exchanges, 2);
	world_end(w);
}

/* An exchange that has read the old files does not count. */
static void an_exchange_from_before_the_change_does_not_count(void **state)
{
	struct world *w = world_running(3, 1500 * NS_PER_S);
	struct source *s = &w->engine.sources[0];
	uint32_t serial;

	(void)state;
	s->renew_at = (struct mono){w->mono};
	engine_on_timer(&w->engine, world_reading(w));
	assert_int_equal(s->stage, STAGE_REKEYING);
	serial = s->serial;
	engine_distrust(&w->engine, world_reading(w));
	assert_int_equal(s->stage, STAGE_POLLING);
	assert_int_not_equal(s->serial, serial);
	world_run(w, 310 * NS_PER_S);
	assert_int_equal(s->count.exchanges, 2);
	assert_true(s->trusted_until.ns == MONO_NEVER.ns);
	world_end(w);
}

static void only_new_sources_keep_the_frequency(void **state)
{
	struct world *w = world_running(3, 1500 * NS_PER_S);
	struct config *fresh = copy_of(w);
	double freq_ppm = w->keeper.base_freq_ppm;

	(void)state;
	take_out(fresh, 2);
	take_out(fresh, 1);
	strcpy(fresh->sources[0].name, "other");
	adopt(w, fresh);
	assert_text("0 sources kept, other added, a removed, b removed");
	assert_true(fabs(w->keeper.base_freq_ppm - freq_ppm) < 0.1);
	world_run(w, 300 * NS_PER_S);
	assert_true(world_synchronised(w));
	assert_int_equal(w->steps, 0);
	assert_true(world_within(w, 50 * NS_PER_US));
	drop(w, fresh);
}

/* What the engine remembers by index follows its source. */
static void memories_by_index_move_with_their_source(void **state)
{
	struct world *w = world_running(3, 1500 * NS_PER_S);
	struct config *fresh = copy_of(w);
	int selected = w->engine.last_selected;
	char name[SOURCE_NAME_MAX];

	(void)state;
	assert_in_range(selected, 0, 2);
	strcpy(name, w->config.sources[selected].name);
	world_forget_log(w);
	take_out(fresh, selected == 0 ? 1 : 0);
	adopt(w, fresh);
	assert_string_equal(fresh->sources[w->engine.last_selected].name, name);
	assert_false(world_logged(w, "selected source"));
	drop(w, fresh);
}

static void a_long_list_of_changes_is_truncated(void **state)
{
	struct world *w = world_running(1, 60 * NS_PER_S);
	struct config *fresh = copy_of(w);
	struct {
		char text[ADOPT_TEXT_MAX], behind[ADOPT_TEXT_MAX];
	} out;

	(void)state;
	memset(&out, '#', sizeof(out));
	for (unsigned i = 1; i < 40; i++) {
		fresh->sources[i] = fresh->sources[0];
		memset(fresh->sources[i].name, 'a' + (int)(i % 26), 50);
	}
	fresh->source_count = 40;
	assert_true(engine_adopt(
	    &w->engine, fresh, room_for(fresh), world_reading(w), out.text));
	assert_int_equal(
	    strnlen(out.text, sizeof(out.text)), sizeof(out.text) - 1);
	for (size_t i = 0; i < sizeof(out.behind); i++)
		assert_int_equal(out.behind[i], '#');
	w->config.source_count = 1;
	drop(w, fresh);
}

static void two_names_of_one_server_stay_one_vote(void **state)
{
	struct world *w = world_new(3, 0, 0);
	struct config *fresh;

	(void)state;
	memcpy(w->address[2], w->address[1], sizeof(w->address[1]));
	w->peer_error_ns[1] = w->peer_error_ns[2] = 70 * NS_PER_MS;
	world_start(w);
	world_run(w, 600 * NS_PER_S);
	fresh = copy_of(w);
	adopt(w, fresh);
	world_run(w, 600 * NS_PER_S);
	assert_int_equal(world_view(w, 0).state, SELECT_NO_MAJORITY);
	drop(w, fresh);
}

static void certificates_and_ciphers_are_the_trust(void **state)
{
	struct world *w = world_new(1, 0, 0);
	struct config *old = &w->config, *fresh;

	(void)state;
	old->trust.path_count = 1;
	strcpy(old->trust.paths[0], "/a.pem");
	/* Left from a longer list. */
	strcpy(old->trust.paths[1], "/old.pem");
	old->trust.aead_count = 2;
	old->trust.aeads[0] = AEAD_AES_SIV_CMAC_256;
	old->trust.aeads[1] = AEAD_AES_128_GCM_SIV;
	fresh = copy_of(w);
	fresh->trust.paths[1][0] = '\0';
	assert_false(adopt_changes_trust(old, fresh));
	fresh->trust.system_certs = !fresh->trust.system_certs;
	assert_true(adopt_changes_trust(old, fresh));
	fresh->trust = old->trust;
	strcpy(fresh->trust.paths[0], "/b.pem");
	assert_true(adopt_changes_trust(old, fresh));
	strcpy(fresh->trust.paths[0], "/a.pem");
	fresh->trust.path_count = old->trust.path_count;
	assert_false(adopt_changes_trust(old, fresh));
	fresh->trust.crl_count = 1;
	strcpy(fresh->trust.crls[0], "/a.crl");
	assert_true(adopt_changes_trust(old, fresh));
	old->trust.crl_count = 1;
	strcpy(old->trust.crls[0], "/b.crl");
	assert_true(adopt_changes_trust(old, fresh));
	strcpy(old->trust.crls[0], "/a.crl");
	assert_false(adopt_changes_trust(old, fresh));
	fresh->trust.crl_count = old->trust.crl_count = 0;
	fresh->trust = old->trust;
	fresh->trust.path_count = 0;
	assert_true(adopt_changes_trust(old, fresh));
	fresh->trust = old->trust;
	fresh->trust.aead_count = 1;
	assert_true(adopt_changes_trust(old, fresh));
	fresh->trust = old->trust;
	fresh->trust.aeads[0] = AEAD_AES_128_GCM_SIV;
	fresh->trust.aeads[1] = AEAD_AES_SIV_CMAC_256;
	assert_true(adopt_changes_trust(old, fresh));
	free(fresh);
	free(w);
}

/* The caller has locked this memory: the keys may lie nowhere else. */
static void keys_move_into_the_memory_of_the_caller(void **state)
{
	struct world *w = world_running(2, 1500 * NS_PER_S);
	struct config *fresh = copy_of(w);
	struct source *room = room_for(fresh);

	(void)state;
	assert_true(
	    engine_adopt(&w->engine, fresh, room, world_reading(w), text));
	assert_ptr_equal(w->engine.sources, room);
	assert_true(room[0].assoc.jar.count > 0);
	world_end(w);
	free(fresh);
}

static void what_makes_a_server_another_one(void **state)
{
	static const struct {
		const char *name, *host;
		uint16_t ke_port, ntp_port;
		uint8_t family;
		const char *text;
	} table[] = {
	    {"a", "a", KE_PORT, 0, 0, "3 sources kept"},
	    {"x", "a", KE_PORT, 0, 0, "2 sources kept, x added, a removed"},
	    {"a", "x", KE_PORT, 0, 0, "2 sources kept, a added, a removed"},
	    {"a", "a", 1, 0, 0, "2 sources kept, a added, a removed"},
	    {"a", "a", KE_PORT, 1, 0, "2 sources kept, a added, a removed"},
	    {"a", "a", KE_PORT, 0, FAMILY_IPV6,
		"2 sources kept, a added, a removed"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world *w = world_running(3, 60 * NS_PER_S);
		struct config *fresh = copy_of(w);
		struct source_config *s = &fresh->sources[0];

		strcpy(s->name, table[i].name);
		strcpy(s->host, table[i].host);
		s->ke_port = table[i].ke_port;
		s->ntp_port = table[i].ntp_port;
		s->family = table[i].family;
		adopt(w, fresh);
		assert_string_equal(
		    text + strlen("the configuration was read again: "),
		    table[i].text);
		drop(w, fresh);
	}
}

/* A late answer to any of the old sources is none for the new one. */
static void a_new_source_counts_on_from_the_highest_serial(void **state)
{
	(void)state;
	for (unsigned highest = 0; highest < 3; highest++) {
		struct world *w = world_running(3, 60 * NS_PER_S);
		struct config *fresh = copy_of(w);

		for (unsigned i = 0; i < 3; i++)
			w->engine.sources[i].serial = i == highest ? 9 : 5;
		strcpy(fresh->sources[0].name, "new");
		assert_true(engine_adopt(&w->engine, fresh, room_for(fresh),
		    world_reading(w), text));
		assert_int_equal(w->engine.sources[0].serial, 10);
		w->config.source_count = 3;
		drop(w, fresh);
	}
}

/* What is under way to a source that stays where it is goes on. */
static void only_sources_that_move_or_go_are_closed(void **state)
{
	static const struct {
		unsigned taken_out;
		bool trust;
		unsigned closes;
	} table[] = {
	    {2, false, 1},
	    {1, false, 2},
	    {0, false, 3},
	    {2, true, 3},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct world *w = world_running(3, 60 * NS_PER_S);
		struct config *fresh = copy_of(w);
		unsigned closes = w->closes;

		take_out(fresh, table[i].taken_out);
		if (table[i].trust)
			strcpy(fresh->trust.paths[fresh->trust.path_count++],
			    "/ca.pem");
		assert_true(engine_adopt(&w->engine, fresh, room_for(fresh),
		    world_reading(w), text));
		assert_int_equal(w->closes - closes, table[i].closes);
		assert_int_equal(w->engine.decide_at.ns, w->mono);
		drop(w, fresh);
	}
}

static void without_a_selected_source_none_is_selected(void **state)
{
	struct world *w = world_new(2, 0, 0);
	struct config *fresh;

	(void)state;
	w->no_resolver = true;
	world_start(w);
	world_run(w, 2 * NS_PER_S);
	assert_int_equal(w->engine.last_selected, -1);
	fresh = copy_of(w);
	strcpy(fresh->sources[1].name, "new");
	assert_true(engine_adopt(
	    &w->engine, fresh, room_for(fresh), world_reading(w), text));
	assert_int_equal(w->engine.last_selected, -1);
	drop(w, fresh);
}

/* Offers are kept by index: they are made again. */
static void an_agreement_begins_again_with_other_sources(void **state)
{
	struct world *w = world_new(3, 0, 0);
	struct bootstrap *b = &w->engine.bootstrap;
	struct config *fresh;

	(void)state;
	w->config.bootstrap = BOOTSTRAP_QUORUM;
	world_start(w);
	fresh = copy_of(w);
	take_out(fresh, 0);
	b->offers[1].there = true;
	assert_true(engine_adopt(
	    &w->engine, fresh, room_for(fresh), world_reading(w), text));
	assert_true(bootstrap_open(b));
	assert_false(b->offers[1].there);
	assert_int_equal(b->configured, 2);
	assert_int_equal(b->hold_until.ns, MONO_NEVER.ns);
	/* The error of a pause is still to be corrected. */
	assert_true(bootstrap_reopen(b, NS_PER_S, world_reading(w).mono));
	assert_true(engine_adopt(&w->engine, &w->config, room_for(&w->config),
	    world_reading(w), text));
	assert_true(bootstrap_open(b));
	assert_int_equal(b->pause_ns, NS_PER_S);
	assert_int_equal(b->configured, 3);
	/* An agreement that is over stays so. */
	bootstrap_end(b);
	assert_true(engine_adopt(
	    &w->engine, fresh, room_for(fresh), world_reading(w), text));
	assert_false(bootstrap_open(b));
	drop(w, fresh);
}

struct adoption {
	struct world *world;
	struct config *fresh;
	struct source *room;
};

static bool adopt_fails(const struct adoption *a, size_t memory)
{
	struct world *w = a->world;
	size_t before;
	bool failed;

	little_memory_begin(memory);
	before = little_memory_used();
	failed = !engine_adopt(
	    &w->engine, a->fresh, a->room, world_reading(w), text);
	return failed && little_memory_used() <= before &&
	       w->engine.source_count == 1 && w->engine.config == &w->config &&
	       w->engine.sources != a->room;
}

static bool adopt_fails_with_little_memory(void *self)
{
	return adopt_fails(self, 250000);
}

/* The only source whose keys are from before the crash is gone. */
static void the_mark_of_a_crash_ends_with_the_keys_of_another_source(
    void **state)
{
	struct world *w = world_new(1, 0, 10);
	struct config *fresh;

	(void)state;
	w->keep_keys = true;
	world_start(w);
	world_run(w, 100 * NS_PER_S);
	w->jobs_crash[0] = true;
	world_run(w, 25 * 3600 * NS_PER_S);
	assert_true(w->crash_marked);
	assert_true(w->disk[0].there);
	w->jobs_crash[0] = false;
	fresh = copy_of(w);
	snprintf(fresh->sources[0].name, SOURCE_NAME_MAX, "another");
	adopt(w, fresh);
	assert_true(w->crash_marked);
	assert_false(w->disk[0].there);
	world_run(w, 100 * NS_PER_S);
	assert_int_equal(w->engine.sources[0].count.exchanges, 1);
	assert_false(w->crash_marked);
	assert_true(w->disk[0].there);
	drop(w, fresh);
}

static bool adopt_fails_without_memory(void *self)
{
	return adopt_fails(self, 0);
}

static void without_memory_the_old_configuration_stays(void **state)
{
	struct world *w = world_running(1, 60 * NS_PER_S);
	struct adoption a = {.world = w, .fresh = copy_of(w)};

	(void)state;
	for (unsigned i = 1; i < SOURCES_MAX; i++)
		a.fresh->sources[i] = a.fresh->sources[0];
	a.fresh->source_count = SOURCES_MAX;
	a.room = room_for(a.fresh);
	if (LITTLE_MEMORY_WORKS) {
		assert_true(
		    little_memory_holds(adopt_fails_with_little_memory, &a));
		assert_true(
		    little_memory_holds(adopt_fails_without_memory, &a));
	}
	free(a.room);
	drop(w, a.fresh);
}

/* Another number of sources; those that stay keep keys and address. */
static void a_pool_may_grow_and_shrink(void **state)
{
	struct world *w = world_new(5, 0, 0);
	struct config *fresh;
	int first;

	(void)state;
	world_make_pool(w, 4);
	world_start(w);
	world_run(w, 60 * NS_PER_S);
	first = world_server_of(w, 0);
	fresh = copy_of(w);
	take_out(fresh, 3);
	take_out(fresh, 2);
	assert_true(engine_adopt(
	    &w->engine, fresh, room_for(fresh), world_reading(w), text));
	assert_text("2 sources kept, p#3 removed, p#4 removed");
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->asks, 4);
	assert_int_equal(world_server_of(w, 0), first);
	assert_true(engine_adopt(&w->engine, &w->config, room_for(&w->config),
	    world_reading(w), text));
	assert_text("2 sources kept, p#3 added, p#4 added");
	world_run(w, 60 * NS_PER_S);
	assert_int_equal(w->asks, 6);
	assert_int_equal(w->most_open_asks, 1);
	assert_int_equal(world_server_of(w, 0), first);
	for (unsigned i = 0; i < 4; i++)
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(
			    world_server_of(w, i), world_server_of(w, j));
	drop(w, fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_source_that_stays_goes_on),
	    cmocka_unit_test(a_source_that_moves_keeps_keys_and_samples),
	    cmocka_unit_test(keys_move_into_the_memory_of_the_caller),
	    cmocka_unit_test(a_new_source_starts_at_once),
	    cmocka_unit_test(memories_by_index_move_with_their_source),
	    cmocka_unit_test(another_server_is_another_source),
	    cmocka_unit_test(new_options_apply_to_a_source_that_stays),
	    cmocka_unit_test(a_rate_limit_outlives_a_reload),
	    cmocka_unit_test(memories_of_a_source_move_with_it),
	    cmocka_unit_test(the_memory_of_the_first_source_stays),
	    cmocka_unit_test(a_late_answer_reaches_no_other_source),
	    cmocka_unit_test(other_certificates_mean_other_keys),
	    cmocka_unit_test(keys_of_another_trust_are_used_for_an_hour),
	    cmocka_unit_test(a_trust_that_is_corrected_gives_new_keys),
	    cmocka_unit_test(other_contents_mean_other_keys_within_minutes),
	    cmocka_unit_test(an_exchange_from_before_the_change_does_not_count),
	    cmocka_unit_test(only_new_sources_keep_the_frequency),
	    cmocka_unit_test(a_long_list_of_changes_is_truncated),
	    cmocka_unit_test(two_names_of_one_server_stay_one_vote),
	    cmocka_unit_test(certificates_and_ciphers_are_the_trust),
	    cmocka_unit_test(what_makes_a_server_another_one),
	    cmocka_unit_test(a_new_source_counts_on_from_the_highest_serial),
	    cmocka_unit_test(only_sources_that_move_or_go_are_closed),
	    cmocka_unit_test(without_a_selected_source_none_is_selected),
	    cmocka_unit_test(an_agreement_begins_again_with_other_sources),
	    cmocka_unit_test(
		the_mark_of_a_crash_ends_with_the_keys_of_another_source),
	    cmocka_unit_test(a_pool_may_grow_and_shrink),
	    cmocka_unit_test(without_memory_the_old_configuration_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
