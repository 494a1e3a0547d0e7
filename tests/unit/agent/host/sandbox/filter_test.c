/*
 * The program of a filter next to the one that libseccomp makes of the same
 * rules. Both run here, in a small machine of classic BPF: for each profile,
 * each number of a call, and arguments around each value of each rule.
 */
#include "agent/host/sandbox/filter.h"

#include "agent/host/sandbox/calls.h"
#include "agent/host/sandbox/profiles.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define CALLS_END 700 /* no call has a larger number */
#define ARGUMENTS 6

/* Other machines have other calls, and one call for many. */
static bool none_here(void)
{
	char why[SANDBOX_TEXT_MAX];

	return !filter_possible(why);
}

struct program {
	struct sock_filter code[FILTER_MAX];
	size_t len;
};

/* What the kernel makes of a call. */
static uint32_t run(const struct program *p, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (size_t at = 0; at < p->len; at++) {
		const struct sock_filter *i = &p->code[at];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(i->k % 4 == 0 && i->k + 4 <= sizeof(*d));
			memcpy(&a, (const char *)d + i->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA | BPF_K:
			at += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			at += a == i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			at += a > i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			at += a >= i->k ? i->jt : i->jf;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			at += (a & i->k) ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			fail_msg("instruction %#x", (unsigned)i->code);
		}
	}
	fail_msg("the program has no end");
	return 0;
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

static void add_rule(scmp_filter_ctx filter, const struct call_rule *r)
{
	struct scmp_arg_cmp checks[CALL_CHECKS_MAX];
	int call = seccomp_syscall_resolve_name(r->name), err;

	if (call < 0)
		return;
	for (unsigned i = 0; i < r->check_count; i++)
		checks[i] = comparison(&r->checks[i]);
	err = seccomp_rule_add_array(filter,
	    r->refused_with ? SCMP_ACT_ERRNO(r->refused_with) : SCMP_ACT_ALLOW,
	    call, r->check_count, checks);
	assert_true(err == 0 || err == -EEXIST);
}

static void made_by_libseccomp(
    uint32_t sets, bool only_log, struct program *out)
{
	scmp_filter_ctx filter =
	    seccomp_init(only_log ? SCMP_ACT_LOG : SCMP_ACT_TRAP);
	int fd = memfd_create("filter", 0);
	size_t count;
	const struct call_rule *rules = calls_rules(&count);
	ssize_t len;

	assert_true(filter && fd >= 0);
	assert_int_equal(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH,
			     only_log ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS),
	    0);
	for (size_t i = 0; i < count; i++)
		if ((rules[i].sets & sets) &&
		    !(only_log && rules[i].refused_with))
			add_rule(filter, &rules[i]);
	assert_int_equal(seccomp_export_bpf(filter, fd), 0);
	len = pread(fd, out->code, sizeof(out->code), 0);
	assert_true(len > 0);
	out->len = (size_t)len / sizeof(out->code[0]);
	close(fd);
	seccomp_release(filter);
}

struct pair {
	struct program ours, theirs;
	unsigned allowed, denied;
};

static void compare(struct pair *p, const struct seccomp_data *d)
{
	uint32_t ours = run(&p->ours, d), theirs = run(&p->theirs, d);

	if (ours != theirs)
		fail_msg("call %d(%#llx, %#llx, %#llx, %#llx): %#x, and %#x of "
			 "libseccomp",
		    d->nr, (unsigned long long)d->args[0],
		    (unsigned long long)d->args[1],
		    (unsigned long long)d->args[2],
		    (unsigned long long)d->args[3], (unsigned)ours,
		    (unsigned)theirs);
	p->allowed += ours == SECCOMP_RET_ALLOW;
	p->denied += ours != SECCOMP_RET_ALLOW;
}

static uint64_t that_holds(const struct call_check *c)
{
	switch ((enum check_kind)c->kind) {
	case CHECK_IS_NOT:
		return c->value + UINT64_C(1);
	case CHECK_LACKS:
		return 0;
	case CHECK_OWN_PID:
		return (uint64_t)getpid();
	case CHECK_IS:
	case CHECK_AT_MOST:
	case CHECK_BUT_FOR:
	default:
		return c->value;
	}
}

/* One argument around a value: its neighbours, each bit, the upper half. */
static void vary(struct pair *p, struct seccomp_data d, unsigned argument)
{
	const uint64_t value = d.args[argument];
	const uint64_t others[] = {0, value - 1, value + 1, UINT32_MAX,
	    UINT64_MAX, ~value, value | UINT64_C(1) << 32,
	    value | (uint64_t)UINT32_MAX << 32};

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		d.args[argument] = others[i];
		compare(p, &d);
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		d.args[argument] = value ^ UINT64_C(1) << bit;
		compare(p, &d);
	}
}

static void compare_around(struct pair *p, const struct call_rule *r)
{
	struct seccomp_data d = {.arch = seccomp_arch_native(),
	    .nr = seccomp_syscall_resolve_name(r->name)};

	if (d.nr < 0)
		return;
	for (unsigned i = 0; i < r->check_count; i++)
		d.args[r->checks[i].argument] = that_holds(&r->checks[i]);
	compare(p, &d);
	for (unsigned i = 0; i < ARGUMENTS; i++)
		vary(p, d, i);
}

static void compare_all(struct pair *p)
{
	size_t count;
	const struct call_rule *rules = calls_rules(&count);
	struct seccomp_data d = {.arch = seccomp_arch_native()};

	for (d.nr = 0; d.nr < CALLS_END; d.nr++)
		compare(p, &d);
	memset(d.args, 0xff, sizeof(d.args));
	for (d.nr = 0; d.nr < CALLS_END; d.nr++)
		compare(p, &d);
	for (size_t i = 0; i < count; i++)
		compare_around(p, &rules[i]);
}

static void make(struct pair *p, uint32_t sets, bool only_log)
{
	p->ours.len = filter_program(sets, only_log, p->ours.code);
	made_by_libseccomp(sets, only_log, &p->theirs);
	p->allowed = p->denied = 0;
}

static void it_judges_each_call_as_libseccomp_does(void **state)
{
	struct pair *p;

	(void)state;
	if (none_here())
		skip();
	p = calloc(1, sizeof(*p));
	assert_non_null(p);
	for (unsigned i = 0; i < SANDBOX_PROFILES; i++) {
		const uint32_t own_end = CALLS_BIND | CALLS_DEVICE | CALLS_DSCP;
		const uint32_t sets =
		    profile_of((enum sandbox_profile)i)->calls;

		make(p, sets, false);
		compare_all(p);
		assert_true(p->allowed > 0 && p->denied > 0);
		make(p, sets | own_end, false);
		compare_all(p);
		make(p, sets, true);
		compare_all(p);
	}
	for (unsigned bit = 0; bit < 17; bit++) {
		make(p, UINT32_C(1) << bit, false);
		compare_all(p);
	}
	free(p);
}

static void calls_of_another_architecture_end_the_process(void **state)
{
	struct seccomp_data d = {.arch = seccomp_arch_native(), .nr = SYS_read};
	struct program *p;

	(void)state;
	if (none_here())
		skip();
	p = calloc(1, sizeof(*p));
	assert_non_null(p);
	p->len = filter_program(CALLS_BASE, false, p->code);
	assert_int_equal(run(p, &d), SECCOMP_RET_ALLOW);
	d.nr |= 0x40000000;
	assert_int_equal(run(p, &d), SECCOMP_RET_KILL_PROCESS);
	d.nr = SYS_read;
	d.arch = SCMP_ARCH_X86;
	assert_int_equal(run(p, &d), SECCOMP_RET_KILL_PROCESS);
	p->len = filter_program(CALLS_BASE, true, p->code);
	assert_int_equal(run(p, &d), SECCOMP_RET_LOG);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_judges_each_call_as_libseccomp_does),
	    cmocka_unit_test(calls_of_another_architecture_end_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
