/*
 * What the flags of the compiler do in the code that they build. The flags that
 * leave a mark in the programs are judged by tests/hardening. Sanitizers
 * replace both of these, and FORTIFY needs optimisation.
 */
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined __SANITIZE_ADDRESS__
#define SANITIZED 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined SANITIZED

static void sanitizers_watch_this_build(void **state)
{
	(void)state;
}

#else

enum { MANY = 256 };

/* gcc before 12 zeroes no variable, and its FORTIFY knows constant sizes alone.
 */
static void need_a_new_compiler(void)
{
#if !defined __clang__ && __GNUC__ < 12
	skip();
#endif
}

/* The compiler must believe that the bytes are read and written. */
static void hide(void *bytes)
{
	__asm__ volatile("" : : "r"(bytes) : "memory");
}

static __attribute__((noinline)) void dirty_the_stack(void)
{
	uint8_t bytes[4 * MANY];

	memset(bytes, 0xa5, sizeof(bytes));
	hide(bytes);
}

static __attribute__((noinline)) unsigned sum_of_nothing_written(void)
{
	uint8_t bytes[MANY];
	unsigned sum = 0;

	hide(bytes);
	for (int i = 0; i < MANY; i++)
		sum += bytes[i];
	return sum;
}

static void automatic_variables_begin_with_zeros(void **state)
{
	(void)state;
	need_a_new_compiler();
	dirty_the_stack();
	assert_int_equal(sum_of_nothing_written(), 0);
}

#endif

#if !defined SANITIZED && defined __OPTIMIZE__

/* Only level 3 of FORTIFY knows a size that is not a constant. */
static __attribute__((noinline)) void overrun(size_t size, size_t written)
{
	char *bytes = malloc(size);

	if (!bytes)
		return;
	memset(bytes, 0, written);
	hide(bytes);
	free(bytes);
}

static int status_of_overrun(size_t size, size_t written)
{
	const struct rlimit no_core = {0, 0};
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		close(STDERR_FILENO);
		setrlimit(RLIMIT_CORE, &no_core);
		/* cmocka catches it. */
		signal(SIGABRT, SIG_DFL);
		overrun(size, written);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void a_write_behind_allocated_memory_ends_the_program(void **state)
{
	int within, behind;

	(void)state;
	need_a_new_compiler();
	/* Both lie in what malloc() really gives. */
	within = status_of_overrun(20, 20);
	behind = status_of_overrun(20, 21);
	assert_int_equal(within, 0);
	assert_true(WIFSIGNALED(behind));
	assert_int_equal(WTERMSIG(behind), SIGABRT);
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#if defined SANITIZED
		cmocka_unit_test(sanitizers_watch_this_build),
#else
		cmocka_unit_test(automatic_variables_begin_with_zeros),
#endif
#if !defined SANITIZED && defined __OPTIMIZE__
		cmocka_unit_test(
		    a_write_behind_allocated_memory_ends_the_program),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
