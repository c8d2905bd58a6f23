/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ws.c, ws_ask.c and ws_connection.c share. Everything belongs to the ws thread but for what
 * says otherwise.
 */
#pragma once
#include <openssl/types.h>

#include "k8s/base/buf.h"
#include "k8s/base/lock.h"
#include "k8s/cluster.h"
#include "k8s/loop.h"
#include "k8s/request.h"
#include "k8s/ws.h"

/* The server as of one generation of credentials: libwebsockets ties TLS to a vhost. */
struct ws_route {
	struct list node; /* ws.routes, the newest first */
	struct ws *ws;
	unsigned generation;
	struct cluster_address address;
	SSL_CTX *tls; /* owned; NULL without TLS */
	struct lws_vhost *vhost;
	unsigned users; /* connections */
};

struct ws {
	struct client *client; /* borrowed; for the loop thread */
	struct loop *loop;     /* borrowed */
	struct lws_context *context;
	struct lws_vhost *home; /* carries the epoll descriptor */
	int epoll;              /* closed with the context */
	struct list routes;
	struct list connections; /* struct ws_connection */
	bool ending;             /* by ws_free(): there are to be no new ones */
	struct ws_job sweep;     /* frees routes without users */
	bool sweeping;           /* it is queued */
	pthread_t thread;
	bool started; /* the thread that starts and stops us */
	char name[16];

	struct list asks; /* the loop thread; struct ws_ask */
	bool detached;    /* the loop thread */

	struct lock lock; /* LOCK_QUEUE, guards what follows */
	struct list jobs;
	bool stop;
};

/* ws.c */
extern const struct lws_protocols ws_protocols[];

/* ws_connection.c */
int ws_connection_callback(struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t len);

void ws_connection_end_all(struct ws *w);

/* ws_route.c */
/* The route of a generation, NULL: none yet. Borrowed. */
struct ws_route *ws_route_find(struct ws *w, unsigned generation);
/* Makes the newest one; takes tls and what address holds, also on failure. Borrowed. */
int ws_route_new(struct ws *w, unsigned generation, SSL_CTX *tls, struct cluster_address *address,
		 struct ws_route **ret, struct error *e);
void ws_route_use(struct ws_route *r);
void ws_route_unuse(struct ws_route *r); /* NULL allowed; may be called from inside libwebsockets */
void ws_route_sweep(struct ws_job *job);

/*
 * ws_ask.c: a question to the client's loop: the credentials of now, and, where the server has
 * refused an upgrade, why. libwebsockets drops the body of such an answer, so the same path is
 * asked for again without an upgrade.
 */
struct ws_ask {
	/* Set by the asker. */
	char *path;  /* owned */
	bool reason; /* ask for the reason first */
	bool known;  /* known_generation has a route */
	unsigned known_generation;
	/* On the ws thread, exactly once; frees nothing but itself by ws_ask_free(). */
	void (*answered)(struct ws_ask *a);
	void *data; /* NULL: nobody waits any more */

	/* The answer. */
	int r; /* 0: here are credentials, and the server would have said yes where asked */
	struct error error;
	unsigned generation;
	SSL_CTX *tls;                   /* owned; NULL also where the generation is known */
	struct cluster_address address; /* owned; empty where the generation is known */
	struct buf headers;             /* lines that end with CR LF */

	struct ws *ws;
	struct ws_job back;
	struct loop_job job;
	struct list node; /* ws.asks; loop thread */
	struct request *request;
	bool posted; /* the second request, a POST */
};

struct ws_ask *ws_ask_new(struct ws *w, const char *path); /* NULL: out of memory */
void ws_ask_start(struct ws_ask *a);
void ws_ask_free(struct ws_ask *a);
