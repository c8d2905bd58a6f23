/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which API server, as whom: the outcome of a kubeconfig (client-go tools/clientcmd:
 * api/v1/types.go, loader.go for the merge rules) or of the in-cluster service account.
 * kubeconfig.c reads files into a struct cluster, cluster.c and auth.c turn it into TLS and headers
 * of a transfer and renew it.
 */
#pragma once
#include <curl/curl.h>
#include <openssl/types.h>
#include <stdbool.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"

struct loop;
struct cluster;

struct cluster_source {
	/*
	 * What the user named: a path, several joined by ':' (merged as $KUBECONFIG is), or NULL.
	 * With NULL: $KUBECONFIG, /etc/rancher/k3s/k3s.yaml, ~/.kube/config (of $SUDO_USER under
	 * sudo), in-cluster; the first that exists wins and an unreadable one is an error.
	 */
	const char *path;
	const char *context; /* NULL: current-context */
};

/* -ENOENT: no file and not in a cluster; -EACCES: unreadable (mode, owner and the group to join are
 * in e); -EINVAL: malformed, says where; all sentences ready for the user. */
int cluster_load(const struct cluster_source *source, struct cluster **ret, struct error *e);
void cluster_free(struct cluster *c);
DEFINE_CLEANUP(struct cluster *, cluster_free)

const char *
cluster_server(const struct cluster *c); /* "https://127.0.0.1:6443", path prefix kept */
const char *cluster_namespace(const struct cluster *c);   /* of the context; NULL: none said */
const char *cluster_context(const struct cluster *c);     /* its name; "in-cluster" */
const char *cluster_source_name(const struct cluster *c); /* the file(s) it came from */
bool cluster_has_proxy(const struct cluster *c);          /* the kubeconfig names one */

/*
 * Sets URL (server + path_and_query), CA, client certificate, proxy, server name, HTTP/1.1 on easy
 * and appends the Authorization and Impersonate-* headers. All TLS material goes in from memory,
 * the system's CA store is switched off. Loop thread.
 */
int cluster_prepare(struct cluster *c, CURL *easy, const char *path_and_query,
		    struct curl_slist **headers, struct error *e);

/* The headers alone: Authorization, Impersonate-*, and Host where that is not the URL's. */
int cluster_headers(struct cluster *c, struct curl_slist **headers, struct error *e);

/*
 * The same for others than curl (cluster_tls.c). A context with all CAs, the client's certificate
 * with its chain, and the name to expect; NULL without TLS. Returns owned. Loop thread.
 */
int cluster_tls_context(struct cluster *c, SSL_CTX **ret, struct error *e);
/* Where the server is. Strings are owned. */
struct cluster_address {
	char *host;  /* to connect to: a name or an address, an IPv6 one without brackets */
	char *name;  /* for TLS and the Host header */
	char *path;  /* before all paths, "" mostly; no slash at its end */
	char *proxy; /* "HOST:PORT" of an HTTP proxy in the kubeconfig; NULL: none */
	int port;
	bool https, insecure;
};
int cluster_tls_address(const struct cluster *c, struct cluster_address *ret, struct error *e);
void cluster_tls_address_done(struct cluster_address *a);

/* What an exec plugin gave has reached its expirationTimestamp: renew before the next call. */
bool cluster_expired(const struct cluster *c);
/* Grows with each renewal that changed something: a 401 to older credentials means nothing. */
unsigned cluster_generation(const struct cluster *c);

/*
 * Renews the credentials after a 401 or a certificate failure: reads the files again, runs the exec
 * plugin again (in a thread of its own, at most 10 s; the loop goes on meanwhile). done gets 0 when
 * they may have changed and one more try makes sense, -EACCES when they are the same as before.
 */
void cluster_renew(struct cluster *c, struct loop *loop,
		   void (*done)(void *data, int r, const struct error *e), void *data);

/*
 * Why the server says 401: it does not tell (the same bare Unauthorized for garbage, expired and
 * unknown CA), so this is worked out from the token's `exp` (JWT, RFC 7519) or the certificate's
 * notAfter: which credential, from which file, expired when.
 */
void cluster_explain_unauthorized(const struct cluster *c, struct buf *out);
/*
 * Why a TLS handshake failed, from CURLINFO_SSL_VERIFYRESULT and curl's error text: untrusted by
 * the CA of which file, expired, another name.
 */
void cluster_explain_tls(const struct cluster *c, long verify_result, const char *curl_text,
			 struct buf *out);
