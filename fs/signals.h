/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGTERM, SIGINT and SIGHUP end the mount. A signal that comes between a test and the system call
 * that waits would be lost, and libfuse's own handler has that hole; so the handler also starts a
 * timer that interrupts the main thread again and again until it has noticed.
 */
#pragma once
#include <stdbool.h>

struct fuse_session;

/* Before the first thread is started. */
void signals_init(void);
bool signals_stopping(void);
/* The session that a signal ends; NULL: none any more. Main thread. */
void signals_set_session(struct fuse_session *session);
/* The main thread has noticed: no more interruptions. */
void signals_done(void);
