/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs attach to, by the names of their sections: tp_btf/X, fentry/X, fexit/X. One thread.
 */
#pragma once
#include <stdbool.h>

struct bpf_program;
struct error;
struct kernel_types;

/*
 * To be called before an object is opened, and again with NULL before `types` is freed: programs
 * are loaded for what `types` has. Borrows types.
 */
int attach_begin(const struct kernel_types *types, struct error *e);
/* Whether this kernel has what the program attaches to. */
bool attach_possible(const struct bpf_program *program);
