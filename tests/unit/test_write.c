/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/base/write.c: a pipe that is full and never waits itself, and one that nobody reads. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "k8s/base/write.h"

#define MANY (1 << 20) /* more than a pipe holds */

static char written[MANY], read_back[MANY];

static void *read_slowly(void *arg)
{
	int fd = *(int *)arg;

	usleep(20000);
	for (size_t at = 0; at < MANY;) {
		ssize_t n = read(fd, read_back + at, 4096);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	return NULL;
}

static void all_of_it_goes_through_a_full_pipe(void **state)
{
	int fds[2];
	pthread_t reader;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		written[i] = (char)(i * 31 >> 3);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(pthread_create(&reader, NULL, read_slowly, &fds[0]), 0);
	assert_int_equal(write_all(fds[1], written, MANY), 0);
	pthread_join(reader, NULL);
	assert_memory_equal(written, read_back, MANY);
	close(fds[0]);
	close(fds[1]);
}

static void nobody_reads(void **state)
{
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	assert_int_equal(write_all(fds[1], "x", 1), -EPIPE);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_goes_through_a_full_pipe),
		cmocka_unit_test(nobody_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
