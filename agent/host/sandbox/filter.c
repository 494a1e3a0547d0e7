#include "agent/host/sandbox/filter.h"

#include "agent/host/sandbox/calls.h"

#include <assert.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* x32 and 32-bit systems have other calls for time and memory; other systems
 * may pass arguments in another order. */
static bool has_architecture(uint32_t architecture)
{
	return architecture == SCMP_ARCH_X86_64 ||
	       architecture == SCMP_ARCH_AARCH64;
}

/* A call that only this architecture lacks has a number, which is negative. */
static const char *unknown_call(void)
{
	size_t count;
	const struct call_rule *rules = calls_rules(&count);

	for (size_t i = 0; i < count; i++)
		if ((rules[i].sets & CALLS_START) &&
		    seccomp_syscall_resolve_name(rules[i].name) ==
			__NR_SCMP_ERROR)
			return rules[i].name;
	return NULL;
}

bool filter_possible(char why[SANDBOX_TEXT_MAX])
{
	const char *unknown;

	if (!has_architecture(seccomp_arch_native())) {
		snprintf(why, SANDBOX_TEXT_MAX,
		    "its table of system calls is for x86-64 and arm64 alone");
		return false;
	}
	unknown = unknown_call();
	if (unknown)
		snprintf(why, SANDBOX_TEXT_MAX,
		    "libseccomp is too old for the system call %s", unknown);
	return !unknown;
}

bool filter_available(void)
{
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static struct scmp_arg_cmp comparison(const struct call_check *c)
{
	struct scmp_arg_cmp a = {
	    .arg = c->argument, .op = SCMP_CMP_EQ, .datum_a = c->value};

	switch ((enum check_kind)c->kind) {
	case CHECK_IS_NOT:
		a.op = SCMP_CMP_NE;
		break;
	case CHECK_AT_MOST:
		a.op = SCMP_CMP_LE;
		break;
	case CHECK_LACKS:
		a.op = SCMP_CMP_MASKED_EQ;
		a.datum_a = c->bits;
		a.datum_b = 0;
		break;
	case CHECK_BUT_FOR:
		a.op = SCMP_CMP_MASKED_EQ;
		a.datum_a = ~(scmp_datum_t)c->bits;
		a.datum_b = c->value;
		break;
	case CHECK_OWN_PID:
		a.datum_a = (scmp_datum_t)getpid();
		break;
	case CHECK_IS:
	default:
		break;
	}
	return a;
}

/* A call that this architecture or this library does not have is no rule. */
static int add_rule(
    scmp_filter_ctx filter, const struct call_rule *r, uint32_t allow)
{
	struct scmp_arg_cmp checks[CALL_CHECKS_MAX];
	int call = seccomp_syscall_resolve_name(r->name);
	unsigned count = 0;
	int err;

	if (call < 0)
		return 0;
	assert(r->check_count <= CALL_CHECKS_MAX);
	for (; count < r->check_count; count++)
		checks[count] = comparison(&r->checks[count]);
	err = seccomp_rule_add_array(filter,
	    r->refused_with ? SCMP_ACT_ERRNO(r->refused_with) : allow, call,
	    count, checks);
	/* Another rule has it already. */
	return err == -EEXIST ? 0 : err;
}

static int add_rules(scmp_filter_ctx filter, uint32_t sets, bool only_log)
{
	size_t count;
	const struct call_rule *rules = calls_rules(&count);
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		if ((rules[i].sets & sets) &&
		    !(only_log && rules[i].refused_with))
			err = add_rule(filter, &rules[i], SCMP_ACT_ALLOW);
	return err;
}

static int set_attributes(scmp_filter_ctx filter, bool only_log)
{
	int err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
	    only_log ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS);

	/* privileges_drop() has done it. */
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	/* A search tree; a library that is too old makes a list. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return err;
}

int filter_load(uint32_t sets, bool only_log)
{
	scmp_filter_ctx filter =
	    seccomp_init(only_log ? SCMP_ACT_LOG : SCMP_ACT_TRAP);
	int err;

	if (!filter)
		return -ENOMEM;
	err = set_attributes(filter, only_log);
	if (!err)
		err = add_rules(
		    filter, only_log ? sets | CALLS_UNLOGGED : sets, only_log);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
