/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP/1.1 connection that posts (RFC 9112), plain or TLS, kept open between requests. One
 * thread; it waits, but never beyond a deadline, and ends waiting when stop_fd is readable.
 *
 * Not libcurl: Debian's static one wants Kerberos and LDAP, of which there are no static libraries.
 * Not libwebsockets: a megabyte in the image for one kind of request. TLS is libssl's.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/buf.h"

struct error;
struct http_client;

/* url: http or https, host, port, and what stands before each path. -EINVAL with the reason. */
int http_client_new(const char *url, int stop_fd, struct http_client **ret, struct error *e);
void http_client_free(struct http_client *c);

struct http_client_request {
	const char *path;    /* is put behind the url's own */
	const char *headers; /* lines that end with \r\n; "" */
	const char *body;
	size_t len;
	const char *ca_path; /* PEM file; NULL: what OpenSSL knows ($SSL_CERT_FILE). Https alone */
	int timeout_ms;      /* for all of it */
};
struct http_client_reply {
	int status;
	int retry_after_s; /* 0: not said */
	struct buf body;   /* at most 64 KiB of it; the caller's to free */
};
/*
 * 0: there is a reply, whatever its status. Else why there is none: -ETIMEDOUT, -ECANCELED
 * (stop_fd), -EPROTO, -EKEYREJECTED (the certificate), or what connecting gave. The connection is
 * closed then.
 */
int http_client_post(struct http_client *c, const struct http_client_request *request,
		     struct http_client_reply *ret, struct error *e);
