/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside watch.c: how a watch frame is read (watch_frame.c), and the times, which only the tests
 * change.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/watch.h"

struct watch_timing {
	int64_t backoff_ms,
		backoff_max_ms;   /* first and longest wait, before jitter of 1 to 2 times */
	int64_t backoff_reset_ms; /* without failure for so long: start at backoff_ms again */
	int64_t away_poll_ms;     /* while the server is away: ask the client that often */
	int64_t away_attempt_ms;  /* and try anyway after that long */
	int64_t stall_ms;         /* silence allowed where bookmarks come */
	int64_t stall_list_ms;    /* silence allowed inside a list */
	int64_t slack_ms;         /* without bookmarks: past timeoutSeconds */
	int64_t short_ms;         /* a watch that ended sooner, without event, was no watch */
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
	const char *rv; /* metadata.resourceVersion, not terminated; NULL: none */
	size_t rv_len;
};

/* Takes a frame apart in place. -EPROTO: it has no type or no object. */
int watch_frame_parse(struct watch_frame *f, char *json, size_t len, struct error *e);
/* The text of a string member without its quotes, or NULL. Versions have no escapes in them. */
const char *watch_frame_string(const char *json, size_t len, const char *key, size_t *ret_len);
