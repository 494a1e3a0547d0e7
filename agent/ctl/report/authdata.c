#include "agent/ctl/print/text.h"
#include "agent/ctl/report/report.h"

#include <math.h>

#define SOURCE(m) .field = FIELD(struct status_source, m)

/* clang-format off */
static const struct column columns[] = {
	{SOURCE(name)}, {SOURCE(host)}, {SOURCE(address)},
	/* chronyc's column Mode; ours is always NTS. */
	{SOURCE(nts.exchanges),  format_count, "  NTS ", 5},
	{SOURCE(nts.aead),       format_count, " ",      4},
	{SOURCE(nts.key_bits),   format_count, " ",      4},
	{SOURCE(nts.last_s),     format_age,   " ",      4, .if_null = NAN},
	{SOURCE(nts.attempts),   format_count, " ",      4},
	{SOURCE(nts.naks),       format_count, " ",      4},
	{SOURCE(nts.cookies),    format_count, " ",      4},
	{SOURCE(nts.cookie_len), format_count, " ",      4},
	{SOURCE(nts.aead_name)}, {SOURCE(nts.ke_address)},
	{SOURCE(nts.ke_port)}, {SOURCE(nts.tls)}, {SOURCE(nts.cert_subject)},
	{SOURCE(nts.cert_not_before)}, {SOURCE(nts.cert_not_after)},
	{SOURCE(nts.cert_days_left)}, {SOURCE(nts.crashes)},
};
/* clang-format on */

static const char legend[] =
    "\n"
    "  Mode   always NTS: this agent never asks a server without it\n"
    "  KeyID  successful key exchanges since the start\n"
    "  Type   AEAD algorithm: 15 AES-SIV-CMAC-256, 17 AES-SIV-CMAC-512,\n"
    "         30 AES-128-GCM-SIV\n"
    "  KLen   length of a key in bits\n"
    "  Last   age of the keys\n"
    "  Atmp   key exchanges tried since the last authentic answer\n"
    "  NAK    NTS NAKs received: the server could not decrypt our cookie\n"
    "  Cook   cookies in store, at most 8\n"
    "  CLen   length of a cookie in bytes\n"
    "  Below a server: TLS version, cipher suite and group of the last key\n"
    "  exchange.\n"
    "  Type and KLen are 0 as long as there are no keys.\n"
    "\n";

static void put_note(const struct status_source *s, const struct view *v)
{
	if (s->nts.tls)
		text_put_wrapped(v->out, "   ", s->nts.tls, v->width);
}

static const struct table table = {
    .member = "sources",
    .legend = legend,
    .note = put_note,
    .name_heading = "Name/IP address",
    .heading = "             Mode KeyID Type KLen Last Atmp  NAK Cook CLen",
    .name_width = 27,
    .rule = 73,
    .columns = columns,
    .column_count = ARRAY_LEN(columns),
};

enum exit_status report_authdata(const struct snapshot *s, const struct view *v)
{
	return table_put(&table, s, v) ? EXIT_OK : EXIT_NO_STATUS;
}
