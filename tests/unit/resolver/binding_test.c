/* How a socket leaves this host, and the sentences when it cannot. */
#include "resolver/binding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

static struct binding from_loopback(void)
{
	return (struct binding){
	    .ipv4 = {.family = 4, .address = {127, 0, 0, 1}}};
}

static void each_key_needs_its_right(void **state)
{
	const struct binding none = {.port = 0}, port = {.port = 1000},
			     device = {.device = "lo"}, dscp = {.dscp = 46},
			     ipv6 = {.ipv6 = {.family = 6}},
			     ipv4 = from_loopback();

	(void)state;
	assert_int_equal(binding_needs(&none), 0);
	assert_int_equal(binding_needs(&port), BINDING_NEEDS_BIND);
	assert_int_equal(binding_needs(&ipv4), BINDING_NEEDS_BIND);
	assert_int_equal(binding_needs(&ipv6), BINDING_NEEDS_BIND);
	assert_int_equal(binding_needs(&device), BINDING_NEEDS_DEVICE);
	assert_int_equal(binding_needs(&dscp), BINDING_NEEDS_DSCP);
}

static void an_address_has_bytes_of_its_family_alone(void **state)
{
	struct binding b = from_loopback();

	(void)state;
	assert_true(binding_valid(&b));
	b.ipv4.address[4] = 1;
	assert_false(binding_valid(&b));
	b = from_loopback();
	b.ipv4.port = 1;
	assert_false(binding_valid(&b));
	b = from_loopback();
	b.ipv6 = b.ipv4;
	assert_false(binding_valid(&b));
}

static struct sockaddr_in local_of(int fd)
{
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	return sa;
}

/* Only a socket for requests gets the port, and shares it. */
static void sockets_of_one_user_share_the_port(void **state)
{
	struct binding b = from_loopback();
	int fds[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		fds[i] = socket(AF_INET, i < 2 ? SOCK_DGRAM : SOCK_STREAM, 0);
	assert_int_equal(binding_apply(NULL, fds[0], AF_INET, false), 0);
	assert_int_equal(local_of(fds[0]).sin_port, 0);
	/* A port that is free: the kernel chooses it for a trial. */
	assert_int_equal(binding_apply(&b, fds[2], AF_INET, true), 0);
	b.port = ntohs(local_of(fds[2]).sin_port);
	b.dscp = 46;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(binding_apply(&b, fds[i], AF_INET, false), 0);
		assert_int_equal(ntohs(local_of(fds[i]).sin_port), b.port);
		assert_int_equal(
		    ntohl(local_of(fds[i]).sin_addr.s_addr), INADDR_LOOPBACK);
	}
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void a_trial_says_what_is_wrong(void **state)
{
	struct binding b = from_loopback();
	char text[300];
	struct sentence why = sentence_to(text, sizeof(text));

	(void)state;
	assert_true(binding_try(&b, AF_INET, &why));
	assert_string_equal(text, "");
	/* RFC 5737 */
	memcpy(b.ipv4.address, "\xc0\x00\x02\x63", 4);
	assert_false(binding_try(&b, AF_INET, &why));
	assert_string_equal(text,
	    "bind-address = 192.0.2.99: this host does not have this address");
	/* A family that this host does not have. */
	assert_true(binding_try(&b, AF_MAX, &why));
}

static void each_error_names_its_key(void **state)
{
	static const struct {
		int error;
		const char *device;
		uint16_t port;
		const char *says;
	} rows[] = {
	    {ENODEV, "eth9", 0, "bind-device = eth9: this host does not have"},
	    {EPERM, "eth9", 0, "bind-device = eth9: this kernel lets only"},
	    {EADDRNOTAVAIL, "", 0, "bind-address = 127.0.0.1: this host does"},
	    {EADDRNOTAVAIL, "eth9", 0,
		"bind-address = 127.0.0.1: neither the device eth9 nor a VRF"},
	    {EADDRINUSE, "", 77, "source-port = 77: another program uses"},
	    {EALREADY, "", 77, "source-port = 77: another source waits at"},
	    {EACCES, "", 77, "source-port = 77: no process of the agent may"},
	    {EACCES, "", 0, "dscp cannot be applied: Permission denied"},
	    {EPERM, "", 0, "dscp cannot be applied: Operation not permitted"},
	    {ENODEV, "", 0, "dscp cannot be applied: No such device"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct binding b = from_loopback();
		char text[300];
		struct sentence why = sentence_to(text, sizeof(text));

		strcpy(b.device, rows[i].device);
		b.port = rows[i].port;
		binding_explain(
		    &b, AF_INET, BINDING_FAILED + rows[i].error, &why);
		if (!strstr(text, rows[i].says))
			fail_msg("%s", text);
	}
}

static void the_text_has_what_is_configured(void **state)
{
	struct binding b = from_loopback(), none = {.port = 9};
	char text[BINDING_TEXT_MAX];

	(void)state;
	assert_string_equal(binding_text(&none, AF_INET, text), "");
	assert_string_equal(
	    binding_text(&b, AF_INET, text), " from 127.0.0.1 (bind-address)");
	assert_string_equal(binding_text(&b, AF_INET6, text), "");
	strcpy(b.device, "eth1");
	assert_string_equal(binding_text(&b, AF_INET, text),
	    " from 127.0.0.1 by the device eth1 (bind-address, bind-device)");
	assert_string_equal(binding_text(&b, AF_INET6, text),
	    " by the device eth1 (bind-device)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_key_needs_its_right),
	    cmocka_unit_test(an_address_has_bytes_of_its_family_alone),
	    cmocka_unit_test(sockets_of_one_user_share_the_port),
	    cmocka_unit_test(a_trial_says_what_is_wrong),
	    cmocka_unit_test(each_error_names_its_key),
	    cmocka_unit_test(the_text_has_what_is_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
