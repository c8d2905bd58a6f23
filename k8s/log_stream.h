/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows one container's log without loss or repetition over reconnects, kubelet and apiserver
 * restarts and rotation, as far as the kubelet still serves the lines; what it no longer does is
 * reported as a gap. The algorithm and why: reference kubernetes-measured.md §5. Loop thread.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/error.h"

struct client;
struct log_stream;

/* Where reading stands; kept with the spool so that a restart goes on there. */
struct log_position {
	char container_id[128]; /* "" before the first line */
	int64_t last_ns;        /* stamp of the last complete line */
	uint32_t same;          /* complete lines with exactly that stamp */
	int64_t part_ns;        /* stamp of the next line … */
	uint64_t part;          /* … of which so many bytes were handed over: a very long one */
};

struct log_stream_ops {
	/*
	 * Whole lines, stamps removed, raw bytes (the last line of an ended container may lack its
	 * newline); pos is where reading stands after them. < 0 ends the stream with that error.
	 */
	int (*lines)(void *data, const char *bytes, size_t len, const struct log_position *pos);
	/*
	 * Lines between the two stamps (UTC ns) cannot be read any more, if there were any: a new
	 * file after rotation does not show whether its first line follows the last of the old.
	 */
	void (*gap)(void *data, int64_t from_ns, int64_t to_ns);
	/*
	 * All that the kubelet had when log_stream_start() (or _refresh()) was called has been
	 * delivered; with r != 0: it could not be read now (e says why), the stream goes on trying.
	 */
	void (*caught_up)(void *data, int r, const struct error *e);
	/* The container has ended and its last byte was delivered, or the pod is gone. The last. */
	void (*ended)(void *data);
	/* From the cache: the container's id now ("": none yet), and whether it has terminated, or the
	 * pod is gone. Borrowed until it returns. */
	const char *(*container)(void *data, bool *ret_terminated, bool *ret_gone);
};

struct log_stream_spec {
	struct client *client;
	const char *namespace_, *pod, *container; /* copied */
	struct log_position from;                 /* zeroed: from the oldest line served */
	const struct log_stream_ops *ops;
	void *data;
};

int log_stream_start(const struct log_stream_spec *spec, struct log_stream **ret, struct error *e);
void log_stream_stop(struct log_stream *s); /* no callback after it; frees */
/* Calls caught_up() again once all that is served now has been delivered (the file's next open). */
void log_stream_refresh(struct log_stream *s);
/* In ended(): whether that was all, as far as can be known; else the pod was gone too early. */
bool log_stream_complete(const struct log_stream *s);
/* The cached pod has changed: the container has started, ended or is gone. */
void log_stream_poke(struct log_stream *s);
