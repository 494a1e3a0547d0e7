/*
 * The NTP header and its extension fields. What is taken has the same bytes
 * when it is put.
 */
#include "nts/ntp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_times(const struct ntp_header *h)
{
	const int64_t half_era_ns = (INT64_C(1) << 31) * NS_PER_S;
	/* A time between 1883 and 2116. */
	struct wall pivot = {
	    (int64_t)h->reference / 5 + INT64_C(950000000) * NS_PER_S};
	struct wall t = ntp_to_wall(h->transmit, pivot);

	check(t.ns - pivot.ns <= half_era_ns && pivot.ns - t.ns <= half_era_ns);
	/* A nanosecond has 4.3 units of the timestamp. */
	check(ntp_from_wall(t) - h->transmit + 5 <= 10);
	check(ntp_short_to_ns(h->root_delay) >= 0);
}

static void check_field(const struct ntp_field *f, const uint8_t *data)
{
	uint8_t *again = malloc(f->body.left + 4);
	struct writer w = writer_of(again, f->body.left + 4);
	size_t mark = ntp_field_begin(&w, f->type);

	check(f->body.at == data + f->offset + 4);
	check(f->body.left >= 12 && f->body.left % 4 == 0);
	put_bytes(&w, f->body.at, f->body.left);
	ntp_field_end(&w, mark, 16);
	check(w.ok && w.len == f->body.left + 4);
	check(memcmp(again, data + f->offset, w.len) == 0);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(data, size);
	uint8_t again[NTP_HEADER_LEN];
	struct writer w = writer_of(again, sizeof(again));
	struct ntp_header h;
	struct ntp_field f;

	if (!ntp_header_take(&r, &h)) {
		check(size < NTP_HEADER_LEN);
		return 0;
	}
	ntp_header_put(&w, &h);
	check(w.ok && memcmp(again, data, sizeof(again)) == 0);
	check_times(&h);
	while (ntp_field_take(&r, data, &f))
		check_field(&f, data);
	check(!r.ok || reader_done(&r));
	return 0;
}
