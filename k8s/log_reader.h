/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one log request → new lines. Pure: no network, no clock. Each line comes as
 * "2026-11-24T02:02:45.305557505+01:00 text": stamps of nine digits in the node's zone, rising. The
 * position (last stamp, how many lines have it) is found again in what a later request serves: what
 * comes before it is dropped, a newer line that comes without it shows a gap. A line too long to
 * wait for its end is handed over in parts, and the position counts them. Private to k8s/.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/buf.h"
#include "k8s/base/error.h"
#include "k8s/log_stream.h"

#define LOG_READER_LINE_MAX (1u << 20) /* a longer line is passed on before its end is there */

struct log_reader {
	struct log_position pos;
	/* As in struct log_stream_ops. */
	int (*lines)(void *data, const char *bytes, size_t len, const struct log_position *pos);
	void (*gap)(void *data, int64_t from_ns, int64_t to_ns);
	void *data;
	/*
	 * Set after log_reader_begin() where only the newest lines were asked for: a newer line
	 * without the position is no gap then, but -EAGAIN: ask for all.
	 */
	bool brief;
	/* private */
	struct buf pending;            /* a line that is not complete, with its stamp */
	struct buf out;                /* lines of this feed without their stamps */
	uint32_t seen;                 /* lines of this request with the stamp of pos */
	struct buf aside;              /* the incomplete line of an earlier request … */
	struct log_position aside_pos; /* … which followed this position */
	bool anchored;                 /* the position was found in this request */
	bool passing;                  /* inside a line over LOG_READER_LINE_MAX */
	bool passing_new;              /* which is a new one */
	int64_t passing_ns;
	uint64_t skip;  /* bytes of the line that comes now which were handed over before */
	uint64_t fresh; /* new lines of this request */
	uint64_t stale; /* lines of this request before the position, and at it */
	char note[256]; /* text without a stamp: the kubelet speaking ("" if none) */
};

void log_reader_init(struct log_reader *r, const struct log_position *from);
void log_reader_done(struct log_reader *r);
/* A new request begins at the position: an incomplete line of the last one is put aside. */
void log_reader_begin(struct log_reader *r);
/* 0, -ENOMEM, -EAGAIN of a brief one, or what lines() returned. */
int log_reader_feed(struct log_reader *r, const char *bytes, size_t len, struct error *e);
/*
 * Nothing more will come: the last line is complete without a newline. Where the last request did
 * not bring it again (the pod is gone by then), it is the one put aside. As log_reader_feed().
 */
int log_reader_finish(struct log_reader *r, struct error *e);
