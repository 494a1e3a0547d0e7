/* A chronyd in a child, on the loopback and on a UNIX socket. */
#include "agent/ctl/shadow/chronyd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/bound_udp.h"

enum habit {
	HONEST,
	REFUSES,
	ANSWERS_OTHERS, /* first with another sequence number */
	WRONG_KIND,
	MANY_SOURCES,
	KEEPS_CHANGING,
	BABBLES,
	IS_SLOW,
};

struct fake {
	pid_t pid;
	char where[100], folder[40];
};

static struct cmdmon_answer answer_of(
    enum habit habit, const struct cmdmon_request *r)
{
	static int64_t changes = 1;
	struct cmdmon_answer a = {
	    .command = r->command, .sequence = r->sequence};

	switch (r->command) {
	case CMDMON_N_SOURCES:
		a.reply = CMDMON_REPLY_N_SOURCES;
		a.source_count =
		    habit == MANY_SOURCES || habit == IS_SLOW ? 4000000000U : 2;
		break;
	case CMDMON_SOURCE_DATA:
		a.reply = CMDMON_REPLY_SOURCE_DATA;
		a.source.poll_log2_s = (int16_t)(6 + (r->index & 1));
		break;
	default:
		a.reply = CMDMON_REPLY_TRACKING;
		a.tracking.stratum = 3;
		a.tracking.reference_time_ns =
		    habit == KEEPS_CHANGING ? changes++ : 5;
		break;
	}
	if (habit == WRONG_KIND)
		a.reply = CMDMON_REPLY_ACTIVITY;
	if (habit == REFUSES)
		a = (struct cmdmon_answer){.command = r->command,
		    .sequence = r->sequence,
		    .reply = CMDMON_REPLY_NULL,
		    .status = CMDMON_NOT_AUTHORISED};
	return a;
}

/* Answers to a question that nobody has asked, without an end. */
static void babble(int fd, const struct cmdmon_answer *to,
    const struct sockaddr_storage *peer, socklen_t len)
{
	uint8_t out[CMDMON_MESSAGE_MAX];
	struct cmdmon_answer other = *to;
	size_t n;

	other.sequence ^= 1U << 31;
	n = (size_t)cmdmon_answer_write(&other, sizeof(out), out);
	for (;;) {
		sendto(fd, out, n, 0, (const struct sockaddr *)peer, len);
		poll(NULL, 0, 50);
	}
}

static void serve(int fd, enum habit habit)
{
	for (;;) {
		uint8_t in[CMDMON_MESSAGE_MAX], out[CMDMON_MESSAGE_MAX];
		struct sockaddr_storage peer;
		socklen_t len = sizeof(peer);
		struct cmdmon_request r;
		enum cmdmon_status status;
		struct cmdmon_answer a;
		ssize_t n = recvfrom(
		    fd, in, sizeof(in), 0, (struct sockaddr *)&peer, &len);

		if (n < 0 || cmdmon_request_parse(in, (size_t)n, &r, &status) !=
				 CMDMON_ANSWER)
			_exit(1);
		a = answer_of(habit, &r);
		if (habit == BABBLES)
			babble(fd, &a, &peer, len);
		n = (ssize_t)cmdmon_answer_write(&a, sizeof(out), out);
		if (habit == IS_SLOW)
			poll(NULL, 0, 800);
		if (habit == ANSWERS_OTHERS) {
			out[19] ^= 1;
			out[n - 1] ^= 1;
			sendto(fd, out, (size_t)n, 0, (struct sockaddr *)&peer,
			    len);
			out[19] ^= 1;
			out[n - 1] ^= 1;
		}
		sendto(fd, out, (size_t)n, 0, (struct sockaddr *)&peer, len);
	}
}

static void start_at(struct fake *f, int fd, enum habit habit)
{
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (f->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fd, habit);
	}
	close(fd);
}

static void start_udp(struct fake *f, enum habit habit)
{
	uint16_t port;
	int fd = bound_udp(&port);

	snprintf(f->where, sizeof(f->where), "127.0.0.1:%u", port);
	start_at(f, fd, habit);
}

static void start_unix(struct fake *f, enum habit habit)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	*f = (struct fake){.folder = "/tmp/shadow-test-XXXXXX"};
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->where, sizeof(f->where), "%s/chronyd.sock", f->folder);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", f->where);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	start_at(f, fd, habit);
}

static void end(struct fake *f)
{
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	if (f->folder[0] == '\0')
		return;
	unlink(f->where);
	/* Nothing of ours is left in chronyd's folder. */
	assert_int_equal(rmdir(f->folder), 0);
}

static bool ask(
    const char *where, struct chronyd_state *out, char why[CHRONYD_TEXT_MAX])
{
	struct chronyd c;
	bool ok = chronyd_open(&c, where, why);

	if (!ok)
		return false;
	ok = chronyd_read(&c, out, why);
	chronyd_close(&c);
	return ok;
}

static void both_sockets_tell_all(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct chronyd_state s = {0};
		char why[CHRONYD_TEXT_MAX] = "";
		struct fake f = {0};

		(i == 0 ? start_udp : start_unix)(&f, HONEST);
		if (!ask(f.where, &s, why))
			fail_msg("%s", why);
		assert_int_equal(s.count, 2);
		assert_int_equal(s.source[1].poll_log2_s, 7);
		assert_int_equal(s.tracking.stratum, 3);
		end(&f);
	}
}

static void other_answers_are_skipped(void **state)
{
	struct chronyd_state s = {0};
	char why[CHRONYD_TEXT_MAX] = "";
	struct fake f = {0};

	(void)state;
	start_udp(&f, ANSWERS_OTHERS);
	assert_true(ask(f.where, &s, why));
	assert_int_equal(s.count, 2);
	end(&f);
}

static void more_sources_than_we_have_room_for_are_cut(void **state)
{
	struct chronyd_state s = {0};
	char why[CHRONYD_TEXT_MAX] = "";
	struct fake f = {0};

	(void)state;
	start_udp(&f, MANY_SOURCES);
	assert_true(ask(f.where, &s, why));
	assert_int_equal(s.count, SOURCES_MAX);
	end(&f);
}

static void faults_are_sentences(void **state)
{
	static const struct {
		enum habit habit;
		const char *says;
	} faults[] = {
	    {REFUSES, "refuses to say how its clock is"},
	    {WRONG_KIND, "answers something else"},
	    {KEEPS_CHANGING, "changes its state while it is asked"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		struct chronyd_state s;
		char why[CHRONYD_TEXT_MAX] = "";
		struct fake f = {0};

		start_udp(&f, faults[i].habit);
		assert_false(ask(f.where, &s, why));
		if (!strstr(why, faults[i].says))
			fail_msg("%s", why);
		assert_non_null(strstr(why, f.where));
		end(&f);
	}
}

static int64_t now_s(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return ts.tv_sec;
}

/* Each of three tries has a second, whatever comes in it. */
static void a_babbler_does_not_hold_us(void **state)
{
	struct chronyd_state s;
	char why[CHRONYD_TEXT_MAX] = "";
	struct fake f = {0};
	int64_t began_s = now_s();

	(void)state;
	start_udp(&f, BABBLES);
	assert_false(ask(f.where, &s, why));
	assert_in_range(now_s() - began_s, 2, 8);
	assert_non_null(strstr(why, "does not answer as chronyd does"));
	end(&f);
}

/* Each answer comes in time, and all of them would take a minute. */
static void all_questions_have_one_limit(void **state)
{
	struct chronyd_state s;
	char why[CHRONYD_TEXT_MAX] = "";
	struct fake f = {0};
	int64_t began_s = now_s();

	(void)state;
	start_udp(&f, IS_SLOW);
	assert_false(ask(f.where, &s, why));
	assert_in_range(now_s() - began_s, 9, 15);
	end(&f);
}

/* Nothing listens there: the kernel says so at once. */
static void nobody_there_is_a_sentence(void **state)
{
	struct chronyd_state s;
	char why[CHRONYD_TEXT_MAX] = "", where[100];
	struct fake f = {0};

	(void)state;
	start_udp(&f, HONEST);
	snprintf(where, sizeof(where), "%s", f.where);
	end(&f);
	assert_false(ask(where, &s, why));
	assert_non_null(strstr(why, "is it running"));
	assert_false(ask("/tmp/no-such-folder/chronyd.sock", &s, why));
	assert_non_null(strstr(why, "cannot connect to chronyd at /tmp/no-"));
}

static void places_are_judged(void **state)
{
	static const char *const good[] = {"127.0.0.1", "127.0.0.1:323",
	    "[127.0.0.1]:323", "::1", "[::1]", "[::1]:10323"};
	static const char *const bad[] = {"", "localhost",
	    "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:3x",
	    "[::1", "[::1]x", "1.2.3", ":::1",
	    ("[0123456789012345678901234567890123456789012345678901234567890123"
	     "45678901234567890]")};
	char why[CHRONYD_TEXT_MAX];
	struct chronyd c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		why[0] = '\0';
		/* A machine may be without IPv6. */
		if (chronyd_open(&c, good[i], why))
			chronyd_close(&c);
		else if (!strstr(why, "cannot connect"))
			fail_msg("%s: %s", good[i], why);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		why[0] = '\0';
		if (chronyd_open(&c, bad[i], why))
			fail_msg("'%s' is taken", bad[i]);
		assert_true(why[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_sockets_tell_all),
	    cmocka_unit_test(other_answers_are_skipped),
	    cmocka_unit_test(more_sources_than_we_have_room_for_are_cut),
	    cmocka_unit_test(faults_are_sentences),
	    cmocka_unit_test(a_babbler_does_not_hold_us),
	    cmocka_unit_test(all_questions_have_one_limit),
	    cmocka_unit_test(nobody_there_is_a_sentence),
	    cmocka_unit_test(places_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
