/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside watch.c: the watch itself, shared with watch_events.c (what comes out of a stream); how a
 * frame is read (watch_frame.c); and the times, which only the tests change.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/buf.h"
#include "k8s/loop.h"
#include "k8s/request.h"
#include "k8s/scan.h"
#include "k8s/watch.h"

struct watch_timing {
	int64_t backoff_ms,
		backoff_max_ms;     /* first and longest wait, before jitter of 1 to 2 times */
	int64_t retry_after_max_ms; /* no longer, whatever the server asks for */
	int64_t backoff_reset_ms;   /* without failure for so long: start at backoff_ms again */
	int64_t away_poll_ms;       /* while the server is away: ask the client that often */
	int64_t away_attempt_ms;    /* and try anyway after that long */
	int64_t stall_ms;           /* silence allowed where bookmarks come */
	int64_t stall_list_ms;      /* silence allowed inside a list */
	int64_t refused_ms;         /* a watch list was refused: no other one for so long */
	int64_t silent_ms;          /* it cost stall_list_ms to learn that it does not work */
	int64_t slack_ms;           /* without bookmarks: past timeoutSeconds */
	int64_t short_ms;           /* a watch that ended sooner, without event, was no watch */
	uint32_t timeout_min_s, timeout_max_s;
};
extern struct watch_timing watch_timing;

enum watch_frame_kind {
	WATCH_FRAME_OBJECT,
	WATCH_FRAME_BOOKMARK,
	WATCH_FRAME_INITIAL_END, /* the bookmark after the initial events of a watch list */
	WATCH_FRAME_ERROR,
	WATCH_FRAME_UNKNOWN, /* a type of a later release: ignored */
};

struct watch_frame {
	enum watch_frame_kind kind;
	enum watch_event event; /* of an object */
	char *object;           /* borrowed from the frame, NUL-terminated in it */
	size_t len;
};

/* Takes a frame apart in place. -EPROTO: it has no type or no object. */
int watch_frame_parse(struct watch_frame *f, char *json, size_t len, struct error *e);
/* metadata.resourceVersion, not terminated; NULL: none. It walks half the object: not for all. */
const char *watch_frame_version(const struct watch_frame *f, size_t *ret_len);
/* The text of a string member without its quotes, or NULL. Versions have no escapes in them. */
const char *watch_frame_string(const char *json, size_t len, const char *key, size_t *ret_len);

enum watch_stage { WATCH_STAGE_STREAM, WATCH_STAGE_LIST, WATCH_STAGE_FOLLOW };

enum watch_ending {
	WATCH_ENDING_NONE,
	WATCH_ENDING_CLEAN,     /* the server has closed a watch in good order */
	WATCH_ENDING_LISTED,    /* the list is complete */
	WATCH_ENDING_EXPIRED,   /* history is gone: replace now */
	WATCH_ENDING_REFUSED,   /* no watch lists here: list */
	WATCH_ENDING_TRANSIENT, /* the same again, later */
	WATCH_ENDING_DISTRUST,  /* what was known cannot be relied on: replace, later */
};

struct watch {
	struct client *client; /* borrowed */
	struct loop *loop;     /* borrowed */
	char *path, *selector; /* owned; selector may be NULL */
	const struct watch_ops *ops;
	void *data;

	enum watch_stage stage;  /* of the attempt that runs or is next */
	struct request *request; /* NULL between attempts */
	struct loop_timer timer; /* the next attempt, or the end of patience with this one */
	struct scan scan;
	struct buf rv;            /* the last version seen; opaque */
	enum watch_ending ending; /* decided inside the stream */
	struct error why;         /* of it */
	unsigned events;          /* of this attempt, bookmarks too */
	uint32_t timeout_s;       /* of this attempt */
	int64_t started_ns;       /* of this attempt */
	int64_t last_bytes_ns, last_event_ns;
	int64_t last_failure_ns, waiting_since_ns;
	int64_t list_until_ns; /* a watch list was refused: until then a replace is a list */
	int retry_after_s;     /* what the server has asked for at the end of this attempt */
	unsigned failures;     /* in a row; the exponent of the wait */
	bool replacing;        /* between replace_begin and its end */
	bool synced;
	bool bookmarks; /* they do come here */
	bool healthy, health_told;
	int told_code; /* errno of the reason that was told, 0: healthy */
	bool busy;     /* inside a callback of the request: stop and relist are only noted */
	bool stopped, relist;
};

/* watch_events.c. Health is told when it changes, or its kind of reason; why: NULL when healthy. */
void watch_events_health(struct watch *w, bool healthy, const struct error *why);
/* The end of a replace, good or bad; the bad one only where one had begun. */
void watch_events_end_replace(struct watch *w);
void watch_events_abort_replace(struct watch *w);
/* For the scanner: a frame of a watch or an element of a list; the metadata of a list. */
int watch_events_object(void *data, char *json, size_t len, struct error *e);
int watch_events_metadata(void *data, char *json, size_t len, struct error *e);
