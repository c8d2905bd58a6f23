/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poke_process.c with real children: this program itself, which does what the path of a command
 * says. The time-outs are the test's.
 */
#include "fs/poke/poke_process.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/fake_loop.h"

/* ---- the child ---- */

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 3; /* ".", "..", and the directory itself */
}

static int child(void)
{
	struct poke_message m;

	while (recv(STDIN_FILENO, &m, sizeof(m), 0) == sizeof(m)) {
		struct poke_answer answer = { .sequence = m.sequence };

		if (strcmp(m.path, "die") == 0)
			return 1;
		if (strcmp(m.path, "unmounted") == 0)
			return POKE_EXIT_UNMOUNTED;
		if (strcmp(m.path, "hang") == 0)
			pause();
		if (strcmp(m.path, "lie") == 0)
			answer.sequence++;
		if (strcmp(m.path, "fds") == 0)
			answer.error = count_fds();
		if (strcmp(m.path, "exists") == 0)
			answer.error = EEXIST;
		if (send(STDIN_FILENO, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			return 1;
	}
	return 0;
}

/* ---- the daemon ---- */

static struct {
	struct poke_process *process;
	pid_t pid;
	bool heeded, late;
	int ready, answered, ended, unmounted, excused;
	int error;
} seen;

static void on_is(void *data, pid_t pid, bool heeded)
{
	(void)data;
	seen.pid = pid;
	seen.heeded = heeded;
}

static void on_ready(void *data)
{
	(void)data;
	seen.ready++;
}

static void on_answered(void *data, int error, int fd)
{
	assert_int_equal(fd, -1);
	(void)data;
	seen.answered++;
	seen.error = error;
}

static void on_ended(void *data)
{
	(void)data;
	assert_int_equal(seen.pid, 0); /* forgotten before anybody else can have it */
	seen.ended++;
}

static void on_unmounted(void *data)
{
	(void)data;
	seen.unmounted++;
}

static bool on_excused(void *data)
{
	(void)data;
	seen.excused++;
	return seen.late;
}

static const struct poke_process_ops ops = {
	.is = on_is,
	.ready = on_ready,
	.answered = on_answered,
	.ended = on_ended,
	.unmounted = on_unmounted,
	.excused = on_excused,
};

static int setup(void **state)
{
	struct poke_process_spec spec = {
		.mountpoint = "/nowhere", .device = 7, .purpose = "test", .ops = &ops
	};
	struct error e = ERROR_INIT;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(poke_process_new(&spec, &seen.process, &e), 0);
	assert_int_equal(seen.ready, 1);
	assert_true(seen.pid > 0 && seen.heeded);
	return 0;
}

static int teardown(void **state)
{
	pid_t pid = seen.pid;

	(void)state;
	poke_process_free(seen.process);
	assert_int_equal(seen.pid, 0);
	assert_true(pid == 0 || (kill(pid, 0) < 0 && errno == ESRCH));
	assert_true(list_empty(&fake_fds) && list_empty(&fake_timers));
	return 0;
}

static void send_path(const char *path)
{
	poke_process_send(seen.process, POKE_MKDIR, path);
}

/* Until it has been reaped; it may take a moment, of which the timers know nothing. */
static void wait_ended(int n)
{
	for (int i = 0; seen.ended < n && i < 2000; i++) {
		fake_read(5);
		fake_advance(2);
	}
	assert_int_equal(seen.ended, n);
}

static void poke_process_answers_each(void **state)
{
	(void)state;
	send_path("fine");
	assert_true(fake_read(5000));
	assert_int_equal(seen.answered, 1);
	assert_int_equal(seen.error, 0);
	send_path("exists");
	assert_true(fake_read(5000));
	assert_int_equal(seen.error, EEXIST);
	send_path("fds");
	assert_true(fake_read(5000));
	assert_int_equal(seen.error, 3);
	assert_int_equal(seen.ready, 1);
	fake_advance(60000); /* answered in time: nothing is late */
	assert_int_equal(seen.excused, 0);
	assert_true(seen.heeded);
}

static void poke_process_is_given_several_and_answers_in_order(void **state)
{
	(void)state;
	send_path("exists");
	send_path("fine");
	send_path("hang");
	while (seen.answered < 2)
		assert_true(fake_read(5000));
	assert_int_equal(seen.error, 0);
	fake_advance(5001); /* the third is late, from the second on */
	assert_int_equal(seen.excused, 1);
	assert_false(seen.heeded);
	wait_ended(1);
	assert_int_equal(seen.answered, 2);
}

static void poke_process_unmounted_is_not_started_again(void **state)
{
	(void)state;
	send_path("unmounted");
	wait_ended(1);
	assert_int_equal(seen.unmounted, 1);
	fake_advance(60000);
	assert_int_equal(seen.ready, 1);
}

static void poke_process_that_dies_is_started_again(void **state)
{
	pid_t first = seen.pid;

	(void)state;
	send_path("die");
	wait_ended(1);
	assert_int_equal(seen.answered, 0);
	fake_advance(1);
	assert_int_equal(seen.ready, 2); /* at once, the first time */
	assert_true(seen.pid > 0 && seen.pid != first && seen.heeded);
	send_path("die");
	wait_ended(2);
	int ready = seen.ready;
	fake_advance(90);
	assert_int_equal(seen.ready, ready); /* then later */
	fake_advance(20);
	assert_int_equal(seen.ready, ready + 1);
	send_path("fine");
	assert_true(fake_read(5000));
	assert_int_equal(seen.answered, 1);
}

static void poke_process_that_hangs_is_killed_unless_excused(void **state)
{
	(void)state;
	send_path("hang");
	seen.late = true;
	fake_advance(5001);
	assert_int_equal(seen.excused, 1);
	assert_true(seen.heeded);
	seen.late = false;
	fake_advance(5001);
	assert_false(seen.heeded);
	wait_ended(1);
	fake_advance(1);
	assert_int_equal(seen.ready, 2);
}

static void poke_process_that_lies_is_killed(void **state)
{
	(void)state;
	send_path("lie");
	assert_true(fake_read(5000));
	assert_int_equal(seen.answered, 0);
	assert_false(seen.heeded);
	wait_ended(1);
}

static void poke_process_killed_by_others_while_stopped_is_replaced(void **state)
{
	(void)state;
	kill(seen.pid, SIGSTOP);
	send_path("fine"); /* waits in the socket */
	assert_false(fake_read(20));
	kill(seen.pid, SIGKILL);
	wait_ended(1);
	assert_int_equal(seen.answered, 0);
	fake_advance(1);
	assert_int_equal(seen.ready, 2);
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "--poke") == 0 && strcmp(argv[3], "7") == 0)
		return child();
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(poke_process_answers_each),
		TEST(poke_process_is_given_several_and_answers_in_order),
		TEST(poke_process_unmounted_is_not_started_again),
		TEST(poke_process_that_dies_is_started_again),
		TEST(poke_process_that_hangs_is_killed_unless_excused),
		TEST(poke_process_that_lies_is_killed),
		TEST(poke_process_killed_by_others_while_stopped_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
