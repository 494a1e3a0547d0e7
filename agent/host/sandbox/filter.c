/*
 * The program is made here, not by libseccomp: there each rule costs as much as
 * all the rules before it, and a key exchange starts a process of its own. The
 * test compares both on every call.
 */
#include "agent/host/sandbox/filter.h"

#include "agent/host/sandbox/calls.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A word of the kernel's machine is half of an argument. */
#define LOW_HALF (__BYTE_ORDER == __LITTLE_ENDIAN ? 0 : sizeof(uint32_t))
#define HIGH_HALF (sizeof(uint32_t) - LOW_HALF)
/* Calls of x32, which has the architecture of x86-64. */
#define X32_BIT 0x40000000U
#define RULES_MAX 256

struct entry {
	int call;
	const struct call_rule *rule;
};

struct filter {
	struct sock_filter *code; /* FILTER_MAX */
	size_t len;
	bool only_log;
	struct entry entries[RULES_MAX]; /* by call, then as in the table */
	size_t count;
};

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

static void put(
    struct filter *f, uint16_t code, uint32_t k, size_t yes, size_t no)
{
	assert(f->len < FILTER_MAX && yes <= UINT8_MAX && no <= UINT8_MAX);
	f->code[f->len++] =
	    (struct sock_filter){code, (uint8_t)yes, (uint8_t)no, k};
}

static void load(struct filter *f, size_t offset)
{
	put(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct filter *f, uint32_t action)
{
	put(f, BPF_RET | BPF_K, action, 0, 0);
}

/* Compares the accumulator, and passes over so many instructions. */
static void test(
    struct filter *f, uint16_t how, uint32_t k, size_t yes, size_t no)
{
	put(f, (uint16_t)(BPF_JMP | how | BPF_K), k, yes, no);
}

/* How many instructions put_check() makes. */
static size_t check_len(const struct call_check *c)
{
	return c->kind == CHECK_LACKS ? 2 : c->kind == CHECK_BUT_FOR ? 5 : 4;
}

/* `after`: the instructions from the end of this check to the next rule. */
static void put_check(
    struct filter *f, const struct call_check *c, size_t after)
{
	const size_t at = offsetof(struct seccomp_data, args) +
			  c->argument * sizeof(uint64_t);
	const bool is_not = c->kind == CHECK_IS_NOT;
	const size_t rest = check_len(c) - 2;

	if (c->kind != CHECK_LACKS) {
		load(f, at + HIGH_HALF);
		test(f, BPF_JEQ, 0, 0, rest + (is_not ? 0 : after));
	}
	load(f, at + LOW_HALF);
	switch ((enum check_kind)c->kind) {
	case CHECK_IS_NOT:
		test(f, BPF_JEQ, c->value, after, 0);
		break;
	case CHECK_AT_MOST:
		test(f, BPF_JGT, c->value, after, 0);
		break;
	case CHECK_LACKS:
		test(f, BPF_JSET, c->bits, after, 0);
		break;
	case CHECK_BUT_FOR:
		put(f, BPF_ALU | BPF_AND | BPF_K, ~c->bits, 0, 0);
		test(f, BPF_JEQ, c->value, 0, after);
		break;
	case CHECK_OWN_PID:
		test(f, BPF_JEQ, (uint32_t)getpid(), 0, after);
		break;
	case CHECK_IS:
	default:
		test(f, BPF_JEQ, c->value, 0, after);
		break;
	}
}

static void put_rule(struct filter *f, const struct call_rule *r)
{
	size_t after = 1; /* the answer */

	for (unsigned i = 0; i < r->check_count; i++)
		after += check_len(&r->checks[i]);
	for (unsigned i = 0; i < r->check_count; i++) {
		after -= check_len(&r->checks[i]);
		put_check(f, &r->checks[i], after);
	}
	answer(f, r->refused_with ? SECCOMP_RET_ERRNO | r->refused_with
				  : SECCOMP_RET_ALLOW);
}

/* A call that this architecture or this library does not have is no rule. */
static void add(struct filter *f, const struct call_rule *r)
{
	const int call = seccomp_syscall_resolve_name(r->name);
	size_t at = f->count;

	if (call < 0)
		return;
	assert(f->count < RULES_MAX);
	for (f->count++; at > 0 && f->entries[at - 1].call > call; at--)
		f->entries[at] = f->entries[at - 1];
	f->entries[at] = (struct entry){call, r};
}

static void add_rules(struct filter *f, uint32_t sets)
{
	size_t count;
	const struct call_rule *rules = calls_rules(&count);

	for (size_t i = 0; i < count; i++)
		if ((rules[i].sets & sets) &&
		    !(f->only_log && rules[i].refused_with))
			add(f, &rules[i]);
}

static void put_denied(struct filter *f)
{
	answer(f, f->only_log ? SECCOMP_RET_LOG : SECCOMP_RET_TRAP);
}

static void put_call(struct filter *f, const struct entry *first, size_t count)
{
	test(f, BPF_JEQ, (uint32_t)first->call, 1, 0);
	put_denied(f);
	for (size_t i = 0; i < count; i++)
		put_rule(f, first[i].rule);
	put_denied(f);
}

/* The first entry of another call, from the middle on or before it; `count`:
 * there is none. */
static size_t find_border(const struct entry *e, size_t count)
{
	size_t at = count / 2;

	while (at > 0 && e[at - 1].call == e[at].call)
		at--;
	while (at < count && e[at].call == e[0].call)
		at++;
	return at;
}

/* A search tree. */
static void put_calls(struct filter *f, const struct entry *e, size_t count)
{
	size_t border = find_border(e, count), jump;

	if (border == count) {
		put_call(f, e, count);
		return;
	}
	test(f, BPF_JGE, (uint32_t)e[border].call, 0, 1);
	jump = f->len;
	test(f, BPF_JA, 0, 0, 0);
	put_calls(f, e, border);
	f->code[jump].k = (uint32_t)(f->len - jump - 1);
	put_calls(f, e + border, count - border);
}

size_t filter_program(
    uint32_t sets, bool only_log, struct sock_filter code[FILTER_MAX])
{
	const uint32_t foreign =
	    only_log ? SECCOMP_RET_LOG : SECCOMP_RET_KILL_PROCESS;
	struct filter f = {.code = code, .only_log = only_log};

	load(&f, offsetof(struct seccomp_data, arch));
	test(&f, BPF_JEQ, seccomp_arch_native(), 1, 0);
	answer(&f, foreign);
	load(&f, offsetof(struct seccomp_data, nr));
	test(&f, BPF_JGE, X32_BIT, 0, 1);
	answer(&f, foreign);
	add_rules(&f, sets);
	put_calls(&f, f.entries, f.count);
	return f.len;
}

int filter_load(uint32_t sets, bool only_log)
{
	struct sock_filter code[FILTER_MAX];
	const struct sock_fprog program = {
	    .len = (unsigned short)filter_program(sets, only_log, code),
	    .filter = code,
	};

	/* privileges_drop() has set no_new_privs. */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0
		   ? 0
		   : -errno;
}
