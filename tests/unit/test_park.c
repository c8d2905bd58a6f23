/* SPDX-License-Identifier: Apache-2.0 */
/*
 * park.c against a libfuse of our own: one request with libfuse's rules (the callback runs under
 * the request's mutex, also from inside the registration) and the real loop.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "fs/stream/park.h"
#include "k8s/base/clock.h"

/* libfuse 3.14, lib/fuse_lowlevel.c: fuse_req_interrupt_func(), find_interrupted(). */
struct fuse_req {
	pthread_mutex_t lock;
	bool interrupted;
	fuse_interrupt_func_t func;
	void *data;
	int answers; /* of the test; cluster thread */
};

/* The request's lock is held by this thread: a reply now would free it. */
static _Thread_local bool inside_callback;

static void fuse_call(fuse_req_t req)
{
	inside_callback = true;
	req->func(req, req->data);
	inside_callback = false;
}

void fuse_req_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
	pthread_mutex_lock(&req->lock);
	req->func = func;
	req->data = data;
	if (req->interrupted && func)
		fuse_call(req);
	pthread_mutex_unlock(&req->lock);
}

static void fuse_interrupt(fuse_req_t req)
{
	pthread_mutex_lock(&req->lock);
	req->interrupted = true;
	if (req->func)
		fuse_call(req);
	pthread_mutex_unlock(&req->lock);
}

/* A job that the test runs on the loop and waits for. */
struct errand {
	struct loop_job job;
	void (*run)(void *data);
	void *data;
	int done; /* atomic */
};

static void errand_run(struct loop_job *job)
{
	struct errand *errand = container_of(job, struct errand, job);

	errand->run(errand->data);
	__atomic_store_n(&errand->done, 1, __ATOMIC_RELEASE);
}

static void on_loop(struct loop *l, void (*run)(void *data), void *data)
{
	struct errand errand = { .job.run = errand_run, .run = run, .data = data };
	const struct timespec pause = { .tv_nsec = 20000 };
	int64_t deadline_ns = clock_monotonic_ns() + 10 * CLOCK_NS_PER_S;

	loop_post(l, &errand.job);
	while (!__atomic_load_n(&errand.done, __ATOMIC_ACQUIRE)) {
		assert_true(clock_monotonic_ns() < deadline_ns);
		nanosleep(&pause, NULL);
	}
}

static struct loop *loop;
static struct fuse_req *request;
static struct park *parked; /* cluster thread */
static int taken_late;

static void answer(struct park *p)
{
	fuse_req_t req = park_take(p);

	if (!req)
		return;
	assert_false(inside_callback);
	req->answers++;
	parked = NULL;
}

static void interrupted(struct park *p)
{
	assert_true(loop_is_current(loop));
	assert_ptr_equal(p, parked);
	taken_late++;
	answer(p);
}

static void park_it(void *data)
{
	parked = park_new(loop, data, interrupted);
	assert_non_null(parked);
	assert_true(list_empty(&parked->node));
}

static void take_it(void *data)
{
	(void)data;
	if (parked)
		answer(parked);
}

static void nothing(void *data)
{
	(void)data;
}

static int set_up(void **state)
{
	(void)state;
	request = calloc(1, sizeof(*request));
	pthread_mutex_init(&request->lock, NULL);
	taken_late = 0;
	parked = NULL;
	return loop_new(&loop, NULL) || loop_start(loop, "cluster", NULL);
}

static int tear_down(void **state)
{
	(void)state;
	loop_stop(loop);
	loop_free(loop);
	pthread_mutex_destroy(&request->lock);
	free(request);
	return 0;
}

static void park_take_without_signal_answers_once(void **state)
{
	(void)state;
	on_loop(loop, park_it, request);
	on_loop(loop, take_it, NULL);
	fuse_interrupt(request); /* the callback is gone */
	on_loop(loop, nothing, NULL);
	assert_int_equal(request->answers, 1);
	assert_int_equal(taken_late, 0);
}

static void park_new_interrupted_before_calls_back_later(void **state)
{
	(void)state;
	fuse_interrupt(request);
	on_loop(loop, park_it, request); /* asserts that it was not taken from inside */
	on_loop(loop, nothing, NULL);
	assert_int_equal(request->answers, 1);
	assert_int_equal(taken_late, 1);
}

static void park_signal_twice_calls_back_once(void **state)
{
	(void)state;
	on_loop(loop, park_it, request);
	fuse_interrupt(request);
	fuse_interrupt(request);
	on_loop(loop, nothing, NULL);
	assert_int_equal(request->answers, 1);
	assert_int_equal(taken_late, 1);
}

/* The signal has posted the job, data takes the request before it runs. */
static void signal_then_take(void *data)
{
	park_it(data);
	fuse_interrupt(data);
	take_it(NULL);
}

static void park_take_with_job_on_its_way_frees_later(void **state)
{
	(void)state;
	on_loop(loop, signal_then_take, request);
	on_loop(loop, nothing, NULL);
	assert_int_equal(request->answers, 1);
	assert_int_equal(taken_late, 0);
}

static void *interrupt_thread(void *data)
{
	fuse_interrupt(data);
	return NULL;
}

static void park_signal_against_data_answers_once(void **state)
{
	(void)state;
	for (int i = 1; i <= 300; i++) {
		pthread_t thread;

		request->interrupted = false;
		on_loop(loop, park_it, request);
		assert_int_equal(pthread_create(&thread, NULL, interrupt_thread, request), 0);
		on_loop(loop, take_it, NULL);
		pthread_join(thread, NULL);
		on_loop(loop, nothing, NULL);
		assert_int_equal(request->answers, i);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(park_take_without_signal_answers_once),
		TEST(park_new_interrupted_before_calls_back_later),
		TEST(park_signal_twice_calls_back_once),
		TEST(park_take_with_job_on_its_way_frees_later),
		TEST(park_signal_against_data_answers_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
