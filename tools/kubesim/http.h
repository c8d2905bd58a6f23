/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 over libwebsockets: one struct request per transaction. A handler answers a request
 * once, at once or later, with a whole body (Content-Length) or with a stream (chunked) that is
 * pulled: fill() is called when the socket takes more, so a slow reader costs no memory.
 */
#pragma once
#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>

#include "k8s/base/buf.h"
#include "tools/kubesim/fault.h"
#include "tools/kubesim/loop.h"

#define HTTP_MAX_BODY (3 * 1024 * 1024)
#define HTTP_MAX_ARGS 128

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OTHER };

struct http_arg {
	char *name; /* owned; value points into the same allocation */
	char *value;
};

struct request;

struct http_stream {
	/* Appends what there is to send now; false: the stream ends after that. */
	bool (*fill)(struct request *r, void *data, struct buf *out);
	void (*close)(void *data); /* the response is over, for whatever reason; frees data */
};

struct request {
	enum http_method method;
	char *path; /* decoded, owned */
	struct http_arg args[HTTP_MAX_ARGS];
	size_t arg_count;
	char *accept; /* owned, "" when absent; so are the next three */
	char *content_type;
	char *authorization;
	char *user_agent;
	struct buf body;
	const char *user; /* who it is: "kubernetes-admin", "system:anonymous" */

	/* Private to http.c. */
	struct lws *wsi;
	struct buf head; /* extra header lines of the response */
	struct buf out;  /* bytes of the response not yet sent */
	size_t out_sent;
	const struct http_stream *stream;
	void *stream_data;
	struct loop_fd hangup; /* see http_hold() */
	struct loop_timer delay;
	struct fault_state fault;
	struct buf chunks; /* a chunked body as it came */
	bool chunked_body, dispatched, answered, chunked, ended, too_large;
};

struct http_options {
	const char *address;
	int port;                          /* 0: any */
	const void *cert_pem, *key_pem;    /* the server's, NUL-terminated */
	void (*tls_setup)(SSL_CTX *ctx);   /* called once with the server's context */
	void (*handle)(struct request *r); /* answers, or keeps r and answers later */
	/* Whether r may become a WebSocket; false: answered at once. */
	bool (*upgrade)(struct request *r, bool v5);
};

int http_start(const struct http_options *options, struct error *e);
int http_port(void);
int http_service(void); /* one turn of the loop; negative: over */
void http_cancel(void); /* async-signal-safe wake-up of http_service */
void http_stop(void);

const char *http_arg(const struct request *r, const char *name); /* NULL: not given */
SSL *http_tls(const struct request *r);

/* Adds a header line to the coming response. */
void http_header(struct request *r, const char *name, const char *value);
/* The whole response; takes the body's bytes. */
void http_reply(struct request *r, int status, const char *type, struct buf *body);
/* A chunked 200 response; takes data. */
void http_stream_start(struct request *r, const char *type, const struct http_stream *stream,
		       void *data);
void http_wake(struct request *r); /* the stream has more to send */
