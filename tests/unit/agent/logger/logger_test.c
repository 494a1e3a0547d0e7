/* The lines, next to lines of chronyd 4.3, and the files. */
#include "agent/logger/lines.h"
#include "agent/logger/logger.h"
#include "agent/link/start_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/log_text.h"
#include "tests/unit/read_file.h"

/* 2016-08-10 05:40:50 */
#define AT_NS (INT64_C(1470807650) * NS_PER_S)

static struct log_record record(enum log_kind kind, const char *address)
{
	struct log_record r = {
	    .at_ns = AT_NS + 999 * NS_PER_MS,
	    .kind = (uint32_t)kind,
	    .stratum = 2,
	    .address = {.family = strchr(address, ':') ? 6 : 4},
	};

	assert_int_equal(inet_pton(r.address.family == 6 ? AF_INET6 : AF_INET,
			     address, r.address.address),
	    1);
	return r;
}

static struct log_record measurement(void)
{
	struct log_record r = record(LOG_MEASUREMENT, "203.0.113.15");

	r.measurement = (struct log_measurement){
	    .offset = -4.966e-3,
	    .delay = 2.296e-1,
	    .dispersion = 1.577e-5,
	    .root_delay = 1.615e-1,
	    .root_dispersion = 7.446e-3,
	    .reference_id = 0xCB00717B,
	    .local_poll = 10,
	    .remote_poll = 10,
	    .max_delay = 1,
	    .max_delay_ratio = 1,
	    .tx_stamp = STAMP_DAEMON,
	    .rx_stamp = STAMP_KERNEL,
	};
	return r;
}

static struct log_record statistics(void)
{
	struct log_record r = record(LOG_STATISTICS, "203.0.113.15");

	r.statistics = (struct log_statistics){
	    .std_dev = 6.261e-3,
	    .offset = -3.247e-3,
	    .offset_sd = 2.220e-3,
	    .freq = 1.874e-6,
	    .skew = 1.080e-6,
	    .stress = 7.8e-2,
	    .samples = 16,
	    .runs = 8,
	};
	return r;
}

static struct log_record tracking(void)
{
	struct log_record r = record(LOG_TRACKING, "203.0.113.15");

	r.stratum = 3;
	r.tracking = (struct log_tracking){
	    .freq_ppm = 1.133,
	    .skew_ppm = 0.002,
	    .offset = -8.642e-6,
	    .offset_sd = 1.1e-5,
	    .root_delay = 2.2e-3,
	    .root_dispersion = 3.3e-4,
	    .max_error = 4.4e-3,
	    .combined = 4,
	};
	return r;
}

/* What chronyd 4.3 prints for these values. */
static const struct {
	struct log_record (*make)(void);
	const char *line;
} lines[] = {
    {measurement,
	"2016-08-10 05:40:50 203.0.113.15    N  2 111 111 1111  10 10 0.00 "
	"-4.966e-03  2.296e-01  1.577e-05  1.615e-01  7.446e-03 CB00717B 4B D "
	"K"},
    {statistics,
	"2016-08-10 05:40:50 203.0.113.15     6.261e-03 -3.247e-03  2.220e-03 "
	" 1.874e-06  1.080e-06 7.8e-02  16   0   8  0.00"},
    {tracking, "2016-08-10 05:40:50 203.0.113.15     3      1.133      0.002 "
	       "-8.642e-06 N  4  1.100e-05  0.000e+00  2.200e-03  3.300e-04  "
	       "4.400e-03"},
};

static void lines_are_those_of_chronyd(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct log_record r = lines[i].make();
		char line[LINE_TEXT_MAX];

		lines_write(&r, line);
		assert_string_equal(line, lines[i].line);
	}
}

static void letters_and_long_addresses(void **state)
{
	struct log_record r =
	    record(LOG_MEASUREMENT, "fd15:4ba5:5a2b:1008:192:168:132:1111");
	char line[LINE_TEXT_MAX];

	(void)state;
	r.leap = LEAP_DELETE;
	r.measurement.tx_stamp = STAMP_HARDWARE;
	r.measurement.max_delay_ratio = 1;
	lines_write(&r, line);
	assert_non_null(strstr(
	    line, " fd15:4ba5:5a2b:1008:192:168:132:1111 -  2 111 111 0111 "));
	assert_string_equal(line + strlen(line) - 6, "4B H D");
}

/* The largest values of a good record fit into a line. */
static void the_longest_line_fits(void **state)
{
	struct log_record r = statistics();
	char line[LINE_TEXT_MAX];

	(void)state;
	r.address =
	    record(LOG_TRACKING, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
		.address;
	r.at_ns = INT64_C(9223372036) * NS_PER_S;
	r.statistics = (struct log_statistics){
	    -1e12, -1e12, -1e12, -1e12, -1e12, -1e12, 9999, 9999, 0};
	lines_write(&r, line);
	assert_in_range(strlen(line), 100, 200);
	assert_int_equal(memcmp(line, "2262-04-11 ", 11), 0);
}

/* The files. */

struct room {
	struct logger logger;
	char folder[32];
};

static int make(void **state)
{
	struct room *r = calloc(1, sizeof(*r));
	struct log_order order = {.banner = 32};

	assert_non_null(r);
	strcpy(r->folder, "/tmp/logger-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	strcpy(order.folder, r->folder);
	logger_init(&r->logger, &order);
	log_open(LOG_TO_STDERR, LOG_LEVEL_ERROR);
	*state = r;
	return 0;
}

static int drop(void **state)
{
	struct room *r = *state;
	char command[64];
	int result;

	logger_close(&r->logger);
	snprintf(command, sizeof(command), "rm -rf %s", r->folder);
	result = system(command);
	free(r);
	return result;
}

static char *path_of(const struct room *r, const char *name, char out[96])
{
	snprintf(out, 96, "%s/%s", r->folder, name);
	return out;
}

static char *contents(const struct room *r, const char *name)
{
	char path[96];

	return read_file(path_of(r, name, path));
}

static unsigned count_lines(const char *text, const char *begin)
{
	unsigned count = 0;

	for (; *text; text += strcspn(text, "\n") + 1)
		count += strncmp(text, begin, strlen(begin)) == 0;
	return count;
}

static void put(struct room *r, enum log_kind kind, unsigned times)
{
	struct log_record record = kind == LOG_MEASUREMENT  ? measurement()
				   : kind == LOG_STATISTICS ? statistics()
							    : tracking();

	while (times-- > 0)
		logger_take(&r->logger, &record);
}

static void a_banner_comes_every_32_lines(void **state)
{
	struct room *r = *state;
	char *text;

	for (int kind = 0; kind < LOG_FILES; kind++) {
		put(r, (enum log_kind)kind, 65);
		text = contents(r, lines_file((enum log_kind)kind));
		assert_int_equal(count_lines(text, "2016-"), 65);
		assert_int_equal(count_lines(text, "==="), 6);
		assert_int_equal(count_lines(text, "   Date (UTC) Time"), 3);
		/* The rule is as long as the heading. */
		assert_int_equal(strcspn(text, "\n"),
		    strlen(lines_banner((enum log_kind)kind)));
		free(text);
	}
}

static void without_a_banner_there_are_only_lines(void **state)
{
	struct room *r = *state;
	char *text;

	r->logger.order.banner = 0;
	put(r, LOG_TRACKING, 40);
	text = contents(r, "tracking.log");
	assert_int_equal(count_lines(text, ""), 40);
	assert_int_equal(count_lines(text, "2016-"), 40);
	free(text);
}

static void a_file_goes_on_where_it_ended(void **state)
{
	struct room *r = *state;
	char path[96], *text;
	struct stat st;

	umask(077);
	put(r, LOG_TRACKING, 1);
	assert_int_equal(stat(path_of(r, "tracking.log", path), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(chmod(path, 0640), 0);
	logger_close(&r->logger);
	put(r, LOG_TRACKING, 1);
	text = contents(r, "tracking.log");
	assert_int_equal(count_lines(text, "2016-"), 2);
	free(text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

/* Until the order, the lines go to the file that was renamed. */
static void a_rotation_loses_no_line(void **state)
{
	const struct log_record cycle = {.kind = LOG_CYCLE};
	struct room *r = *state;
	char old[96], new[96], *text;

	put(r, LOG_STATISTICS, 3);
	assert_int_equal(rename(path_of(r, "statistics.log", old),
			     path_of(r, "statistics.log.1", new)),
	    0);
	put(r, LOG_STATISTICS, 2);
	logger_take(&r->logger, &cycle);
	put(r, LOG_STATISTICS, 1);
	text = contents(r, "statistics.log.1");
	assert_int_equal(count_lines(text, "2016-"), 5);
	free(text);
	/* A new file begins with a banner. */
	text = contents(r, "statistics.log");
	assert_int_equal(count_lines(text, "2016-"), 1);
	assert_int_equal(count_lines(text, "==="), 2);
	free(text);
}

/* What the logger says in the meantime; the caller frees it. */
static char *heard(struct room *r, void (*act)(struct room *))
{
	struct log_text said;

	log_text_begin(&said);
	log_open(LOG_TO_STDERR, LOG_LEVEL_NOTICE);
	act(r);
	return strdup(log_text_end(&said));
}

static void write_into_nothing(struct room *r)
{
	char gone[96];

	assert_int_equal(
	    rename(r->folder, strcat(strcpy(gone, r->folder), ".")), 0);
	put(r, LOG_TRACKING, 3);
	assert_int_equal(rename(gone, r->folder), 0);
	put(r, LOG_TRACKING, 1);
}

static void a_missing_folder_is_one_sentence(void **state)
{
	struct room *r = *state;
	char *said = heard(r, write_into_nothing), *text;

	assert_int_equal(count_lines(said, ""), 2);
	assert_non_null(
	    strstr(said, "/tracking.log: No such file or directory: "
			 "its lines are lost until this is over; "
			 "if its folder was made again"));
	assert_non_null(
	    strstr(said, "/tracking.log is written again; 3 lines are lost"));
	text = contents(r, "tracking.log");
	assert_int_equal(count_lines(text, "2016-"), 1);
	free(text);
	free(said);
}

/* A limit of the size of files acts as a full disk. */
static void write_beyond_the_limit(struct room *r)
{
	struct rlimit old, small;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){.rlim_cur = 1000, .rlim_max = old.rlim_max};
	r->logger.order.banner = 0;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	put(r, LOG_STATISTICS, 20);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	put(r, LOG_STATISTICS, 1);
}

static void a_full_disk_is_one_sentence_and_leaves_whole_lines(void **state)
{
	struct room *r = *state;
	char *said = heard(r, write_beyond_the_limit), *text;
	size_t len = strlen(lines[LOG_STATISTICS].line) + 1;

	assert_int_equal(count_lines(said, ""), 2);
	assert_non_null(strstr(said, "its lines are lost until this is over"));
	text = contents(r, "statistics.log");
	assert_int_equal(strlen(text), (1000 / len + 1) * len);
	assert_int_equal(
	    count_lines(text, lines[LOG_STATISTICS].line), 1000 / len + 1);
	free(text);
	free(said);
}

/* The folder belongs to the agent's user, and nobody else's file is written. */
static void no_link_is_followed(void **state)
{
	struct room *r = *state;
	char target[96], path[96];
	struct stat st;

	assert_int_equal(symlink(path_of(r, "target", target),
			     path_of(r, "tracking.log", path)),
	    0);
	put(r, LOG_TRACKING, 1);
	assert_int_equal(stat(target, &st), -1);
}

/* The process, and what it refuses. */

static void the_process_writes_until_the_engine_ends(void **state)
{
	struct room *r = *state;
	struct log_record record = tracking();
	int link[2];
	char *text;

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link), 0);
	assert_true(
	    start_send(link[0], &r->logger.order, sizeof(r->logger.order)));
	assert_int_equal(log_send(link[0], &record), 1);
	assert_int_equal(log_send(link[0], &record), 1);
	shutdown(link[0], SHUT_WR);
	assert_int_equal(logger_main(link[1]), 0);
	close(link[1]);
	assert_int_equal(log_send(link[0], &record), -1);
	close(link[0]);
	text = contents(r, "tracking.log");
	assert_int_equal(count_lines(text, "2016-"), 2);
	free(text);
}

/* Runs the process with one record, and returns what the engine hears. */
static int answer_of_the_process(struct room *r, int32_t *error)
{
	struct log_record record = tracking();
	int link[2], heard;

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link), 0);
	assert_true(
	    start_send(link[0], &r->logger.order, sizeof(r->logger.order)));
	assert_int_equal(log_send(link[0], &record), 1);
	shutdown(link[0], SHUT_WR);
	assert_int_equal(logger_main(link[1]), 0);
	heard = log_hear(link[0], error);
	assert_int_equal(log_hear(link[0], error), 0);
	close(link[1]);
	assert_int_equal(log_hear(link[0], error), -1);
	close(link[0]);
	return heard;
}

static void the_engine_hears_what_cannot_be_written(void **state)
{
	struct room *r = *state;
	int32_t error = 0;

	assert_int_equal(answer_of_the_process(r, &error), 0);
	strcpy(r->logger.order.folder, "/nowhere/at/all");
	assert_int_equal(answer_of_the_process(r, &error), 1);
	assert_int_equal(error, ENOENT);
}

static void an_answer_that_is_not_an_errno_is_refused(void **state)
{
	int32_t error = -1;
	int link[2];

	(void)state;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link), 0);
	log_tell(link[1], -1);
	assert_int_equal(log_hear(link[0], &error), -1);
	assert_int_equal(send(link[1], "x", 1, 0), 1);
	assert_int_equal(log_hear(link[0], &error), -1);
	close(link[0]);
	close(link[1]);
}

static void one_file_that_cannot_be_written_is_enough(void **state)
{
	struct room *r = *state;

	assert_int_equal(logger_error(&r->logger), 0);
	r->logger.files[LOG_STATISTICS].error = ENOSPC;
	assert_int_equal(logger_error(&r->logger), ENOSPC);
	put(r, LOG_TRACKING, 1);
	assert_int_equal(logger_error(&r->logger), ENOSPC);
	put(r, LOG_STATISTICS, 1);
	assert_int_equal(logger_error(&r->logger), 0);
}

static void a_full_link_blocks_nobody(void **state)
{
	struct log_record record = tracking();
	int link[2], sent = 0;

	(void)state;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link), 0);
	while (log_send(link[0], &record) == 1)
		sent++;
	assert_in_range(sent, 10, 100000);
	assert_int_equal(log_send(link[0], &record), 0);
	close(link[0]);
	close(link[1]);
}

static void bad_orders_are_refused(void **state)
{
	struct log_order o = {.folder = "/tmp"};

	(void)state;
	assert_true(log_order_valid(&o));
	strcpy(o.folder, "tmp");
	assert_false(log_order_valid(&o));
	memset(o.folder, '/', sizeof(o.folder));
	assert_false(log_order_valid(&o));
}

static int passes(const struct log_record *r)
{
	int link[2], got;
	struct log_record out;

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, link), 0);
	assert_int_equal(send(link[0], r, sizeof(*r), 0), sizeof(*r));
	got = log_receive(link[1], &out);
	close(link[0]);
	close(link[1]);
	return got;
}

/* A bad value would break a column, or the time. */
static void bad_records_are_refused(void **state)
{
	static const double bad[] = {1e13, -1e13, HUGE_VAL, -HUGE_VAL};
	struct log_record r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		r = lines[i].make();
		assert_int_equal(passes(&r), 1);
		r.at_ns = -1;
		assert_int_equal(passes(&r), -1);
		r = lines[i].make();
		r.kind = LOG_KINDS;
		assert_int_equal(passes(&r), -1);
		r = lines[i].make();
		r.leap = 4;
		assert_int_equal(passes(&r), -1);
		r = lines[i].make();
		r.stratum = 17;
		assert_int_equal(passes(&r), -1);
		r = lines[i].make();
		r.address.family = 0;
		assert_int_equal(passes(&r), -1);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		r = measurement();
		r.measurement.root_dispersion = bad[i];
		assert_int_equal(passes(&r), -1);
		r = statistics();
		r.statistics.stress = bad[i];
		assert_int_equal(passes(&r), -1);
		r = tracking();
		r.tracking.max_error = bad[i];
		assert_int_equal(passes(&r), -1);
	}
	r = measurement();
	r.measurement.tx_stamp = 3;
	assert_int_equal(passes(&r), -1);
	r = measurement();
	r.measurement.max_delay = 2;
	assert_int_equal(passes(&r), -1);
	r = measurement();
	r.measurement.local_poll = 100;
	assert_int_equal(passes(&r), -1);
	r = statistics();
	r.statistics.runs = 10000;
	assert_int_equal(passes(&r), -1);
	r = tracking();
	r.tracking.combined = 65;
	assert_int_equal(passes(&r), -1);
	r = (struct log_record){.kind = LOG_CYCLE};
	assert_int_equal(passes(&r), 1);
}

#define IN_ROOM(test) cmocka_unit_test_setup_teardown(test, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_are_those_of_chronyd),
	    cmocka_unit_test(letters_and_long_addresses),
	    cmocka_unit_test(the_longest_line_fits),
	    IN_ROOM(a_banner_comes_every_32_lines),
	    IN_ROOM(without_a_banner_there_are_only_lines),
	    IN_ROOM(a_file_goes_on_where_it_ended),
	    IN_ROOM(a_rotation_loses_no_line),
	    IN_ROOM(a_missing_folder_is_one_sentence),
	    IN_ROOM(a_full_disk_is_one_sentence_and_leaves_whole_lines),
	    IN_ROOM(no_link_is_followed),
	    IN_ROOM(the_process_writes_until_the_engine_ends),
	    IN_ROOM(the_engine_hears_what_cannot_be_written),
	    IN_ROOM(one_file_that_cannot_be_written_is_enough),
	    cmocka_unit_test(an_answer_that_is_not_an_errno_is_refused),
	    cmocka_unit_test(a_full_link_blocks_nobody),
	    cmocka_unit_test(bad_orders_are_refused),
	    cmocka_unit_test(bad_records_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
