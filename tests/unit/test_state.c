/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of the state directory: each mount its own, the same one again, journals of the dead. */
#include "fs/weaver/state.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define UID "2e91b6be-d951-4b07-ae38-6443b0b4a2d8"

static char base[64];

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int make_base(void **state)
{
	(void)state;
	strcpy(base, "/tmp/test_state.XXXXXX");
	return mkdtemp(base) ? 0 : -1;
}

static int remove_base(void **state)
{
	(void)state;
	return nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static struct state *open_slot(void)
{
	struct error e = ERROR_INIT;
	struct state *s = NULL;

	if (state_open(base, UID, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

static void path_of(char out[256], int slot, const char *file)
{
	snprintf(out, 256, "%s/" UID "/%d%s%s", base, slot, *file ? "/" : "", file);
}

static void put(int slot, const char *text)
{
	char path[256];

	path_of(path, slot, STATE_JOURNAL);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void open_takes_the_lowest_free_slot_and_gives_it_back(void **state)
{
	char want[256];

	(void)state;
	struct state *first = open_slot();
	struct state *second = open_slot();
	path_of(want, 0, "");
	assert_string_equal(state_dir(first), want);
	path_of(want, 1, "");
	assert_string_equal(state_dir(second), want);
	state_free(first);
	struct state *again = open_slot();
	path_of(want, 0, "");
	assert_string_equal(state_dir(again), want);
	state_free(again);
	state_free(second);
}

static void open_makes_private_directories(void **state)
{
	char deep[128];
	struct stat st;
	struct state *s;

	(void)state;
	snprintf(deep, sizeof(deep), "%s/a/b", base);
	assert_int_equal(state_open(deep, UID, &s, NULL), 0);
	for (const char *p = state_dir(s); p; p = NULL) {
		assert_int_equal(stat(p, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0700);
	}
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	state_free(s);
}

static void open_adopts_journals_of_slots_nobody_holds(void **state)
{
	char path[256], text[256] = "";

	(void)state;
	struct state *zero = open_slot(), *one = open_slot(), *two = open_slot();
	put(0, "zero");
	put(1, "weaver-1\nweaver-1b");
	put(2, "weaver-2\n");
	state_free(zero);
	state_free(one); /* as a kill -9 of its mount would */
	struct state *s = open_slot();
	path_of(path, 0, STATE_JOURNAL);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(text, "zero\nweaver-1\nweaver-1b\n");
	path_of(path, 1, STATE_JOURNAL);
	assert_int_equal(access(path, F_OK), -1);
	path_of(path, 2, STATE_JOURNAL); /* somebody's own */
	assert_int_equal(access(path, F_OK), 0);
	state_free(s);
	state_free(two);
}

static void open_slot_is_free_after_kill_9(void **state)
{
	char want[256];
	int fds[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct state *s;
		if (state_open(base, UID, &s, NULL) == 0 && write(fds[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(fds[0], &byte, 1), 1);
	struct state *other = open_slot();
	path_of(want, 1, "");
	assert_string_equal(state_dir(other), want);
	state_free(other);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	struct state *s = open_slot();
	path_of(want, 0, "");
	assert_string_equal(state_dir(s), want);
	state_free(s);
	close(fds[0]);
	close(fds[1]);
}

static void open_refuses_a_uid_that_is_a_path_and_a_base_that_cannot_be(void **state)
{
	struct error e = ERROR_INIT;
	struct state *s;

	(void)state;
	assert_int_equal(state_open(base, "../../etc", &s, &e), -EPROTO);
	assert_int_equal(state_open("/dev/null/x", UID, &s, &e), -ENOTDIR);
	assert_non_null(strstr(e.text, "/dev/null"));
	assert_non_null(strstr(e.text, "state_dir"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(open_takes_the_lowest_free_slot_and_gives_it_back,
						make_base, remove_base),
		cmocka_unit_test_setup_teardown(open_makes_private_directories, make_base,
						remove_base),
		cmocka_unit_test_setup_teardown(open_adopts_journals_of_slots_nobody_holds,
						make_base, remove_base),
		cmocka_unit_test_setup_teardown(open_slot_is_free_after_kill_9, make_base,
						remove_base),
		cmocka_unit_test_setup_teardown(
			open_refuses_a_uid_that_is_a_path_and_a_base_that_cannot_be, make_base,
			remove_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
