/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/loop.c: jobs keep their order and all run, timers fire in theirs, a sleeper is woken. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "k8s/base/clock.h"
#include "k8s/base/lock.h"
#include "k8s/loop.h"

#define POSTERS 4
#define JOBS 500

struct post {
	struct loop_job job;
	int poster, number;
};

static struct loop *loop;
static int last[POSTERS], ran; /* loop thread until it has been stopped */

static void setup(void)
{
	struct error e = ERROR_INIT;

	ran = 0;
	assert_int_equal(loop_new(&loop, &e), 0);
}

static void start(void)
{
	struct error e = ERROR_INIT;

	assert_int_equal(loop_start(loop, "test", &e), 0);
}

static void stop(void)
{
	loop_stop(loop);
	loop_free(loop);
}

static void run_post(struct loop_job *job)
{
	struct post *p = container_of(job, struct post, job);

	assert_true(loop_is_current(loop));
	assert_int_equal(p->number, last[p->poster] + 1);
	last[p->poster] = p->number;
	ran++;
	free(p);
}

static void *post_many(void *arg)
{
	int poster = (int)(intptr_t)arg;

	for (int i = 1; i <= JOBS; i++) {
		struct post *p = calloc(1, sizeof(*p));
		*p = (struct post){ .job.run = run_post, .poster = poster, .number = i };
		loop_post(loop, &p->job);
	}
	return NULL;
}

static void loop_post_from_many_threads_keeps_order(void **state)
{
	pthread_t threads[POSTERS];

	(void)state;
	setup();
	start();
	assert_false(loop_is_current(loop));
	for (intptr_t i = 0; i < POSTERS; i++)
		pthread_create(&threads[i], NULL, post_many, (void *)i);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	stop(); /* what is queued is still run */
	assert_int_equal(ran, POSTERS * JOBS);
}

static struct loop_job again;

static void run_again(struct loop_job *job)
{
	ran++;
	if (ran < 10)
		loop_post(loop, job); /* free again when run() is called */
}

static void loop_stop_runs_what_jobs_post(void **state)
{
	(void)state;
	setup();
	again.run = run_again;
	loop_post(loop, &again);
	start();
	stop();
	assert_int_equal(ran, 10);
}

static void loop_free_never_started_is_fine(void **state)
{
	(void)state;
	setup();
	stop();
}

/* Timers: a job sets them, the last one posts the result. */
struct timers {
	struct loop_timer late, early, cancelled, again;
	int64_t set_ns, late_ns;
	char order[8];
	int n, turns;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool done;
};

static struct timers timers;

static void fire_late(struct loop_timer *t)
{
	(void)t;
	timers.order[timers.n++] = 'l';
	timers.late_ns = clock_monotonic_ns();
	pthread_mutex_lock(&timers.mutex);
	timers.done = true;
	pthread_cond_signal(&timers.cond);
	pthread_mutex_unlock(&timers.mutex);
}

static void fire_early(struct loop_timer *t)
{
	(void)t;
	timers.order[timers.n++] = 'e';
	loop_timer_cancel(&timers.cancelled);
}

static void fire_cancelled(struct loop_timer *t)
{
	(void)t;
	timers.order[timers.n++] = 'c';
}

/* A time that is past: on the next turn, so this comes to its end and others get their turns. */
static void fire_again(struct loop_timer *t)
{
	if (++timers.turns < 3)
		loop_timer_set(loop, t, 0);
}

static void set_timers(struct loop_job *job)
{
	(void)job;
	timers.set_ns = clock_monotonic_ns();
	loop_timer_set(loop, &timers.late, timers.set_ns + 5 * CLOCK_NS_PER_S);
	loop_timer_set(loop, &timers.cancelled, timers.set_ns + 20 * CLOCK_NS_PER_MS);
	loop_timer_set(loop, &timers.early, timers.set_ns + 20 * CLOCK_NS_PER_MS - 1);
	loop_timer_set(loop, &timers.again, 0);
	assert_int_equal(timers.turns, 0); /* never from inside this call */
	/* Moved. */
	loop_timer_set(loop, &timers.late, timers.set_ns + 60 * CLOCK_NS_PER_MS);
}

static void loop_timer_fires_in_order_and_on_time(void **state)
{
	struct loop_job job = { .run = set_timers };

	(void)state;
	setup();
	pthread_mutex_init(&timers.mutex, NULL);
	pthread_cond_init(&timers.cond, NULL);
	loop_timer_init(&timers.late, fire_late);
	loop_timer_init(&timers.early, fire_early);
	loop_timer_init(&timers.cancelled, fire_cancelled);
	loop_timer_init(&timers.again, fire_again);
	loop_timer_cancel(&timers.late); /* not armed: nothing */
	start();
	loop_post(loop, &job);
	pthread_mutex_lock(&timers.mutex);
	while (!timers.done)
		pthread_cond_wait(&timers.cond, &timers.mutex);
	pthread_mutex_unlock(&timers.mutex);
	stop();
	assert_string_equal(timers.order, "el");
	assert_int_equal(timers.turns, 3);
	assert_in_range((timers.late_ns - timers.set_ns) / CLOCK_NS_PER_MS, 60, 1000);
}

static void check_signals(struct loop_job *job)
{
	sigset_t mask;

	(void)job;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	ran = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGPIPE);
}

static void loop_start_blocks_signals_in_its_thread_only(void **state)
{
	struct loop_job job = { .run = check_signals };
	sigset_t mask;

	(void)state;
	setup();
	start();
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	assert_false(sigismember(&mask, SIGTERM));
	loop_post(loop, &job);
	stop();
	assert_true(ran);
}

/* From the post to the run in a loop that sleeps: curl_multi_wakeup(), not the poll's end. */
static void run_ping(struct loop_job *job)
{
	(void)job;
	__atomic_add_fetch(&ran, 1, __ATOMIC_SEQ_CST);
}

static void loop_post_wakes_a_sleeping_loop(void **state)
{
	struct loop_job ping = { .run = run_ping };

	(void)state;
	setup();
	start();
	for (int i = 1; i <= 50; i++) {
		int64_t start_ns = clock_monotonic_ns();
		poll(NULL, 0, 2); /* it has gone to sleep by now, mostly */
		loop_post(loop, &ping);
		while (__atomic_load_n(&ran, __ATOMIC_SEQ_CST) < i)
			assert_true(clock_monotonic_ns() - start_ns < 2 * CLOCK_NS_PER_S);
	}
	stop();
}

/* Two descriptors that become readable at once: whichever is called first unwatches the other. */
struct watched {
	struct loop_fd a, b;
	struct loop_job watch, unwatch;
	int fds[2];
	int calls; /* atomic */
};

static struct watched watched;

static void ready_one(struct loop_fd *f)
{
	struct loop_fd *other = f == &watched.a ? &watched.b : &watched.a;
	uint64_t n;

	assert_true(loop_is_current(loop));
	assert_int_equal(read(f->fd, &n, sizeof(n)), sizeof(n));
	loop_fd_unwatch(loop, other);
	__atomic_add_fetch(&watched.calls, 1, __ATOMIC_SEQ_CST);
}

static void watch_two(struct loop_job *job)
{
	(void)job;
	loop_fd_init(&watched.a, ready_one);
	loop_fd_init(&watched.b, ready_one);
	loop_fd_unwatch(loop, &watched.a); /* not watched: nothing */
	assert_int_equal(loop_fd_watch(loop, &watched.a, watched.fds[0]), 0);
	assert_int_equal(loop_fd_watch(loop, &watched.b, watched.fds[1]), 0);
	ran = 1;
}

static void unwatch_both(struct loop_job *job)
{
	(void)job;
	loop_fd_unwatch(loop, &watched.a);
	loop_fd_unwatch(loop, &watched.b);
	ran = 2;
}

static void signal_both(void)
{
	uint64_t one = 1;

	for (int i = 0; i < 2; i++)
		assert_int_equal(write(watched.fds[i], &one, sizeof(one)), sizeof(one));
}

static void wait_for_calls(int n)
{
	int64_t start_ns = clock_monotonic_ns();

	while (__atomic_load_n(&watched.calls, __ATOMIC_SEQ_CST) < n) {
		assert_true(clock_monotonic_ns() - start_ns < 2 * CLOCK_NS_PER_S);
		poll(NULL, 0, 1);
	}
}

static void loop_fd_ready_is_called_until_unwatched(void **state)
{
	(void)state;
	setup();
	watched = (struct watched){ .watch.run = watch_two, .unwatch.run = unwatch_both };
	for (int i = 0; i < 2; i++)
		watched.fds[i] = eventfd(0, EFD_CLOEXEC);
	signal_both(); /* readable before they are watched */
	loop_post(loop, &watched.watch);
	start();
	wait_for_calls(1);
	signal_both();
	wait_for_calls(2);
	poll(NULL, 0, 20);
	assert_int_equal(__atomic_load_n(&watched.calls, __ATOMIC_SEQ_CST), 2);
	loop_post(loop, &watched.unwatch);
	signal_both();
	stop();
	assert_int_equal(ran, 2);
	for (int i = 0; i < 2; i++)
		close(watched.fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loop_post_from_many_threads_keeps_order),
		cmocka_unit_test(loop_stop_runs_what_jobs_post),
		cmocka_unit_test(loop_free_never_started_is_fine),
		cmocka_unit_test(loop_timer_fires_in_order_and_on_time),
		cmocka_unit_test(loop_start_blocks_signals_in_its_thread_only),
		cmocka_unit_test(loop_post_wakes_a_sleeping_loop),
		cmocka_unit_test(loop_fd_ready_is_called_until_unwatched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
