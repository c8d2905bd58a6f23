/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running kernel's types (BTF). libbpf would read and search all of them, a hundred thousand,
 * once for each object that it loads; here that is done once, and each object is given the few it
 * needs. One thread.
 */
#pragma once
#include <linux/types.h>

struct btf;
struct error;
struct kernel_types;

/* Reads and indexes them: 7 MB until kernel_types_free. Fails where the kernel has none. */
int kernel_types_new(struct kernel_types **ret, struct error *e);
void kernel_types_free(struct kernel_types *k);

/* The id of a named type, function or typedef of that BTF_KIND_…; 0: this kernel has none. */
__u32 kernel_types_find(const struct kernel_types *k, const char *name, __u32 kind);

/*
 * Puts the kernel's types that have the names of those in `local`, and what they contain, into the
 * file of kernel_types_path(): all that an object with these types is relocated by (CO-RE). What
 * they only point to is left out: offsets do not depend on it.
 */
int kernel_types_select(struct kernel_types *k, const struct btf *local, struct error *e);
/* Borrowed; read by libbpf when an object is loaded. */
const char *kernel_types_path(const struct kernel_types *k);
