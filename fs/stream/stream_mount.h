/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .weaverfs/follow/events: what has happened, one JSON object a line, for those who may see the
 * weaver. Cluster thread.
 *
 * All readers share one ring of the last events; each has its place in it and takes out a few lines
 * at a time. Who falls behind the ring gets {"event":"lost","count":N} in place of what he would
 * have seen. Without a reader nothing is kept.
 */
#pragma once
#include <stdbool.h>

#include "fs/stream/stream.h"

struct stream_mount;

int stream_mount_new(struct weaverfs *fs, struct stream_mount **ret, struct error *e);
void stream_mount_free(struct stream_mount *m); /* no reader is left */
/* Whether there is news for somebody. */
bool stream_mount_publish(struct stream_mount *m, enum stream_event event, const char *name,
			  const struct pod *pod);
/* STREAM_EXPIRING, when the change has moved an expiry into the next 10 minutes. */
void stream_mount_pod_changed(struct stream_mount *m, const struct pod *before,
			      const struct registry_view *now);

/* The kind's own; see struct stream_ops. */
int stream_mount_open(const struct stream_source *source, void *state, struct error *e);
int stream_mount_fill(const struct stream_source *source, void *state, struct buf *out,
		      enum stream_more *ret_more, struct error *e);
void stream_mount_close(const struct stream_source *source, void *state);
