#include "resolver/exchange.h"

#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/tcp.h>

static void lost_segments_are_those_that_never_came(void **state)
{
	static const struct {
		struct tcp_info info;
		bool if_silent, if_ended;
	} rows[] = {
	    {{0}, false, false},
	    /* What we sent has no answer from the other machine. */
	    {{.tcpi_unacked = 1, .tcpi_retransmits = 1}, true, true},
	    {{.tcpi_unacked = 1}, false, false},
	    {{.tcpi_retransmits = 1}, false, false},
	    /* A later segment came first. At an orderly end, so did the
	     * other one, later. */
	    {{.tcpi_rcv_ooopack = 1}, true, false},
	    /* The answer has begun, and stopped. */
	    {{.tcpi_bytes_received = 500, .tcpi_last_data_recv = 4000}, true,
		false},
	    {{.tcpi_bytes_received = 500, .tcpi_last_data_recv = 1}, false,
		false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (exchange_lost(&rows[i].info, true) != rows[i].if_silent ||
		    exchange_lost(&rows[i].info, false) != rows[i].if_ended)
			fail_msg("row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lost_segments_are_those_that_never_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
