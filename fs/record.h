/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who did what: one line in the log, at info, for each operation that makes, ends or enters a
 * weaver: mkdir, mv, rmdir, ttl, exec, sh, attach, stdin, force. It says uid, pid, weaver and the
 * result, never a value or an argument, which may be a secret. This is the one file below main.c,
 * ops.c and cmd_*.c that logs above debug: operations end on the cluster thread, where no caller is
 * left to return to. Any thread.
 */
#pragma once
#include <sys/types.h>

#include "k8s/base/error.h"

/* what: "mkdir"; weaver: its directory's name; e NULL or without a code: it has succeeded. */
void record_done(uid_t uid, pid_t pid, const char *what, const char *weaver, const struct error *e);
/* The same of one that gave a second name: "mv a b". */
void record_renamed(uid_t uid, pid_t pid, const char *from, const char *to, const struct error *e);
