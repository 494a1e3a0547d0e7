/* The keys of a check, in memory. Job and requests are those of this test. */
#include "agent/check/probe.h"

#include "agent/check/ask.h"
#include "resolver/job.h"
#include "resolver/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static struct {
	const char *at;
	size_t size;
} locked[4];
static unsigned locked_count, asked;

/* Without the right to lock memory, too, the check goes on. */
int mlock(const void *memory, size_t size)
{
	assert_true(locked_count < ARRAY_LEN(locked));
	locked[locked_count].at = memory;
	locked[locked_count++].size = size;
	errno = ENOMEM;
	return -1;
}

static void is_locked(const void *memory, size_t size)
{
	for (unsigned i = 0; i < locked_count; i++)
		if (locked[i].at == memory && locked[i].size == size)
			return;
	fail_msg("%zu bytes with keys are not locked", size);
}

void resolver_job_detailed(const struct ke_request *request,
    const struct trust_config *trust, struct ke_answer *answer,
    struct ke_details *details)
{
	(void)request, (void)trust;
	is_locked(answer, sizeof(*answer));
	memset(details, 0, sizeof(*details));
	*answer = (struct ke_answer){.stage = KE_STAGE_DONE,
	    .cookie_count = 1,
	    .cookies = {{.len = 100}}};
}

void ask_for_time(struct nts_assoc *a, const struct endpoint *to,
    const struct binding *binding, int64_t granularity_ns, struct mono deadline,
    struct probe_time *out)
{
	(void)to, (void)binding, (void)granularity_ns, (void)deadline;
	(void)out;
	is_locked(a, sizeof(*a));
	asked++;
}

void ask_plainly(const struct endpoint *to, const struct binding *binding,
    struct mono deadline, struct probe_time *out)
{
	(void)to, (void)binding, (void)deadline, (void)out;
	fail();
}

static void ignore(void *self, const struct probe *p)
{
	(void)self, (void)p;
}

static void the_keys_are_locked(void **state)
{
	static const struct source_config source = {.host = "a"};
	const struct probe_request q = {
	    .source = &source,
	    .deadline = mono_after(mono_now(), NS_PER_S),
	    .report = ignore,
	};
	struct probe out;

	(void)state;
	probe_run(&q, &out);
	assert_true(out.complete);
	assert_int_equal(asked, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_keys_are_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
