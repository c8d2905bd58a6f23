/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One weaver's log, or audit trail, inside logs.c: its spool, the stream that feeds it, and the
 * opens that wait for it. Cluster thread.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/logs/log_source.h"
#include "fs/logs/logs.h"
#include "fs/registry.h"
#include "k8s/base/buf.h"
#include "k8s/base/error.h"
#include "k8s/base/list.h"
#include "k8s/loop.h"

struct park;
struct spool;

struct log_file {
	struct list node; /* the owner's */
	struct weaverfs *fs;
	const struct log_source *source;
	char uid[64], name[REGISTRY_NAME_MAX];
	uint64_t objects[2]; /* the numbers it was opened by: its name's, its id's; 0: none */
	uint64_t object;     /* the weaver's own number: its streams */
	struct pod *pod;     /* the last known state; a reference */
	struct spool *spool;
	struct log_position position; /* of the spool's end */
	struct buf gaps;              /* gap lines, appended with the lines that follow them */
	void *stream;                 /* the source's; NULL: closed */
	bool asking;                  /* caught_up() will come */
	struct list asked, later;     /* openings: of the question that is out, of the next one */
	struct list keepers;          /* struct logs_keeper */
	unsigned opens;
	bool opened; /* somebody has read it */
	bool ended;  /* the container's last byte is in the spool */
	bool cut;    /* ended too early: a gap line at the end says so */
	bool spared; /* the files stay though the pod is gone */
	bool gone;   /* the pod */
	bool failed; /* an append failed with `why`; the stream is dead until the timer */
	struct error why;
	struct loop_timer timer; /* nobody reads: close the stream; failed: begin again */
};

/* An open that is under way. */
struct log_opening {
	struct list node; /* log_file.asked or .later */
	struct loop_job job;
	struct logs *logs;
	struct log_file *file; /* NULL: not found yet */
	uint64_t object;
	fuse_req_t req; /* until it is parked */
	struct park *park;
	struct loop_timer deadline; /* log_file_ask() */
	logs_opened *opened;
	void *data;
};

/* With the spool of v's pod, opened and made known to the registry. */
int log_file_new(struct weaverfs *fs, const struct log_source *source,
		 const struct registry_view *v, struct log_file **ret, struct error *e);
/* Nothing may wait for it any more. Removes the spool's files when the weaver is gone. */
void log_file_free(struct log_file *f);
/* o, which is parked, waits for all that the kubelet has now; it may be answered at once. */
void log_file_ask(struct log_file *f, struct log_opening *o);
/* Ends o's wait: with the spool, counted in opens, or with e. log_file_left() is the caller's. */
void log_file_answer(struct log_opening *o, const struct error *e);
/* An open that waits for nothing. */
void log_file_follow(struct log_file *f);
/* An open has ended: with the last one begins the time after which nobody wants the stream. f may
 * be gone afterwards. */
void log_file_left(struct log_file *f);
/* k wants all of it; complete: it is known to be in the spool. */
void log_file_keep(struct log_file *f, struct logs_keeper *k, bool complete);
/* "[weaverfs: gap FROM .. TO]" and a newline; UTC ns. */
void log_file_gap_line(struct buf *out, int64_t from_ns, int64_t to_ns);
/* v: its newest state, NULL: as before; gone: there is none any more. f may be gone
 * afterwards. */
void log_file_pod_changed(struct log_file *f, const struct registry_view *v, bool gone);
/* logs.c: room to note the release of one more open, which it counts. 0 or -ENOMEM. */
int logs_reserve_release(struct logs *l);
