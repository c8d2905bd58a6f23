/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has been done, counted by who did it. A deed is "event_type/operation/call", call being the
 * number of the system call, with an i before one of the 32-bit table; an operation or call (-1)
 * that says nothing is empty. Counts are shared with the children.
 */
#pragma once
#include <stdbool.h>

/* A kernel without hooks cannot see some of what happens, and shows other traces of it instead. */
enum load_seen { SEEN_ALWAYS, SEEN_BY_HOOKS, SEEN_WITHOUT_HOOKS, SEEN_COUNT };

void load_init(void);
void load_did(enum load_seen seen, const char *type, const char *operation, int call);
#define LOAD_URING 0x20000  /* by a request of io_uring, no call of its own */
#define LOAD_COMPAT 0x10000 /* added to a call of the 32-bit table */
void load_print(void);

/* syscall(2), with the int that all results here are. */
#define load_call(...)                                                                             \
	({                                                                                         \
		int _result = (int)syscall(__VA_ARGS__);                                           \
		_result;                                                                           \
	})

/* Runs part in a child and waits for it; the fork and the exit are counted. */
void load_child(void (*part)(void *arg), void *arg);

/* int $0x80: pointers must be below 4 GiB: load_low() has room for `size` there. */
int load_compat(long nr, long a, long b, long c, long d, long e);
bool load_has_compat(void);
void *load_low(unsigned size);

void files_do(void);
void files_compat(void);
void processes_do(const char *self);
void network_do(void);
void network_do_dns(void);
void memory_do(void);
void privileges_do(void);
void escapes_do(void);
void uring_do(void);
