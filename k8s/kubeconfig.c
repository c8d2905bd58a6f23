/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeconfig files → struct cluster, by the rules of client-go's clientcmd (loader.go): of several
 * files the first that defines a cluster, user or context wins with the whole entry, the first
 * current-context wins, and relative paths start at the file they stand in. Where it comes to
 * sentences, every one says file, line and column.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/cluster_private.h"
#include "k8s/exec_plugin.h"
#include "k8s/kubeconfig_exec.h"
#include "k8s/kubeconfig_yaml.h"

#define KUBECONFIG_FILES_MAX 32

struct kubeconfig {
	struct kubeconfig_yaml files[KUBECONFIG_FILES_MAX];
	size_t count;
	char *source; /* owned: the files that were read, joined by ':' */
};

static void kubeconfig_done(struct kubeconfig *k)
{
	for (size_t i = 0; i < k->count; i++)
		kubeconfig_yaml_done(&k->files[i]);
	free(k->source);
}

/* An entry of one of the three lists: its file, and what stands under `cluster`, `user`… */
struct kubeconfig_entry {
	struct kubeconfig_yaml *file; /* borrowed */
	const yaml_node_t *map;       /* NULL: the entry is empty */
};

static int kubeconfig_read_file(struct kubeconfig *k, const char *path, struct buf *source,
				struct error *e)
{
	/* Missing ones are skipped, as in $KUBECONFIG; a repeated one defines nothing new. */
	if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	for (size_t i = 0; i < k->count; i++)
		if (strcmp(k->files[i].path, path) == 0)
			return 0;
	if (k->count == KUBECONFIG_FILES_MAX)
		return error_set(e, EINVAL, "more than %d kubeconfig files", KUBECONFIG_FILES_MAX);
	buf_printf(source, "%s%s", k->count > 0 ? ":" : "", path);
	return kubeconfig_yaml_read(&k->files[k->count++], path, e);
}

static int kubeconfig_read(struct kubeconfig *k, const char *paths, struct error *e)
{
	_cleanup_(cleanup_free) char *list = strdup(paths);
	_cleanup_(buf_done) struct buf source = BUF_INIT;
	char *state = NULL;

	if (!list)
		return error_oom(e);
	for (char *path = strtok_r(list, ":", &state); path; path = strtok_r(NULL, ":", &state)) {
		int r = kubeconfig_read_file(k, path, &source, e);
		if (r < 0)
			return r;
	}
	if (k->count == 0)
		return error_set(e, ENOENT, "%s: no such kubeconfig", paths);
	k->source = buf_steal(&source);
	return k->source ? 0 : error_oom(e);
}

static int kubeconfig_current_context(struct kubeconfig *k, const char **ret, struct error *e)
{
	for (size_t i = 0; i < k->count; i++) {
		struct kubeconfig_yaml *y = &k->files[i];
		int r = kubeconfig_yaml_string(y, kubeconfig_yaml_root(y), "current-context", ret,
					       e);
		if (r < 0 || *ret)
			return r;
	}
	return 0;
}

static int kubeconfig_find_in(struct kubeconfig_yaml *y, const char *list_key, const char *item_key,
			      const char *name, struct kubeconfig_entry *ret, struct buf *others,
			      struct error *e)
{
	yaml_node_t *list, *item, *map;
	const char *item_name;

	int r = kubeconfig_yaml_list(y, kubeconfig_yaml_root(y), list_key, &list, e);
	for (size_t i = 0; r == 0 && (item = kubeconfig_yaml_item(y, list, i)); i++) {
		r = kubeconfig_yaml_string(y, item, "name", &item_name, e);
		if (r < 0 || !item_name)
			continue;
		if (strcmp(item_name, name) == 0) {
			r = kubeconfig_yaml_map(y, item, item_key, &map, e);
			*ret = (struct kubeconfig_entry){ .file = y, .map = map };
			return r;
		}
		buf_printf(others, "%s\"%s\"", others->len > 0 ? ", " : "", item_name);
	}
	return r;
}

static int kubeconfig_find(struct kubeconfig *k, const char *list_key, const char *item_key,
			   const char *name, struct kubeconfig_entry *ret, struct error *e)
{
	_cleanup_(buf_done) struct buf others = BUF_INIT;

	*ret = (struct kubeconfig_entry){ 0 };
	for (size_t i = 0; i < k->count; i++) {
		int r = kubeconfig_find_in(&k->files[i], list_key, item_key, name, ret, &others, e);
		if (r < 0 || ret->file)
			return r;
	}
	return error_set(e, EINVAL, "%s: no %s is named \"%s\"; there is %s", k->source, item_key,
			 name, others.len > 0 ? buf_str(&others) : "none");
}

/* Base64 (RFC 4648 §4) with any line breaks; the result is text. */
static int kubeconfig_decode(const char *value, char **ret)
{
	size_t len = strlen(value);
	int n = 0, last = 0;
	EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
	_cleanup_(cleanup_free) unsigned char *out = calloc(1, len + 4);
	bool ok = ctx && out;

	if (ok) {
		EVP_DecodeInit(ctx);
		ok = EVP_DecodeUpdate(ctx, out, &n, (const unsigned char *)value, (int)len) >= 0 &&
		     EVP_DecodeFinal(ctx, out + n, &last) == 1;
	}
	EVP_ENCODE_CTX_free(ctx);
	if (!ok || strlen((char *)out) != (size_t)(n + last))
		return -EINVAL;
	*ret = (char *)move_ptr(&out);
	return 0;
}

/* KEY-data if there is one, else the file that KEY names, else nothing. */
static int kubeconfig_read_pem(const struct kubeconfig_entry *at, const char *key,
			       struct auth_pem *ret, struct error *e)
{
	char data_key[64];
	const char *data, *path;
	yaml_node_t *node;

	snprintf(data_key, sizeof(data_key), "%s-data", key);
	int r = kubeconfig_yaml_string(at->file, at->map, data_key, &data, e);
	if (r == 0)
		r = kubeconfig_yaml_string(at->file, at->map, key, &path, e);
	if (r < 0 || (!data && !path))
		return r;
	if (data) {
		kubeconfig_yaml_get(at->file, at->map, data_key, &node, NULL);
		if (strlen(data) > (16U << 20) || kubeconfig_decode(data, &ret->text) < 0)
			return kubeconfig_yaml_error(at->file, node, e, "%s: no base64", data_key);
		if (asprintf(&ret->origin, "%s", at->file->path) < 0)
			ret->origin = NULL;
		return ret->origin ? 0 : error_oom(e);
	}

	_cleanup_(buf_done) struct buf text = BUF_INIT;
	ret->origin = kubeconfig_yaml_path(at->file, path);
	if (!ret->origin)
		return error_oom(e);
	r = auth_read_file(ret->origin, &text, e);
	if (r < 0)
		return error_wrap(e, r, "%s: %s", at->file->path, key);
	ret->text = buf_steal(&text);
	return ret->text ? 0 : error_oom(e);
}

static int kubeconfig_read_cluster(struct cluster *c, const struct kubeconfig_entry *at,
				   struct error *e)
{
	const char *server, *server_name, *proxy;

	int r = kubeconfig_yaml_string(at->file, at->map, "server", &server, e);
	if (r == 0)
		r = kubeconfig_yaml_string(at->file, at->map, "tls-server-name", &server_name, e);
	if (r == 0)
		r = kubeconfig_yaml_string(at->file, at->map, "proxy-url", &proxy, e);
	if (r == 0)
		r = kubeconfig_yaml_bool(at->file, at->map, "insecure-skip-tls-verify",
					 &c->insecure, e);
	if (r == 0)
		r = kubeconfig_read_pem(at, "certificate-authority", &c->auth.ca, e);
	if (r < 0)
		return r;
	if (!server)
		return error_set(e, EINVAL, "%s: the cluster of context \"%s\" has no server",
				 at->file->path, c->context);
	if (c->insecure && c->auth.ca.text)
		return error_set(e, EINVAL,
				 "%s: certificate-authority and insecure-skip-tls-verify exclude "
				 "each other",
				 at->file->path);
	if (proxy) {
		/* As Go has it, the proxy resolves names in both kinds of SOCKS 5. */
		bool socks = strncmp(proxy, "socks5://", 9) == 0;
		if (!socks && strncmp(proxy, "socks5h://", 10) != 0 &&
		    strncmp(proxy, "http://", 7) != 0 && strncmp(proxy, "https://", 8) != 0)
			return error_set(e, EINVAL,
					 "%s: proxy-url \"%s\": expected http, https or socks5",
					 at->file->path, proxy);
		if (asprintf(&c->proxy_url, "%s%s", socks ? "socks5h://" : "",
			     socks ? proxy + 9 : proxy) < 0) {
			c->proxy_url = NULL;
			return error_oom(e);
		}
	}
	r = cluster_set_server(c, server, server_name, e);
	return r < 0 ? error_wrap(e, r, "%s", at->file->path) : 0;
}

static int kubeconfig_refuse_obsolete(const struct kubeconfig_entry *at, struct error *e)
{
	yaml_node_t *provider;
	const char *username, *password;

	int r = kubeconfig_yaml_get(at->file, at->map, "auth-provider", &provider, e);
	if (r == 0)
		r = kubeconfig_yaml_string(at->file, at->map, "username", &username, e);
	if (r == 0)
		r = kubeconfig_yaml_string(at->file, at->map, "password", &password, e);
	if (r < 0)
		return r;
	if (provider)
		return kubeconfig_yaml_error(at->file, provider, e,
					     "auth-provider: Kubernetes 1.26 has removed it; use a "
					     "certificate, a token or an exec plugin");
	if (username || password)
		return kubeconfig_yaml_error(
			at->file, at->map, e,
			"username and password: Kubernetes 1.19 has removed them; "
			"use a certificate, a token or an exec plugin");
	return 0;
}

static int kubeconfig_read_token(struct auth *a, const struct kubeconfig_entry *at, struct error *e)
{
	const char *token, *token_file;

	int r = kubeconfig_yaml_string(at->file, at->map, "token", &token, e);
	if (r == 0)
		r = kubeconfig_yaml_string(at->file, at->map, "tokenFile", &token_file, e);
	if (r == 0 && token)
		r = auth_set_token(a, token, at->file->path, e);
	if (r == 0 && token_file) {
		a->token_file = kubeconfig_yaml_path(at->file, token_file);
		if (!a->token_file)
			return error_oom(e);
		r = auth_token(a, &token, e);
		if (r < 0)
			return error_wrap(e, r, "%s: tokenFile", at->file->path);
	}
	return r;
}

static int kubeconfig_read_user(struct cluster *c, const struct kubeconfig_entry *cluster,
				const struct kubeconfig_entry *at, struct error *e)
{
	struct auth *a = &c->auth;

	int r = kubeconfig_refuse_obsolete(at, e);
	if (r == 0)
		r = kubeconfig_exec_impersonation(c, at->file, at->map, e);
	/* As client-go: no credential ever travels in the clear. */
	if (r < 0 || !c->https)
		return r;
	r = kubeconfig_read_pem(at, "client-certificate", &a->cert, e);
	if (r == 0)
		r = kubeconfig_read_pem(at, "client-key", &a->key, e);
	if (r == 0)
		r = kubeconfig_read_token(a, at, e);
	if (r == 0 && !a->token && !a->cert.text)
		r = kubeconfig_exec_plugin(c, cluster->file, cluster->map, at->file, at->map, e);
	return r;
}

static int kubeconfig_build(struct kubeconfig *k, struct cluster *c, const char *context,
			    struct error *e)
{
	struct kubeconfig_entry at, cluster, user = { 0 };
	const char *cluster_name, *user_name, *namespace_;

	int r = kubeconfig_find(k, "contexts", "context", context, &at, e);
	if (r == 0)
		r = kubeconfig_yaml_string(at.file, at.map, "cluster", &cluster_name, e);
	if (r == 0)
		r = kubeconfig_yaml_string(at.file, at.map, "user", &user_name, e);
	if (r == 0)
		r = kubeconfig_yaml_string(at.file, at.map, "namespace", &namespace_, e);
	if (r < 0)
		return r;
	if (!cluster_name)
		return error_set(e, EINVAL, "%s: context \"%s\" names no cluster", at.file->path,
				 context);

	c->context = strdup(context);
	c->source = strdup(k->source);
	c->namespace_ = namespace_ ? strdup(namespace_) : NULL;
	c->auth.user = strdup(user_name ? user_name : "");
	c->auth.source = strdup(k->source);
	if (!c->context || !c->source || (namespace_ && !c->namespace_) || !c->auth.user ||
	    !c->auth.source)
		return error_oom(e);

	r = kubeconfig_find(k, "clusters", "cluster", cluster_name, &cluster, e);
	if (r == 0)
		r = kubeconfig_read_cluster(c, &cluster, e);
	if (r == 0 && user_name)
		r = kubeconfig_find(k, "users", "user", user_name, &user, e);
	if (r == 0 && user.map)
		r = kubeconfig_read_user(c, &cluster, &user, e);
	if (r == 0)
		r = auth_check(&c->auth, e);
	return r;
}

int kubeconfig_load(struct cluster *c, const char *paths, const char *context, struct error *e)
{
	_cleanup_(kubeconfig_done) struct kubeconfig k = { 0 };

	int r = kubeconfig_read(&k, paths, e);
	if (r == 0 && !context)
		r = kubeconfig_current_context(&k, &context, e);
	if (r < 0)
		return r;
	if (!context)
		return error_set(e, EINVAL, "%s: has no current-context, and none was named",
				 k.source);
	return kubeconfig_build(&k, c, context, e);
}
