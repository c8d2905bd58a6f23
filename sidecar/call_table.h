/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audited system calls: the one table that the probes are told from and records named by.
 * Read-only, any thread.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>

#define CALL_NAME_ONLY 0 /* nothing that sys_exit looks at */

struct call_row {
	const char *name;
	short number, compat_number; /* x86-64 and i386; -1: none */
	__u32 call;                  /* CALL_MAKE(group, code) of scope.h */
};

extern const struct call_row call_table_row[];
extern const unsigned call_table_rows;

/* NULL: it is not in the table. compat: a number of the 32-bit one (int 0x80). */
const char *call_table_name(int number, bool compat);
