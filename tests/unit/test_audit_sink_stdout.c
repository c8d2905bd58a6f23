/* SPDX-License-Identifier: Apache-2.0 */
/* sidecar/sink_stdout.c: the budget, the share of critical lines, and what is said of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "sidecar/encode.h"
#include "sidecar/sink_stdout.h"
#include "tests/unit/audit_fixture.h"

static struct encoder encoder;
static int fds[2];

static int setup(void **state)
{
	(void)state;
	encode_init(&encoder, "w", "o", "u", NULL, NULL);
	return pipe(fds);
}

static int teardown(void **state)
{
	(void)state;
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static void put(struct sink_stdout *s, unsigned type, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		sink_stdout_put(s, "0123456789abcde\n", 16, type, type == EVENT_EXEC, 1000 + i);
}

static void take(struct buf *out)
{
	char bytes[4096];

	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	for (ssize_t n; (n = read(fds[0], bytes, sizeof(bytes))) > 0;)
		buf_add(out, bytes, (size_t)n);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void budget_keeps_a_quarter_for_critical(void **state)
{
	struct sink_stdout *s = sink_stdout_new(fds[1], 1600); /* 100 lines a second */
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	uint64_t budget, blocked;

	(void)state;
	put(s, EVENT_FILE_OPEN, 200);
	put(s, EVENT_EXEC, 20);
	sink_stdout_flush(s, &encoder, 10 * CLOCK_NS_PER_S);
	take(&out);
	assert_int_equal(count(out.data, "abcde"), 75 + 20);
	sink_stdout_left_out(s, &budget, &blocked);
	assert_int_equal(budget, 125);
	assert_int_equal(blocked, 0);
	assert_non_null(strstr(out.data, "\"event_type\":\"audit_lost\",\"details\":{\"stage\":"
					 "\"stdout\",\"reason\":\"budget\",\"kind\":\"file_open\","
					 "\"count\":125,\"first_ts\":1075,\"last_ts\":1199}}\n"));
	/* Half a second later half of it has come back; it is told once a second. */
	buf_reset(&out);
	sink_stdout_flush(s, &encoder, 10 * CLOCK_NS_PER_S + CLOCK_NS_PER_S / 2);
	put(s, EVENT_FILE_OPEN, 100);
	sink_stdout_flush(s, &encoder, 10 * CLOCK_NS_PER_S + CLOCK_NS_PER_S / 2);
	take(&out);
	assert_int_equal(count(out.data, "abcde"), 30); /* 5 + 50 are there, 25 are kept */
	assert_int_equal(count(out.data, "audit_lost"), 0);
	sink_stdout_flush(s, &encoder, 11 * CLOCK_NS_PER_S);
	take(&out);
	assert_non_null(strstr(out.data, "\"count\":70,"));
	sink_stdout_free(s);
}

static void full_pipe_never_waits_and_is_told_later(void **state)
{
	struct sink_stdout *s = sink_stdout_new(fds[1], 100 << 20);
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	uint64_t budget, blocked, now_ns = 10 * CLOCK_NS_PER_S;

	(void)state;
	for (int i = 0; i < 100; i++) {
		put(s, EVENT_FILE_OPEN, 1000);
		sink_stdout_flush(s, &encoder, (int64_t)now_ns);
	}
	sink_stdout_left_out(s, &budget, &blocked);
	assert_int_equal(budget, 0);
	assert_true(blocked > 0);
	do { /* somebody reads again */
		now_ns += CLOCK_NS_PER_S;
		take(&out);
		sink_stdout_flush(s, &encoder, (int64_t)now_ns);
	} while (!strstr(out.data, "audit_lost"));
	assert_int_equal(count(out.data, "abcde") + blocked, 100000);
	const char *told =
		strstr(out.data, "\"reason\":\"blocked\",\"kind\":\"file_open\",\"count\":");
	assert_non_null(told);
	assert_int_equal(strtoull(strstr(told, "\"count\":") + 8, NULL, 10), blocked);
	/* Whole lines, always. */
	assert_int_equal(count(out.data, "\n0123") + count(out.data, "\n{\"weaver") + 1,
			 count(out.data, "\n"));
	sink_stdout_free(s);
}

static void nothing_is_written_without_a_budget(void **state)
{
	struct sink_stdout *s = sink_stdout_new(fds[1], 0);
	_cleanup_(buf_done) struct buf out = BUF_INIT;

	(void)state;
	put(s, EVENT_EXEC, 10);
	sink_stdout_flush(s, &encoder, CLOCK_NS_PER_S);
	sink_stdout_drain(s, &encoder, 10);
	take(&out);
	assert_int_equal(out.len, 0);
	sink_stdout_free(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(budget_keeps_a_quarter_for_critical),
		T(full_pipe_never_waits_and_is_told_later),
		T(nothing_is_written_without_a_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
