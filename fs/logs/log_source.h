/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the bytes of a weaver's growing file come from: `logs` from the log of its main container,
 * `audit` from its sidecar. Both follow something without loss or repetition from a position on,
 * and tell struct log_stream_ops of k8s/log_stream.h what comes. Cluster thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "fs/logs/spool.h"
#include "k8s/base/buf.h"
#include "k8s/base/error.h"
#include "k8s/log_stream.h"

struct log_file;
struct pod;
struct pod_container;

struct log_source {
	enum spool_kind kind;
	const char *file; /* its name in the table */
	const char *dir;  /* of the spools, below the state directory */
	int64_t max_bytes;
	const char *none; /* what to say of a pod without that container */
	/* Whose it is; NULL: none. */
	const struct pod_container *(*container)(const struct pod *pod);
	/* Its id; "" as long as there is nothing to be read. There is a container. */
	const char *(*id)(const struct pod *pod);
	/* It has ended for good. */
	bool (*over)(const struct pod *pod);
	/* From f's position on; *ret is for the functions below, as those of a log_stream. */
	int (*start)(struct log_file *f, const struct log_stream_ops *ops, void **ret,
		     struct error *e);
	void (*stop)(void *stream);
	void (*refresh)(void *stream);
	void (*poke)(void *stream);
	/* All is in the spool, or it says what is not; stream NULL: as far as it tells itself. */
	bool (*complete)(const void *stream, struct spool *spool);
	/* The line that stands for an end that could not be had. */
	void (*cut_line)(struct spool *spool, const struct log_position *at, int64_t begun_ns,
			 struct buf *out);
};

extern const struct log_source log_source_logs;
extern const struct log_source audit_source_sidecar; /* audit_source.c */
