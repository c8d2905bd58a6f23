/* SPDX-License-Identifier: Apache-2.0 */
/* What client.c and request.c share. Loop thread, but for struct client_state. */
#pragma once
#include "k8s/base/buf.h"
#include "k8s/base/list.h"
#include "k8s/base/lock.h"
#include "k8s/loop.h"
#include "k8s/request.h"

/* What is known about the server, for the getters that any thread may call. */
struct client_state {
	struct lock lock; /* LOCK_LEAF, guards all that follows */
	bool away;
	int64_t away_since_s;    /* CLOCK_REALTIME */
	struct error away_error; /* the call that found it out */
	bool clock_known;
	int64_t skew_ms;      /* from the last Date header */
	int64_t offset_ms;    /* server's time is at least CLOCK_MONOTONIC + this … */
	int64_t offset_at_ms; /* … at this time of CLOCK_MONOTONIC */
	int64_t latency_ms;
	uint64_t calls, failures;
};

#define CLIENT_PROBES 2

struct client {
	struct loop *loop;                     /* borrowed */
	struct cluster *cluster;               /* owned */
	char *user_agent;                      /* owned */
	struct client_state *state;            /* owned */
	struct list requests;                  /* struct request */
	bool renewing;                         /* some of them wait for new credentials */
	struct request *probes[CLIENT_PROBES]; /* of those, each GET /readyz under way */
	struct loop_timer probe_timer;
	int64_t answered_ns; /* CLOCK_MONOTONIC of the last answer that was one; 0: none yet */
};

enum request_next { REQUEST_ATTEMPT, REQUEST_FINISH };

struct request {
	struct list node; /* client.requests */
	struct client *client;
	struct request_spec spec; /* path and body are ours */
	char *path, *body;

	/* Of the call as a whole. */
	struct loop_timer wake; /* what to do next, and when */
	enum request_next next;
	struct loop_timer doubt; /* half of its time is over */
	int64_t doubted_ns;      /* no answer to anybody since: the server is away; 0: not yet */
	bool probe;              /* the client's own: not counted */
	bool was_away;           /* at the start: one attempt must do */
	bool renewed;            /* credentials have been renewed for it once */
	bool renewing;           /* waits for that; the wake timer is its deadline */
	bool opened;             /* on_open has been called */
	bool delivered;          /* on_data has had bytes */
	bool ambiguous;          /* of any attempt */
	bool in_data;            /* inside on_open or on_data … */
	bool cancelled;          /* … where it was cancelled */
	bool finishing;          /* inside on_done */
	unsigned failures, quota_races;
	int result; /* 0 or -errno, with error */
	struct error error;

	/* Of the attempt. */
	struct loop_transfer transfer;
	bool transferring;
	struct curl_slist *headers;
	char curl_error[CURL_ERROR_SIZE];
	unsigned generation; /* of the credentials used */
	size_t body_sent;
	int64_t started_ns, last_byte_ns;
	int data_result; /* what on_data returned, or why bytes could not be kept */
	struct loop_timer stall, flush;
	struct buf pending; /* bytes for on_data */
	struct buf reply_body;
	struct buf warning;
	int http;
	struct status status;
};

/* client.c */
void client_note_date(struct client *c, int64_t date_s, int64_t sent_ns);
void client_note_answered(struct client *c, int http);
void client_note_unanswered(struct client *c, const struct error *why);
/* Asks whether the server is there at all. */
void client_probe(struct client *c);
void client_note_end(struct client *c, const struct request *r);
/* Has request_renewed() called for each request that waits, when it is over. */
void client_renew(struct client *c);

/* request.c */
struct request *request_start_probe(struct client *c, const struct request_spec *spec);
void request_renewed(struct request *r, int result, const struct error *e);

/* request_attempt.c: one transfer. */
int request_attempt_start(struct request *r, struct error *e);
/* Ends it, finished or not, and frees what belongs to it but the reply. */
void request_attempt_end(struct request *r);
/*
 * The outcome where curl has failed: error, and whether the request may have reached the server.
 * To be called before request_attempt_end().
 */
int request_attempt_error(struct request *r, CURLcode code, bool *ret_ambiguous, struct error *e);
/* request.c again: the transfer has ended; bytes have come; none have come for stall_ms. */
void request_attempt_done(struct loop_transfer *t, CURLcode code);
