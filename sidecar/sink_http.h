/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records to Loom's server: POST LOOM_SERVER_URL/internal/weaver-audit/events with
 * {weaver_id, org_id, events[]}, on a thread of its own that reads the buffer on disk like any
 * other reader. A batch is known by its bytes of the stream (Idempotency-Key), which are written
 * down before it is sent: after a kill the very same batch is sent again, and the server can tell.
 *
 * No answer, 401, 403, 404, 408, 429, 5xx: the same batch again, after 0.5 s up to a minute, or
 * what Retry-After says; nothing is lost as long as the buffer holds it. 413: smaller batches.
 * 400, 422: once more with Loom's own kinds of records alone; if that is refused, too, it is given
 * up. What is given up, or was dropped from the buffer before it was sent, is counted in
 * stats.unsendable, which the pipeline puts into the record.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct error;
struct sink_http;
struct stats;

struct sink_http_options {
	const char *url;    /* LOOM_SERVER_URL; borrowed as all here */
	const char *buffer; /* directory */
	const char *weaver_id, *org_id;
	const char *token_path, *ca_path;
	bool allow_insecure;
	struct stats *stats;
	/* tests: */
	int interval_ms; /* between requests where there is little to send; 0: 1000 */
	int backoff_ms;  /* the first; 0: 500 */
	int timeout_ms;  /* of a request; 0: 30000 */
};

/* -EINVAL: the URL is none, or is http and must not be. */
int sink_http_start(const struct sink_http_options *options, struct sink_http **ret,
		    struct error *e);
/*
 * Ends the thread. It sends what the buffer holds, and tries again after 0.1 s at most, for so long
 * in all, so that a server that is being restarted gets it; what is left is counted (SHUTDOWN).
 */
void sink_http_drain(struct sink_http *s, int timeout_ms);
/*
 * Sends what has come into the buffer since, if the drain has sent all and left time; stats.unsent
 * is what the server does not have. Takes s. Without a drain before nothing more is sent.
 */
void sink_http_stop(struct sink_http *s);
