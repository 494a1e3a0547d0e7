/* What the configuration, the build and the kernel make of the sandbox. */
#include "agent/launch/confine.h"

#include "tests/unit/agent/host/sandbox/fake_sandbox.h"
#include "tests/unit/agent/launch/heard.h"

/* What the last request names to read. */
static struct {
	char reads[8][64];
	unsigned read_count;
} asked;

bool sandbox_enter(const struct sandbox_request *r, char why[SANDBOX_TEXT_MAX])
{
	asked.read_count = r->read_count;
	for (unsigned i = 0; i < r->read_count && i < ARRAY_LEN(asked.reads);
	     i++)
		snprintf(
		    asked.reads[i], sizeof(asked.reads[i]), "%s", r->reads[i]);
	snprintf(why, SANDBOX_TEXT_MAX, "%s", "a step failed");
	return false;
}

static void each_choice_has_its_level(void **state)
{
	static const struct {
		enum confinement wanted;
		const char *missing, *impossible;
		bool starts;
		enum sandbox_level level;
		const char *says; /* "": nothing */
	} rows[] = {
	    {CONFINEMENT_YES, "", "", true, SANDBOX_ON, ""},
	    {CONFINEMENT_REQUIRE, "", "", true, SANDBOX_ON, ""},
	    {CONFINEMENT_NO, "Landlock", "a build", true, SANDBOX_OFF, ""},
	    {CONFINEMENT_LOG, "", "", true, SANDBOX_LOG,
		"sandbox = log: nothing is denied"},
	    {CONFINEMENT_YES, "Landlock", "", true, SANDBOX_ON,
		"this kernel has no Landlock: the sandbox works without"},
	    {CONFINEMENT_REQUIRE, "Landlock", "", false, SANDBOX_ON,
		"this kernel has no Landlock, and sandbox = require: not "
		"started"},
	    {CONFINEMENT_YES, "", "a build", true, SANDBOX_OFF,
		"there is no sandbox: a build"},
	    {CONFINEMENT_LOG, "", "a build", true, SANDBOX_OFF,
		"there is no sandbox: a build"},
	    {CONFINEMENT_REQUIRE, "", "a build", false, SANDBOX_OFF,
		"there is no sandbox: a build"},
	};
	struct heard *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum sandbox_level level = SANDBOX_LOG;

		fake_sandbox.missing = rows[i].missing;
		fake_sandbox.impossible = rows[i].impossible;
		assert_int_equal(
		    confine_decide(rows[i].wanted, &level), rows[i].starts);
		assert_int_equal(level, rows[i].level);
		if (rows[i].says[0])
			heard_says(h, rows[i].says);
		else
			heard_nothing(h);
	}
}

static void the_status_says_what_is_missing(void **state)
{
	char text[CONFINE_TEXT_MAX];

	(void)state;
	fake_sandbox.missing = "Landlock";
	confine_text(SANDBOX_ON, text);
	assert_string_equal(text, "on, but this kernel has no Landlock");
	confine_text(SANDBOX_LOG, text);
	assert_string_equal(text, "log");
	confine_text(SANDBOX_OFF, text);
	assert_string_equal(text, "off");
	fake_sandbox.missing = "";
	confine_text(SANDBOX_ON, text);
	assert_string_equal(text, "on");
}

static void a_process_that_cannot_enter_must_end(void **state)
{
	const struct process_context c = {.sandbox = SANDBOX_ON};
	struct heard *h = *state;

	assert_false(confine(&c));
	heard_says(h, "a step failed");
}

/* On some systems links lead from /etc/ssl to a folder that no list knows. */
static void a_job_reads_all_that_it_may_trust(void **state)
{
	struct process_context c = {.profile = SANDBOX_JOB};
	const struct ke_request request = {.ke_port = 4460};
	struct trust_config trust = {.path_count = 1, .crl_count = 1};

	(void)state;
	setenv("SSL_CERT_FILE", "/srv/certs.pem", 1);
	setenv("SSL_CERT_DIR", "/srv/certs", 1);
	strcpy(trust.paths[0], "/srv/root.pem");
	strcpy(trust.crls[0], "/srv/crl.pem");
	assert_false(confine_job(&c, &request, &trust));
	assert_int_equal(asked.read_count, 2);
	trust.system_certs = true;
	assert_false(confine_job(&c, &request, &trust));
	assert_int_equal(asked.read_count, 4);
	assert_string_equal(asked.reads[0], "/srv/root.pem");
	assert_string_equal(asked.reads[1], "/srv/crl.pem");
	assert_string_equal(asked.reads[2], "/srv/certs.pem");
	assert_string_equal(asked.reads[3], "/srv/certs");
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, heard_make, heard_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(each_choice_has_its_level),
	    cmocka_unit_test(the_status_says_what_is_missing),
	    TEST(a_process_that_cannot_enter_must_end),
	    TEST(a_job_reads_all_that_it_may_trust),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
