/* The arguments of orders: subnets, and the length of a burst. */
#include "agent/ctl/control.h"

#include "tests/unit/agent/ctl/captured.h"
#include "tests/unit/agent/ctl/fake_agent.h"

static void subnets_are_understood(void **state)
{
	static const struct {
		const char *subnet, *address;
		bool has;
	} rows[] = {
	    {"10.77.3.1/32", "10.77.3.1", true},
	    {"10.77.3.1/32", "10.77.3.2", false},
	    {"10.77.3.0/24", "10.77.3.200", true},
	    {"10.77.3.0/24", "10.77.4.1", false},
	    {"10.77.3.9/24", "10.77.3.200", true},
	    {"10.77.0.0/15", "10.76.3.1", true},
	    {"255.255.255.0/10.77.3.0", "10.77.3.7", true},
	    {"255.255.255.0/10.77.3.0", "10.77.2.7", false},
	    {"0.0.0.0/0", "192.0.2.1", true},
	    {"0.0.0.0/0", "fd77::1", false},
	    {"fd77:3::/32", "fd77:3:9::1", true},
	    {"fd77:3::/32", "fd77:4::1", false},
	    {"fd77:3::1/128", "fd77:3:0::1", true},
	    {"ffff::/fd77::", "fd77:9::1", true},
	    {"::/0", "fd77::1", true},
	    {"10.77.3.1/32", "no address", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct subnet net;

		assert_true(subnet_parse(&net, rows[i].subnet));
		if (subnet_has(&net, rows[i].address) != rows[i].has)
			fail_msg("%s %s", rows[i].subnet, rows[i].address);
	}
}

static void what_is_no_subnet_is_refused(void **state)
{
	static const char *const texts[] = {"", "/", "ntpserver", "10.77.3.1",
	    "10.77.3.0/33", "10.77.3.0/", "10.77.3.0/-1", "10.77.3.0/2x",
	    "fd77::/129", "255.0.0.0/fd77::", "ffff::/10.77.3.1", "/24",
	    "10.77.3.0/24/1",
	    ("1111111111111111111111111111111111111111111111111111111111111111"
	     "/1")};
	struct subnet net;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (subnet_parse(&net, texts[i]))
			fail_msg("%s", texts[i]);
}

static void bursts_have_a_length(void **state)
{
	(void)state;
	assert_true(control_is_burst("4/8"));
	assert_false(control_is_burst("4"));
	assert_false(control_is_burst("4/"));
	assert_false(control_is_burst("/8"));
	assert_false(control_is_burst("4/8x"));
	assert_false(control_is_burst("ntpserver"));
}

static void a_source_has_several_names(void **state)
{
	struct status_source s = {.name = "office",
	    .host = "ntp.example.net",
	    .address = "fd77:3::1"};

	(void)state;
	assert_true(control_means(&s, "office"));
	assert_true(control_means(&s, "ntp.example.net"));
	assert_false(control_means(&s, "lan"));
	s.pool = "lan";
	assert_true(control_means(&s, "lan"));
	assert_true(control_means(&s, "fd77:3:0:0::1"));
	assert_true(control_means(&s, "fd77:3::/64"));
	assert_false(control_means(&s, "fd77:4::/64"));
	assert_false(control_means(&s, "home"));
	s.address = NULL;
	s.number = 3;
	assert_false(control_means(&s, "::/0"));
	assert_true(control_means(&s, "ID#0000000003"));
	assert_false(control_means(&s, "ID#0000000002"));
	/* The file has the address of a server that never answered. */
	s.host = "fd77:3:0:0::7";
	assert_true(control_means(&s, "fd77:3::/64"));
	assert_true(control_means(&s, "fd77:3::7"));
	assert_false(control_means(&s, "fd77:4::/64"));
}

static struct captured run(
    const char *socket, const char *name, const char *argument)
{
	struct captured o;
	struct control c;
	char word[80], *argv[] = {word, NULL};

	captured_begin(&o);
	c = (struct control){"ntsctl", socket, o.to_out, o.to_errors};
	snprintf(word, sizeof(word), "%s", argument ? argument : "");
	o.status = (int)control_run(&c, name, argument ? 1 : 0, argv);
	captured_end(&o);
	return o;
}

static void assert_run(const char *name, const char *argument,
    enum exit_status status, const char *errors)
{
	struct captured o = run("/nonexistent/status.sock", name, argument);

	assert_int_equal(o.status, status);
	assert_string_equal(o.out, "");
	assert_contains(o.errors, errors);
	captured_free(&o);
}

static void wrong_arguments_reach_no_agent(void **state)
{
	(void)state;
	assert_true(control_knows("burst"));
	assert_false(control_knows("dance"));
	assert_run("dance", NULL, EXIT_USAGE, "not an order");
	assert_run("reload", "files", EXIT_USAGE, "reload takes [sources]");
	assert_run("reset", "all", EXIT_USAGE, "reset takes [sources]");
	assert_run("reset", "sources", EXIT_NO_STATUS, "not running");
	assert_run("reselect", "now", EXIT_USAGE, "too many arguments");
	assert_run("makestep", "1", EXIT_REFUSED, "ntsctl reload");
	assert_run("burst", "123456789012/1234567890", EXIT_USAGE, "too long");
	assert_run("burst", "4/8", EXIT_NO_STATUS, "not running");
	assert_run("online", "10.0.0.0/8", EXIT_NO_STATUS, "not running");
	assert_run("cyclelogs", NULL, EXIT_NO_STATUS, "not running");
}

/* The agent that answers has no control socket. */
static void a_target_that_nobody_has_is_refused(void **state)
{
	char *json = read_file(HERE "snapshot.json");
	struct fake_agent a;
	struct captured o;

	(void)state;
	agent_start(&a, (const char *const[]){json}, 1);
	o = run(a.path, "offline", "192.0.2.0/24");
	assert_int_equal(o.status, EXIT_REFUSED);
	assert_contains(
	    o.errors, "no source has the name or address '192.0.2.0/24'");
	captured_free(&o);
	o = run(a.path, "offline", "ntpservr");
	assert_int_equal(o.status, EXIT_REFUSED);
	assert_contains(o.errors,
	    "the name or address 'ntpservr': did you mean 'ntpserver'\n");
	captured_free(&o);
	/* Only the orders themselves fail. DNS knows no case. */
	o = run(a.path, "offline", "NTPSERVER");
	assert_int_equal(o.status, EXIT_NO_STATUS);
	captured_free(&o);
	o = run(a.path, "offline", "10.77.3.0/24");
	assert_int_equal(o.status, EXIT_NO_STATUS);
	captured_free(&o);
	agent_end(&a);
	free(json);
}

/* What an order for two sources comes to, whose answers are these. */
static void assert_ordered(const char *first, const char *second,
    enum exit_status expected, const char *errors)
{
	json_t *tree = example();
	struct fake_agent status, orders;
	char *json, control[80];
	struct captured o;

	set_text(example_source(tree, 1), "address", "10.77.3.2");
	json = json_dumps(tree, 0);
	json_decref(tree);
	agent_start(&status, (const char *const[]){json}, 1);
	agent_start(&orders, (const char *const[]){first, second}, 2);
	snprintf(control, sizeof(control), "%s/control.sock", status.folder);
	assert_int_equal(rename(orders.path, control), 0);
	o = run(status.path, "retry", "10.77.3.0/24");
	assert_int_equal(o.status, expected);
	assert_contains(o.errors, errors);
	assert_true(expected != EXIT_OK || *o.errors == '\0');
	captured_free(&o);
	unlink(control);
	agent_end(&orders);
	agent_end(&status);
	free(json);
}

/* As an order without a name, which asks all that it can. */
static void one_source_that_can_is_enough(void **state)
{
	(void)state;
	assert_ordered("ok: asked\n", "error: offline\n", EXIT_OK, "");
	assert_ordered("error: offline\n", "ok: asked\n", EXIT_OK, "");
	assert_ordered("error: first\n", "error: second\n", EXIT_REFUSED,
	    "ntsctl: first\nntsctl: second\n");
	assert_ordered("ok: asked\n", "", EXIT_NO_STATUS, "without an answer");
}

/* Each order of the table of commands, as the help shows it. */
static void each_order_is_known(void **state)
{
	char *source = read_file("agent/ctl/program.c"), *at = source;
	unsigned orders = 0;

	(void)state;
	while ((at = strstr(at, "NULL, NULL, \""))) {
		char name[32];

		assert_int_equal(
		    sscanf(at, "NULL, NULL, \"%31[a-z]\"", name), 1);
		if (!control_knows(name))
			fail_msg("%s", name);
		orders++;
		at += strlen("NULL, NULL, \"");
	}
	assert_true(orders >= 12);
	free(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(subnets_are_understood),
	    cmocka_unit_test(what_is_no_subnet_is_refused),
	    cmocka_unit_test(bursts_have_a_length),
	    cmocka_unit_test(a_source_has_several_names),
	    cmocka_unit_test(wrong_arguments_reach_no_agent),
	    cmocka_unit_test(a_target_that_nobody_has_is_refused),
	    cmocka_unit_test(one_source_that_can_is_enough),
	    cmocka_unit_test(each_order_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
