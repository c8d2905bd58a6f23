/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An error is an errno for programs and a sentence for people: what failed, on what, why, and what
 * to do. It lives on the caller's stack; NULL is allowed wherever one is taken, and nothing is
 * touched on success. A quota denial of the API server has 356 characters, hence the size.
 */
#pragma once

struct error {
	int code;        /* errno, positive; 0: nothing set */
	char text[1024]; /* NUL-terminated, one line, no trailing newline */
};

/* clang-format off */
#define ERROR_INIT { 0 }
/* clang-format on */

/* Sets e (when not NULL) and returns -code, so that `return error_set(e, EINVAL, …)` reads well. */
int error_set(struct error *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "<fmt>: " before the text already in e; its code becomes that of r. Returns r. */
int error_wrap(struct error *e, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Out of memory is an error like any other: an abort would unmount everyone. Returns -ENOMEM. */
int error_oom(struct error *e);

/* The symbolic name of an errno ("EDQUOT"), or "E?" for one without a name. */
const char *error_name(int code);
