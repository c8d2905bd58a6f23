/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes on their way into a pipe, pty or socket that takes them when it likes. */
#pragma once
#include "k8s/base/buf.h"
#include "tools/kubesim/loop.h"

struct pump {
	struct loop_fd watch;
	int fd; /* owned, non-blocking; -1: closed */
	struct buf pending;
	bool ends;                       /* close once everything was written */
	void (*drained)(struct pump *p); /* NULL allowed */
};

void pump_init(struct pump *p, int fd); /* takes fd, -1 allowed: what comes is dropped */
void pump_done(struct pump *p);
void pump_write(struct pump *p, const char *bytes, size_t len);
void pump_end(struct pump *p); /* closes after what is pending */
