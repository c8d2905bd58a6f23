/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines on stdout, for `kubectl logs`: convenience, not the record. At most so many bytes a second,
 * a quarter of which is kept for what matters most, and never waiting for who reads. What is left
 * out is said on stdout itself, by kind: audit_lost {stage: stdout, reason, kind, count, …}.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct encoder;
struct sink_stdout;

/* fd becomes non-blocking. bytes_per_s 0: nothing at all is written. NULL: out of memory. */
struct sink_stdout *sink_stdout_new(int fd, int64_t bytes_per_s);
void sink_stdout_free(struct sink_stdout *s);

/* One line with its newline; type is enum event_type, or beyond: the sidecar's own, critical. */
void sink_stdout_put(struct sink_stdout *s, const char *line, size_t len, unsigned type,
		     bool critical, int64_t timestamp_ns);
/* Writes what the pipe takes; once a second says what was left out. now_ns: monotonic. */
void sink_stdout_flush(struct sink_stdout *s, const struct encoder *c, int64_t now_ns);
/* At the end: waits at most so long for the pipe. */
void sink_stdout_drain(struct sink_stdout *s, const struct encoder *c, int timeout_ms);

/* Lines left out so far, by reason. */
void sink_stdout_left_out(const struct sink_stdout *s, uint64_t *ret_budget, uint64_t *ret_blocked);
