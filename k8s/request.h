/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call to the API server, with a deadline, retries where they are safe, and the reply as errno
 * and sentence. A struct client is a cluster on a loop plus what is known about the server: away or
 * not, latency, clock. All on the loop thread; the getters marked so may be called from any.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/error.h"
#include "k8s/status.h"

struct loop;
struct cluster;
struct client;
struct request;

/* Takes cluster; borrows loop. user_agent is copied ("weaverfs/0.1.0"). */
int client_new(struct loop *loop, struct cluster *cluster, const char *user_agent,
	       struct client **ret, struct error *e);
/* On the loop thread, or after it has stopped. Every request must have ended or been cancelled. */
void client_free(struct client *c);
struct loop *client_loop(struct client *c);
struct cluster *client_cluster(struct client *c);

/*
 * Known to be away: a call failed to connect, or timed out while nobody else was answered either,
 * and no probe (GET /readyz, each second while away, started by itself; and once when a call has
 * waited for half of its time) has succeeded since. Calls that must not wait ask first; e says
 * since when and why. Any thread.
 */
bool client_away(const struct client *c, struct error *e);
/* Server's clock minus ours in ms, from Date headers (whole seconds: ±500 ms). Any thread. */
int64_t client_clock_skew_ms(const struct client *c);
/* The server's time now, in whole seconds, rounded down: never ahead of it. Any thread. */
int64_t client_server_time(const struct client *c);
/* Round trip of the last ordinary call in ms, -1 before the first. Any thread. */
int64_t client_latency_ms(const struct client *c);
/* Calls made, and calls failed, since the start. Any thread. */
void client_counts(const struct client *c, uint64_t *calls, uint64_t *failures);

enum request_method { REQUEST_GET, REQUEST_POST, REQUEST_PATCH, REQUEST_DELETE };

/* What came back. All pointers are borrowed until the callback returns. */
struct reply {
	int r;            /* 0: 2xx; else -errno, and error says why */
	int http;         /* 0: no reply */
	bool ambiguous;   /* it may have reached the server and may still be carried out */
	const char *body; /* NUL-terminated; "" in stream mode */
	size_t len;
	const struct status *status; /* of a reply that is not 2xx, else NULL */
	const char *warning;         /* Warning: header text, NULL: none */
	struct error error; /* "pods \"x\" is forbidden: …": the server's words, no prefix */
};

struct request_spec {
	enum request_method method;
	const char *path;         /* "/api/v1/…?…", already encoded; copied */
	const char *content_type; /* of the body; literal */
	const char *body;         /* copied; NULL: none */
	size_t body_len;
	bool secret; /* wipes its copy of the body; asks for the metadata alone in reply */
	/*
	 * CLOCK_MONOTONIC; retries happen before it, then the last answer counts, else -ETIMEDOUT.
	 * 0 is allowed with on_data alone: no end and no retries but that after a 401, 10 s to
	 * connect and stall_ms between bytes (0: as long as it takes).
	 */
	int64_t deadline_ns;
	int64_t stall_ms;
	/*
	 * May be sent again when nobody knows whether it was carried out (GET, DELETE with a uid,
	 * PATCH with a resourceVersion). A POST is not: it is retried only after a definite
	 * rejection (429, 503 with Retry-After, a fresh namespace's service account, connection
	 * refused). A 5xx that is none leaves it ambiguous: etcd may have taken it.
	 */
	bool idempotent;
	/*
	 * Streaming: the headers of a 2xx have come; optional. A quiet watch is known to be
	 * accepted by nothing else. Then bytes of 2xx as they come; < 0 ends the request with that
	 * error.
	 */
	void (*on_open)(void *data);
	int (*on_data)(void *data, const char *bytes, size_t len);
	/*
	 * Exactly once, never from inside request_start(), not after request_cancel(). The request
	 * is gone when it returns.
	 */
	void (*on_done)(void *data, const struct reply *reply);
	void *data;
};

/*
 * NULL: out of memory (nothing will be called). A 401 is answered by cluster_renew() and one retry.
 */
struct request *request_start(struct client *c, const struct request_spec *spec);
void request_cancel(struct request *r);
