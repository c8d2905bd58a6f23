/* SPDX-License-Identifier: Apache-2.0 */
/* The audited system calls: the one table that the probes are told from. Read-only, any thread. */
#pragma once
#include <linux/types.h>

struct call_row {
	const char *name;
	short number, compat_number; /* x86-64 and i386; -1: none */
	__u32 call;                  /* CALL_MAKE(group, code) of scope.h */
};

extern const struct call_row call_table_row[];
extern const unsigned call_table_rows;
