/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside log_stream.c: the stream itself, shared with log_stream_end.c (what the end of a request
 * means) and log_stream_ask.c (whether a FOLLOW has brought all there is); and the times, which
 * only the tests change.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "k8s/log_reader.h"
#include "k8s/log_stream.h"
#include "k8s/loop.h"

struct reply;
struct request;

#define LOG_STREAM_BRIEF_LINES 100 /* asked for after silence, beyond those of the position */

struct log_stream_timing {
	int64_t retry_ms, retry_max_ms; /* after the end of a request, doubling */
	int64_t denied_ms;              /* after an answer that time alone will not change */
	int64_t read_stall_ms;          /* silence allowed in a read that does not follow */
	int64_t ended_stall_ms;         /* in one that follows a container that has ended */
	int64_t ask_ms;                 /* for the answer to a question, and then for the FOLLOW */
	int64_t guard_ms[5]; /* silence after which a follow is asked again, step by step */
};
extern struct log_stream_timing log_stream_timing;

enum log_stream_mode { LOG_STREAM_WAIT, LOG_STREAM_READ, LOG_STREAM_FOLLOW };

struct log_stream {
	struct client *client; /* borrowed */
	struct loop *loop;     /* borrowed */
	char *base;            /* owned: path and query up to the position */
	const struct log_stream_ops *ops;
	void *data;

	enum log_stream_mode mode;
	struct request *request; /* NULL while waiting */
	struct loop_timer timer; /* the next request, or the end of patience with this one */
	struct log_reader reader;
	int64_t last_new_ns; /* monotonic: bytes of a READ, new lines of a FOLLOW */
	int64_t ended_ns;    /* monotonic: since when the container is known to have ended; 0 */
	unsigned silences;   /* step of guard_ms: since the last new line */
	unsigned failures;   /* ends in a row without a new line */
	unsigned tail;       /* newest lines to ask for: it was cut before the position; 0: all */
	bool asked;          /* a caught_up() is owed */
	/* An open's question beside a FOLLOW, see log_stream_ask.c. */
	struct request *ask;  /* NULL: not on its way */
	int64_t ask_stamp_ns; /* what the FOLLOW must come to; 0: not known */
	int64_t ask_end_ns;   /* monotonic: and until when; 0 */
	bool ask_in_vain;     /* it did not come to it: until a new line comes */
	bool read_answers;    /* the READ that runs began after it was asked for */
	bool final;           /* the READ that runs began after the container had ended */
	bool all;             /* the newest lines alone did not do: until a new line comes */
	bool read_next;       /* the next request is a READ */
	bool eof;             /* the last FOLLOW ended well, and nothing has come since */
	bool complete;        /* what was ended() is all that there was */
	bool busy;            /* inside a callback of request or timer */
	bool stopped, over;   /* freed at the next chance; nothing is called any more */
	struct error why;     /* of lines() */
};

/* What the cache says now. */
struct log_stream_view {
	const char *id; /* "": not made yet */
	bool terminated, gone;
};

/* ---- log_stream.c ---- */
struct log_stream_view log_stream_look(struct log_stream *s);
void log_stream_set_timer_in(struct log_stream *s, int64_t ms);
/* The answer to a question that is open; it may call anything. */
void log_stream_tell_caught_up(struct log_stream *s, int r, const struct error *e);
/* Gives the last bytes, and says that there will be no more. */
void log_stream_finish(struct log_stream *s, bool complete);

/* ---- log_stream_end.c ---- */
/* The request in that mode has ended, and s is in LOG_STREAM_WAIT. */
void log_stream_end_request(struct log_stream *s, enum log_stream_mode mode,
			    const struct reply *reply);
/* Again, later than the last time. */
void log_stream_end_retry(struct log_stream *s);
/* The request has broken off. */
void log_stream_end_cut(struct log_stream *s);

/* ---- log_stream_ask.c ---- */
/* With a question and a FOLLOW: it is, or can be, answered without another READ. */
bool log_stream_ask_goes_on(struct log_stream *s);
/* After new lines: perhaps it is answered now. */
void log_stream_ask_check(struct log_stream *s);
void log_stream_ask_cancel(struct log_stream *s);
