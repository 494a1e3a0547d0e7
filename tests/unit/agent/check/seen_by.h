/* A source and what was seen of it, for tests: all is good at first. */
#ifndef TESTS_UNIT_AGENT_CHECK_SEEN_BY_H
#define TESTS_UNIT_AGENT_CHECK_SEEN_BY_H

#include "agent/check/judge.h"

#include <stdio.h>
#include <string.h>

#define NOW_S INT64_C(1800000000)
#define DAY_S INT64_C(86400)

static inline struct endpoint endpoint_of(const char *address, uint16_t port)
{
	struct endpoint e = {.family = 4, .port = port};
	unsigned a[4] = {0};

	(void)sscanf(address, "%u.%u.%u.%u", &a[0], &a[1], &a[2], &a[3]);
	for (int i = 0; i < 4; i++)
		e.address[i] = (uint8_t)a[i];
	return e;
}

static inline struct probe good_probe(void)
{
	struct probe p = {.keys_tried = true, .complete = true};
	struct probe_keys *k = &p.keys;

	k->stage = KE_STAGE_DONE;
	k->have_keys = true;
	k->aead = 15;
	k->cookies = 8;
	k->cookie_len = 100;
	k->address = endpoint_of("192.0.2.1", 123);
	k->facts.peer = endpoint_of("192.0.2.1", 4460);
	k->facts.not_before = NOW_S - DAY_S;
	k->facts.not_after = NOW_S + 90 * DAY_S;
	strcpy(k->facts.subject, "CN=ntp");
	strcpy(k->facts.tls, "TLSv1.3 TLS_AES_256_GCM_SHA384 x25519");
	k->details.names.count = 1;
	k->details.names.at[0] = k->facts.peer;
	strcpy(k->details.group, "x25519");
	strcpy(k->details.certificate.subject, "CN=ntp");
	strcpy(k->details.certificate.issuer, "CN=CA");
	strcpy(k->details.certificate.names, "DNS \"ntp.example\"");
	strcpy(k->details.certificate.fingerprint, "00ff");
	k->details.certificate.not_before = k->facts.not_before;
	k->details.certificate.not_after = k->facts.not_after;
	p.time = (struct probe_time){
	    .sent = 4,
	    .answered = 4,
	    .have_sample = true,
	    .passed_size = 852,
	    .sample =
		{
		    .offset_ns = 1500,
		    .delay_ns = 200000,
		    .distance_ns = 1000000,
		    .server_s = NOW_S,
		    .stratum = 2,
		},
	};
	return p;
}

static inline struct source_config good_source(const char *name)
{
	struct source_config s;

	config_source_defaults(&s);
	snprintf(s.name, sizeof(s.name), "%s", name);
	snprintf(s.host, sizeof(s.host), "%s.example", name);
	return s;
}

static const struct judge_limits usual_limits = {
    .max_distance_ns = 3 * NS_PER_S, .now_s = NOW_S};

#endif
