/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cluster from its loading over each transfer's TLS settings to the renewal of its credentials.
 * All TLS material reaches curl as blobs in memory: no temporary files, and curl itself sees by
 * comparing them that a connection made with other credentials must not be used again.
 *
 * A renewal loads the source a second time, beside the cluster in use, and then exchanges the
 * credentials alone: who asked for a server keeps that server. Reading files is done on the loop
 * thread, an exec plugin runs in a thread of its own.
 */
#include "k8s/cluster.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "k8s/base/clock.h"
#include "k8s/cluster_private.h"
#include "k8s/exec_plugin.h"
#include "k8s/loop.h"

#define CLUSTER_PLUGIN_NS (10 * CLOCK_NS_PER_S)

struct cluster_waiter {
	struct list node;
	void (*done)(void *data, int r, const struct error *e);
	void *data;
};

struct cluster_renewal {
	struct loop_job job;
	struct cluster *cluster; /* NULL once it has been freed meanwhile */
	struct cluster *fresh;   /* owned; what the source says now */
	struct loop *loop;
	pthread_t thread; /* runs the exec plugin */
	bool threaded;
	int cancel_fd; /* eventfd: the plugin is to be killed */
	int r;
	struct error error;
};

/* Everything but the exec plugin's part. paths as kubeconfig_origin_paths() gives them. */
static int cluster_read(const char *paths, const char *context, struct cluster **ret,
			struct error *e)
{
	_cleanup_(cluster_freep) struct cluster *c = calloc(1, sizeof(*c));

	if (!c)
		return error_oom(e);
	list_init(&c->waiters);
	c->paths = strdup(paths);
	if (!c->paths)
		return error_oom(e);
	int r = paths[0] ? kubeconfig_load(c, paths, context, e)
			 : kubeconfig_origin_pod(c, KUBECONFIG_ORIGIN_POD_DIR, e);
	if (r == 0)
		*ret = move_ptr(&c);
	return r;
}

static int cluster_run_plugin(struct cluster *c, int cancel_fd, struct error *e)
{
	int r = exec_plugin_run(c->auth.exec, clock_monotonic_ns() + CLUSTER_PLUGIN_NS, cancel_fd,
				&c->auth, e);
	return r < 0 ? r : auth_check(&c->auth, e);
}

int cluster_load(const struct cluster_source *source, struct cluster **ret, struct error *e)
{
	_cleanup_(cluster_freep) struct cluster *c = NULL;
	_cleanup_(cleanup_free) char *paths = NULL;

	int r = kubeconfig_origin_paths(source->path, &paths, e);
	if (r == 0)
		r = cluster_read(paths, source->context, &c, e);
	if (r == 0 && c->auth.exec)
		r = cluster_run_plugin(c, -1, e);
	if (r == 0)
		*ret = move_ptr(&c);
	return r;
}

static void cluster_renewal_free(struct cluster_renewal *n)
{
	if (n->cancel_fd >= 0)
		close(n->cancel_fd);
	cluster_free(n->fresh);
	free(n);
}

/* Its job is always posted and frees it; what it must not do is to touch the cluster. */
static void cluster_renewal_abandon(struct cluster_renewal *n)
{
	if (n->threaded) {
		eventfd_write(n->cancel_fd, 1);
		pthread_join(n->thread, NULL);
		n->threaded = false;
	}
	n->cluster = NULL;
}

void cluster_free(struct cluster *c)
{
	if (!c)
		return;
	if (c->renewal)
		cluster_renewal_abandon(c->renewal);
	list_for_each(w, &c->waiters, struct cluster_waiter, node) {
		list_remove(&w->node);
		free(w);
	}
	auth_done(&c->auth);
	free(c->paths);
	free(c->context);
	free(c->source);
	free(c->namespace_);
	free(c->server);
	free(c->url);
	curl_slist_free_all(c->connect_to);
	free(c->host_header);
	free(c->proxy_url);
	curl_slist_free_all(c->impersonate);
	free(c);
}

const char *cluster_server(const struct cluster *c)
{
	return c->server;
}

const char *cluster_namespace(const struct cluster *c)
{
	return c->namespace_;
}

const char *cluster_context(const struct cluster *c)
{
	return c->context;
}

const char *cluster_source_name(const struct cluster *c)
{
	return c->source;
}

bool cluster_has_proxy(const struct cluster *c)
{
	return c->proxy_url;
}

static bool cluster_is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
	       strcmp(host, "[::1]") == 0;
}

static void cleanup_curlu(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void cleanup_curl_string(char **s)
{
	curl_free(*s);
}

/*
 * curl takes the name for SNI and verification from the URL alone: the URL gets the wanted name and
 * CURLOPT_CONNECT_TO ("NAME:PORT:HOST:PORT") leads it to the real host.
 */
static int cluster_set_server_name(struct cluster *c, const char *name, const char *host,
				   const char *port, const char *path, struct error *e)
{
	_cleanup_(cleanup_free) char *to = NULL;
	bool ipv6 = strchr(name, ':');
	const char *open = ipv6 ? "[" : "", *close = ipv6 ? "]" : "";

	if (strpbrk(name, "/@?# \t\r\n"))
		return error_set(e, EINVAL, "tls-server-name \"%s\": no host name", name);
	if (asprintf(&to, "%s%s%s:%s:%s:%s", open, name, close, port, host, port) < 0) {
		to = NULL;
		return error_oom(e);
	}
	c->connect_to = curl_slist_append(NULL, to);
	if (asprintf(&c->url, "https://%s%s%s:%s%s", open, name, close, port, path) < 0)
		c->url = NULL;
	if (asprintf(&c->host_header, "Host: %s:%s", host, port) < 0)
		c->host_header = NULL;
	return c->connect_to && c->url && c->host_header ? 0 : error_oom(e);
}

int cluster_set_server(struct cluster *c, const char *server, const char *tls_server_name,
		       struct error *e)
{
	_cleanup_(cleanup_curlu) CURLU *u = curl_url();
	_cleanup_(cleanup_curl_string) char *scheme = NULL;
	_cleanup_(cleanup_curl_string) char *host = NULL;
	_cleanup_(cleanup_curl_string) char *port = NULL;
	_cleanup_(cleanup_curl_string) char *path = NULL;
	char *odd = NULL;

	if (!u)
		return error_oom(e);
	c->https = strncmp(server, "https://", 8) == 0;
	if ((!c->https && strncmp(server, "http://", 7) != 0) ||
	    curl_url_set(u, CURLUPART_URL, server, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
	    curl_url_get(u, CURLUPART_PATH, &path, 0) != CURLUE_OK)
		return error_set(e, EINVAL, "server \"%s\": expected https://HOST:PORT", server);
	const CURLUPart oddities[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY,
				       CURLUPART_FRAGMENT };
	for (size_t i = 0; i < ARRAY_SIZE(oddities); i++) {
		if (curl_url_get(u, oddities[i], &odd, 0) != CURLUE_OK)
			continue;
		curl_free(odd);
		return error_set(e, EINVAL, "server \"%s\": expected host, port and path only",
				 server);
	}

	c->server = strdup(server);
	if (!c->server)
		return error_oom(e);
	for (size_t len = strlen(c->server); c->server[len - 1] == '/'; len--)
		c->server[len - 1] = '\0';
	for (size_t len = strlen(path); len > 0 && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
	c->loopback = cluster_is_loopback(host);
	if (c->https && tls_server_name)
		return cluster_set_server_name(c, tls_server_name, host, port, path, e);
	c->url = strdup(c->server);
	return c->url ? 0 : error_oom(e);
}

static int cluster_add_header(struct curl_slist **headers, const char *line, struct error *e)
{
	struct curl_slist *more = curl_slist_append(*headers, line);

	if (!more)
		return error_oom(e);
	*headers = more;
	return 0;
}

int cluster_headers(struct cluster *c, struct curl_slist **headers, struct error *e)
{
	const char *token;

	int r = auth_token(&c->auth, &token, e);
	if (r == 0 && c->host_header)
		r = cluster_add_header(headers, c->host_header, e);
	for (const struct curl_slist *h = c->impersonate; r == 0 && h; h = h->next)
		r = cluster_add_header(headers, h->data, e);
	if (r == 0 && token) {
		_cleanup_(cleanup_free) char *line = NULL;
		if (asprintf(&line, "Authorization: Bearer %s", token) < 0) {
			line = NULL;
			return error_oom(e);
		}
		r = cluster_add_header(headers, line, e);
	}
	return r;
}

static CURLcode cluster_set_pem(CURL *easy, CURLoption option, const struct auth_pem *pem)
{
	/* CURL_BLOB_COPY: a renewal may free the text while the transfer runs. */
	struct curl_blob blob = { .data = pem->text, .flags = CURL_BLOB_COPY };

	if (!pem->text)
		return CURLE_OK;
	blob.len = strlen(pem->text);
	return curl_easy_setopt(easy, option, &blob);
}

/* curl's sockets are not to leak into children, of which an exec plugin is one. */
static curl_socket_t cluster_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *to)
{
	(void)data, (void)purpose;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static CURLcode cluster_prepare_tls(const struct cluster *c, CURL *easy)
{
	/* Without this a public CA could vouch for the cluster. */
	if (c->auth.ca.text) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, c->insecure ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, c->insecure ? 0L : 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
	curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
	CURLcode code = cluster_set_pem(easy, CURLOPT_CAINFO_BLOB, &c->auth.ca);
	if (code == CURLE_OK)
		code = cluster_set_pem(easy, CURLOPT_SSLCERT_BLOB, &c->auth.cert);
	if (code == CURLE_OK)
		code = cluster_set_pem(easy, CURLOPT_SSLKEY_BLOB, &c->auth.key);
	return code;
}

int cluster_prepare(struct cluster *c, CURL *easy, const char *path_and_query,
		    struct curl_slist **headers, struct error *e)
{
	_cleanup_(cleanup_free) char *url = NULL;

	int r = cluster_headers(c, headers, e);
	if (r < 0)
		return r;
	if (asprintf(&url, "%s%s", c->url, path_and_query) < 0) {
		url = NULL;
		return error_oom(e);
	}
	CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, url);
	if (code == CURLE_OK)
		code = cluster_prepare_tls(c, easy);
	if (code == CURLE_NOT_BUILT_IN || code == CURLE_UNKNOWN_OPTION)
		return error_set(e, ENOTSUP,
				 "this libcurl takes no certificates from memory; the "
				 "OpenSSL flavour of 7.77 or later is needed");
	if (code != CURLE_OK)
		return error_oom(e);

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, c->connect_to);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, cluster_open_socket);
	/* A host that vanishes without a word is noticed after 15 + 3 * 5 s. */
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 15L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 5L);
	/* Else curl follows https_proxy, as Go does; which, unlike curl, spares this machine. */
	if (c->proxy_url || c->loopback)
		curl_easy_setopt(easy, CURLOPT_PROXY, c->proxy_url ? c->proxy_url : "");
	return 0;
}

bool cluster_expired(const struct cluster *c)
{
	return c->auth.exec && c->auth.expires_s != 0 &&
	       c->auth.expires_s <= clock_realtime_ns() / CLOCK_NS_PER_S;
}

unsigned cluster_generation(const struct cluster *c)
{
	return c->generation;
}

/* Takes over what the source says now. */
static int cluster_renewal_apply(struct cluster *c, struct cluster *fresh, struct error *e)
{
	if (strcmp(c->server, fresh->server) != 0)
		return error_set(e, EACCES,
				 "%s names another server now, %s: start again to use it",
				 fresh->source, fresh->server);
	if (!cluster_expired(c) && auth_same(&c->auth, &fresh->auth))
		return error_set(e, EACCES, "%s gives the same credentials as before",
				 fresh->source);
	struct auth old = c->auth;
	c->auth = fresh->auth;
	fresh->auth = old;
	c->generation++;
	return 0;
}

static void cluster_renewal_finish(struct loop_job *job)
{
	struct cluster_renewal *n = (struct cluster_renewal *)(void *)job;
	struct cluster *c = n->cluster;

	if (n->threaded)
		pthread_join(n->thread, NULL);
	if (c) {
		struct list waiters = LIST_INIT(waiters);
		c->renewal = NULL;
		if (n->r == 0)
			n->r = cluster_renewal_apply(c, n->fresh, &n->error);
		/* Apart, because a done() may ask for the next renewal. */
		list_for_each(w, &c->waiters, struct cluster_waiter, node) {
			list_remove(&w->node);
			list_push_back(&waiters, &w->node);
		}
		list_for_each(w, &waiters, struct cluster_waiter, node) {
			list_remove(&w->node);
			w->done(w->data, n->r, n->r < 0 ? &n->error : NULL);
			free(w);
		}
	}
	cluster_renewal_free(n);
}

static void *cluster_renewal_thread(void *arg)
{
	struct cluster_renewal *n = arg;

	pthread_setname_np(pthread_self(), "credentials");
	n->r = cluster_run_plugin(n->fresh, n->cancel_fd, &n->error);
	loop_post(n->loop, &n->job);
	return NULL;
}

/* The files now; the plugin, where there is one, goes on in its thread. */
static void cluster_renewal_begin(struct cluster_renewal *n)
{
	/* The same files and context, whatever current-context may be by now. */
	n->r = cluster_read(n->cluster->paths, n->cluster->context, &n->fresh, &n->error);
	if (n->r == 0 && n->fresh->auth.exec) {
		n->cancel_fd = eventfd(0, EFD_CLOEXEC);
		n->threaded = true;
		int r = n->cancel_fd < 0
				? errno
				: pthread_create(&n->thread, NULL, cluster_renewal_thread, n);
		if (r == 0)
			return;
		n->threaded = false;
		n->r = error_set(&n->error, r, "the credential plugin cannot be run: %s",
				 strerror(r));
	}
	loop_post(n->loop, &n->job);
}

void cluster_renew(struct cluster *c, struct loop *loop,
		   void (*done)(void *data, int r, const struct error *e), void *data)
{
	struct cluster_waiter *w = calloc(1, sizeof(*w));
	struct cluster_renewal *n = c->renewal ? c->renewal : calloc(1, sizeof(*n));
	struct error error = ERROR_INIT;

	if (!w || !n) {
		free(w);
		if (n != c->renewal)
			free(n);
		done(data, error_oom(&error), &error);
		return;
	}
	*w = (struct cluster_waiter){ .done = done, .data = data };
	list_push_back(&c->waiters, &w->node);
	if (c->renewal)
		return;
	*n = (struct cluster_renewal){ .cluster = c, .loop = loop, .cancel_fd = -1 };
	n->job.run = cluster_renewal_finish;
	list_init(&n->job.node);
	c->renewal = n;
	cluster_renewal_begin(n);
}

void cluster_explain_unauthorized(const struct cluster *c, struct buf *out)
{
	auth_explain(&c->auth, out);
}

void cluster_explain_tls(const struct cluster *c, long verify_result, const char *curl_text,
			 struct buf *out)
{
	auth_explain_tls(&c->auth, verify_result, curl_text, out);
}
