/* SPDX-License-Identifier: Apache-2.0 */
/* On the types of the kernel that the test runs on, which vary; what is asked is true of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/btf.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "sidecar/kernel_types.h"

static int make(void **state)
{
	struct error e = ERROR_INIT;
	return kernel_types_new((struct kernel_types **)state, &e);
}

static int drop(void **state)
{
	kernel_types_free(*state);
	return 0;
}

static __u32 member_offset(const struct btf *btf, __s32 id, const char *name)
{
	const struct btf_type *t = btf__type_by_id(btf, (__u32)id);
	for (__u32 i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), name))
			return btf_member_bit_offset(t, i);
	fail_msg("no member %s", name);
	return 0;
}

static void find_each_kind_once(void **state)
{
	const struct kernel_types *k = *state;
	assert_int_not_equal(0, kernel_types_find(k, "task_struct", BTF_KIND_STRUCT));
	assert_int_not_equal(0, kernel_types_find(k, "commit_creds", BTF_KIND_FUNC));
	assert_int_not_equal(0, kernel_types_find(k, "btf_trace_sys_exit", BTF_KIND_TYPEDEF));
}

static void find_missing_or_other_kind_zero(void **state)
{
	const struct kernel_types *k = *state;
	assert_int_equal(0, kernel_types_find(k, "no_such_function", BTF_KIND_FUNC));
	assert_int_equal(0, kernel_types_find(k, "task_struct", BTF_KIND_FUNC));
}

static void select_named_keeps_sizes_and_offsets(void **state)
{
	struct kernel_types *k = *state;
	struct error e = ERROR_INIT;
	struct btf *local = btf__new_empty(), *all = btf__load_vmlinux_btf();
	btf__add_struct(local, "task_struct", 0);
	btf__add_enum(local, "cgroup_subsys_id", 4);
	assert_int_equal(0, kernel_types_select(k, local, &e));
	struct btf *few = btf__parse(kernel_types_path(k), NULL);
	assert_non_null(few);
	assert_true(btf__type_cnt(few) < btf__type_cnt(all) / 20);
	__s32 mine = btf__find_by_name_kind(few, "task_struct", BTF_KIND_STRUCT);
	__s32 kernels = btf__find_by_name_kind(all, "task_struct", BTF_KIND_STRUCT);
	assert_true(mine > 0 && kernels > 0);
	assert_int_equal(btf__resolve_size(all, (__u32)kernels),
			 btf__resolve_size(few, (__u32)mine));
	const char *const members[] = { "thread_info", "tasks", "pid", "comm", "cgroups" };
	for (unsigned i = 0; i < ARRAY_SIZE(members); i++)
		assert_int_equal(member_offset(all, kernels, members[i]),
				 member_offset(few, mine, members[i]));
	assert_true(btf__find_by_name_kind(few, "cgroup_subsys_id", BTF_KIND_ENUM) > 0);
	assert_true(btf__find_by_name_kind(few, "linux_binprm", BTF_KIND_STRUCT) < 0);
	btf__free(few);
	btf__free(local);
	btf__free(all);
}

static void select_again_replaces_the_file(void **state)
{
	struct kernel_types *k = *state;
	struct error e = ERROR_INIT;
	struct btf *large = btf__new_empty(), *small = btf__new_empty();
	btf__add_struct(large, "task_struct", 0);
	btf__add_struct(small, "list_head", 0);
	assert_int_equal(0, kernel_types_select(k, large, &e));
	assert_int_equal(0, kernel_types_select(k, small, &e));
	struct btf *few = btf__parse(kernel_types_path(k), NULL);
	assert_non_null(few);
	assert_true(btf__find_by_name_kind(few, "list_head", BTF_KIND_STRUCT) > 0);
	assert_true(btf__find_by_name_kind(few, "task_struct", BTF_KIND_STRUCT) < 0);
	btf__free(few);
	btf__free(large);
	btf__free(small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(find_each_kind_once),
		cmocka_unit_test(find_missing_or_other_kind_zero),
		cmocka_unit_test(select_named_keeps_sizes_and_offsets),
		cmocka_unit_test(select_again_replaces_the_file),
	};
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		puts("this kernel has no BTF");
		return 77;
	}
	return cmocka_run_group_tests(tests, make, drop);
}
