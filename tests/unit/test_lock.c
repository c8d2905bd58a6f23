/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/base/lock.c: exclusion, the guard, and that a wrong order ends the program. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "k8s/base/lock.h"

static struct lock registry, queue, leaf, leaf2;
static struct lock fixed = LOCK_STATIC_INIT(LOCK_LEAF);

static int set_up(void **state)
{
	(void)state;
	lock_init(&registry, LOCK_REGISTRY);
	lock_init(&queue, LOCK_QUEUE);
	lock_init(&leaf, LOCK_LEAF);
	lock_init(&leaf2, LOCK_LEAF);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	lock_done(&registry);
	lock_done(&queue);
	lock_done(&leaf);
	lock_done(&leaf2);
	return 0;
}

static void assert_aborts(void (*f)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL); /* cmocka has a handler */
		close(STDERR_FILENO);
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void lock_take_rising_ranks_succeeds(void **state)
{
	(void)state;
	lock_take(&registry);
	lock_take(&queue);
	lock_take(&leaf);
	lock_assert_held(&registry);
	lock_assert_held(&queue);
	lock_assert_held(&leaf);
	lock_release(&registry); /* any order of release */
	lock_release(&leaf);
	lock_release(&queue);
	lock_assert_none();
}

static void lock_take_skipped_rank_succeeds(void **state)
{
	(void)state;
	lock_take(&registry);
	lock_take(&fixed);
	lock_release(&fixed);
	lock_take(&leaf2);
	lock_release(&leaf2);
	lock_release(&registry);
	lock_assert_none();
}

static void falling(void)
{
	lock_take(&queue);
	lock_take(&registry);
}

static void same_rank(void)
{
	lock_take(&leaf);
	lock_take(&leaf2);
}

static void twice(void)
{
	lock_take(&queue);
	lock_take(&queue);
}

static void lock_take_wrong_order_aborts(void **state)
{
	(void)state;
	assert_aborts(falling);
	assert_aborts(same_rank);
	assert_aborts(twice);
}

static void release_free(void)
{
	lock_release(&leaf);
}

static void release_other(void)
{
	lock_take(&leaf);
	lock_release(&leaf2);
}

static void lock_release_not_held_aborts(void **state)
{
	(void)state;
	assert_aborts(release_free);
	assert_aborts(release_other);
}

static void held_free(void)
{
	lock_assert_held(&queue);
}

static void none_held(void)
{
	lock_take(&registry);
	lock_assert_none();
}

static void bad_rank(void)
{
	struct lock l;

	lock_init(&l, LOCK_LEAF + 1);
}

static void lock_assert_untrue_aborts(void **state)
{
	(void)state;
	assert_aborts(held_free);
	assert_aborts(none_held);
	assert_aborts(bad_rank);
}

static int early_return(int n)
{
	lock_guard(&queue);
	lock_assert_held(&queue);
	if (n > 0)
		return n;
	{
		lock_take(&leaf);
		lock_release(&leaf);
	}
	return 0;
}

static void lock_guard_scope_end_releases(void **state)
{
	(void)state;
	assert_int_equal(early_return(3), 3);
	lock_assert_none();
	assert_int_equal(early_return(0), 0);
	lock_assert_none();
}

static int counter; /* under leaf */

static void *count(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		lock_guard(&leaf);
		counter++;
	}
	lock_assert_none();
	return arg;
}

static void lock_take_two_threads_excludes(void **state)
{
	pthread_t threads[2];

	(void)state;
	counter = 0;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter, 40000);
}

static void *take_lower(void *arg)
{
	lock_take(&registry);
	lock_release(&registry);
	return arg;
}

static void lock_take_ranks_are_each_threads_own(void **state)
{
	pthread_t thread;

	(void)state;
	lock_take(&leaf);
	assert_int_equal(pthread_create(&thread, NULL, take_lower, NULL), 0);
	pthread_join(thread, NULL);
	lock_release(&leaf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lock_take_rising_ranks_succeeds),
		cmocka_unit_test(lock_take_skipped_rank_succeeds),
		cmocka_unit_test(lock_take_wrong_order_aborts),
		cmocka_unit_test(lock_release_not_held_aborts),
		cmocka_unit_test(lock_assert_untrue_aborts),
		cmocka_unit_test(lock_guard_scope_end_releases),
		cmocka_unit_test(lock_take_two_threads_excludes),
		cmocka_unit_test(lock_take_ranks_are_each_threads_own),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
