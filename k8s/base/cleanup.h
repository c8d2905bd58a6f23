/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope-bound resources. A resource is declared and assigned in one statement:
 *
 *	_cleanup_(buf_done) struct buf b = BUF_INIT;
 *	_cleanup_(pod_unrefp) struct pod *pod = pod_ref(p);
 *
 * Ownership leaves a scope only through move_ptr(), a ret_ output, or a function that "takes".
 */
#pragma once
#include <stddef.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Defines `<func>p`, the pointer form that _cleanup_ wants, for a function that accepts NULL. */
#define DEFINE_CLEANUP(type, func)                                                                 \
	static inline void func##p(type *p)                                                        \
	{                                                                                          \
		if (*p)                                                                            \
			func(*p);                                                                  \
	}

/* Hands the pointer over and leaves NULL behind, so that the scope's cleanup does nothing. */
#define move_ptr(pp)                                                                               \
	({                                                                                         \
		__typeof__(pp) _pp = (pp);                                                         \
		__typeof__(*_pp) _p = *_pp;                                                        \
		*_pp = NULL;                                                                       \
		_p;                                                                                \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* clang-format off */
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
/* clang-format on */

/* free(*p) and close(*fd >= 0) in the form _cleanup_ wants. */
void cleanup_free(void *pp);
void cleanup_close(int *fd);
