/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files whose reads block for more: follow/ and wait/. Everything happens on the cluster thread; a
 * read that finds nothing is parked, and answered once by data, a signal, release or shutdown. Only
 * poll(2) is answered from the FUSE thread, by what was last published.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stdbool.h>

#include "fs/weaverfs.h"
#include "k8s/base/buf.h"
#include "k8s/base/error.h"
#include "k8s/pod.h"

struct registry_view;
struct stream;  /* one open file */
struct streams; /* all of them, by object */

/*
 * What a kind of stream does; cluster thread. A row of the table names one. fill() appends what is
 * new since its last call to out, which holds what nobody has read yet, and says whether more may
 * come; `state` is the kind's own, zeroed at open, STREAM_STATE_SIZE bytes.
 */
enum stream_more { STREAM_MORE, STREAM_END /* EOF after out */ };
#define STREAM_STATE_SIZE 64

struct stream_source {
	const struct weaverfs *fs;
	struct caller caller;
	uint64_t object;               /* 0: .weaverfs */
	const struct registry_view *w; /* as it is, or was at last; NULL in .weaverfs */
	bool gone;                     /* the weaver's pod is no more */
	int64_t opened_ns;             /* CLOCK_MONOTONIC */
	int64_t reading_ns;            /* since when a read has found nothing; 0: none has */
	size_t want;                   /* bytes that a read waits for; 0: none waits */
};
struct stream_ops {
	/* < 0: the open fails with it. May be NULL. */
	int (*open)(const struct stream_source *source, void *state, struct error *e);
	/* < 0: the read fails with it (wait/running: EIO, ETIMEDOUT), and out is as it was. */
	int (*fill)(const struct stream_source *source, void *state, struct buf *out,
		    enum stream_more *ret_more, struct error *e);
	void (*close)(const struct stream_source *source, void *state); /* may be NULL */
	/* Monotonic ns at which fill() wants to be asked though nothing has changed; 0: never. */
	int64_t (*wake_at)(const struct stream_source *source, void *state); /* may be NULL */
};
/* stream_follow.c, stream_wait.c */
extern const struct stream_ops stream_follow_status, stream_follow_events, stream_follow_logs,
	stream_follow_audit, stream_wait_running, stream_wait_done, stream_wait_gone,
	stream_follow_mount;

int stream_new(struct weaverfs *fs, struct streams **ret, struct error *e);
void stream_free(struct streams *s); /* cluster thread; answers what is parked with EIO */

/* ---- from the FUSE thread ---- */
/* Takes req: fuse_reply_open() with fi->fh as given to the others below, nonseekable, direct_io. */
void stream_open(struct streams *s, fuse_req_t req, fuse_ino_t ino, const struct stream_ops *ops,
		 struct fuse_file_info *fi, const struct caller *caller);
/* Takes req. O_NONBLOCK (fi->flags): EAGAIN. */
void stream_read(struct streams *s, fuse_req_t req, struct stream *f, size_t size,
		 const struct fuse_file_info *fi);
/* Takes req and ph (may be NULL). */
void stream_poll(struct streams *s, fuse_req_t req, struct stream *f, struct fuse_pollhandle *ph);
void stream_release(struct streams *s, fuse_req_t req, struct stream *f);

/* ---- from sync, logs and reaper, cluster thread ---- */
/* The weaver has a new state, event or line, or is gone: its streams are asked again. */
void stream_wake(struct streams *s, uint64_t object);
/* From sync: a newer state of the weaver; before NULL: it was not known. Wakes its streams. */
void stream_pod_changed(struct streams *s, const struct pod *before,
			const struct registry_view *now);
/* For .weaverfs/follow/events: one thing that has happened. */
enum stream_event {
	STREAM_CREATED,
	STREAM_RUNNING,
	STREAM_SUCCEEDED,
	STREAM_FAILED,
	STREAM_EXPIRING, /* 10 minutes before */
	STREAM_DELETED,
	STREAM_EXPIRED,
};
void stream_publish(struct streams *s, enum stream_event event, const char *name,
		    const struct pod *pod);
