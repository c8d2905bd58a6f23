/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cluster.c, kubeconfig.c, auth.c and exec_plugin.c share: the struct behind cluster.h. A
 * cluster is filled by kubeconfig.c before any other thread sees it. Afterwards everything but
 * `auth` stays as it is; `auth` and the renewal belong to the loop thread.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "k8s/base/list.h"
#include "k8s/cluster.h"

/* A PEM text (or several, one after the other) and where it came from. */
struct auth_pem {
	char *text;   /* owned; NULL: none */
	char *origin; /* owned; "FILE" or "FILE: certificate-authority-data", for sentences */
};

/* The credentials: the part that cluster_renew() replaces. All strings are owned. */
struct auth {
	char *user;   /* the name of its entry; "" in a cluster */
	char *source; /* the kubeconfig it stands in */
	struct auth_pem ca, cert, key;
	char *token;
	char *token_origin;       /* the file the token came from */
	char *token_file;         /* NULL: the token does not come from a file of its own */
	struct stat token_stat;   /* of token_file when it was read */
	int64_t token_read_ns;    /* monotonic; 0: not yet */
	struct exec_plugin *exec; /* owned; NULL: none */
	int64_t expires_s;        /* what the exec plugin said; 0: never, or not by a plugin */
};

struct cluster {
	char *paths; /* what it was loaded from, for reading again; "": a pod's service account */
	char *context, *source, *namespace_;
	char *server;                  /* as the file names it, without a trailing slash */
	char *url;                     /* the same with tls-server-name in the place of the host */
	struct curl_slist *connect_to; /* leads url back to the real host; NULL: the same host */
	char *host_header;             /* "Host: …" of the real host; NULL: as url has it */
	char *proxy_url;
	bool https, insecure;
	bool loopback; /* the host is this machine: the environment's proxy does not apply */
	struct curl_slist *impersonate;
	struct auth auth;

	struct list waiters;             /* struct cluster_waiter */
	struct cluster_renewal *renewal; /* under way; owned by its job once that is posted */
	unsigned generation;
};

/* cluster.c: sets what follows from the server's URL; tls_server_name may be NULL. */
int cluster_set_server(struct cluster *c, const char *server, const char *tls_server_name,
		       struct error *e);

/* kubeconfig.c: fills c from the files joined by ':'. The exec plugin has not been run. */
int kubeconfig_load(struct cluster *c, const char *paths, const char *context, struct error *e);

/*
 * kubeconfig_origin.c: the files named, NULL: the first source that exists, as cluster.h says; all
 * absolute, since daemons change directory. Returns owned; "": in a pod.
 */
int kubeconfig_origin_paths(const char *named, char **ret, struct error *e);
/* Fills c from a pod's service account, its files being in dir. */
int kubeconfig_origin_pod(struct cluster *c, const char *dir, struct error *e);
#define KUBECONFIG_ORIGIN_POD_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

/* auth.c */
void auth_done(struct auth *a);
/* The whole file, at most 16 MiB; why it cannot be read is for a person who wants to read it. */
int auth_read_file(const char *path, struct buf *out, struct error *e);
/* Takes the token out of text: blanks around it are dropped. -EINVAL: none, or no header value. */
int auth_set_token(struct auth *a, const char *text, const char *origin, struct error *e);
/* Certificates and key are what they should be and belong together. */
int auth_check(const struct auth *a, struct error *e);
/* The bearer token now, NULL: none; a token file is read again when it has changed. */
int auth_token(struct auth *a, const char **ret, struct error *e);
bool auth_same(const struct auth *a, const struct auth *b);
void auth_explain(const struct auth *a, struct buf *out);
void auth_explain_tls(const struct auth *a, long verify_result, const char *curl_text,
		      struct buf *out);
