/* SPDX-License-Identifier: Apache-2.0 */
/* sidecar/call_table.c, whose numbers are written out: they are those of this machine's headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/syscall.h>

#include "sidecar/call_table.h"
#include "sidecar/scope.h"

static void rows_agree_with_headers(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int number;
	} known[] = { { "execve", SYS_execve },
		      { "openat2", SYS_openat2 },
		      { "renameat2", SYS_renameat2 },
		      { "fchmodat", SYS_fchmodat },
		      { "prctl", SYS_prctl },
		      { "mount", SYS_mount },
		      { "bpf", SYS_bpf },
		      { "process_madvise", SYS_process_madvise },
		      { "setns", SYS_setns },
		      { "io_uring_enter", SYS_io_uring_enter } };

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_string_equal(call_table_name(known[i].number, false), known[i].name);
	assert_string_equal(call_table_name(102, true), "socketcall");
	assert_null(call_table_name(-1, false));
	assert_null(call_table_name(SYS_getpid, false));
	assert_null(call_table_name(511, true));
}

/* Two rows for one number would have the later one decide. */
static void rows_each_number_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < call_table_rows; i++) {
		const struct call_row *a = &call_table_row[i];
		assert_true(a->number < CALL_NUMBERS && a->compat_number < CALL_NUMBERS);
		for (unsigned j = i + 1; j < call_table_rows; j++) {
			const struct call_row *b = &call_table_row[j];
			if ((a->number >= 0 && a->number == b->number) ||
			    (a->compat_number >= 0 && a->compat_number == b->compat_number))
				fail_msg("%s and %s have one number", a->name, b->name);
		}
	}
}

static void rows_known_kinds(void **state)
{
	(void)state;
	for (unsigned i = 0; i < call_table_rows; i++)
		if (call_table_row[i].call != CALL_NAME_ONLY)
			assert_in_range(CALL_GROUP(call_table_row[i].call), CALLS_NONE + 1,
					CALLS_COUNT - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_agree_with_headers),
		cmocka_unit_test(rows_each_number_once),
		cmocka_unit_test(rows_known_kinds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
