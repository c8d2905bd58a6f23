/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where credentials are looked for when nobody names a file: $KUBECONFIG, k3s, the home directory,
 * and in a pod its service account (client-go rest.InClusterConfig).
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/cluster_private.h"

#define KUBECONFIG_ORIGIN_K3S "/etc/rancher/k3s/k3s.yaml"

/* What we may not look at exists, too: the reader says then why it cannot be read. */
static bool kubeconfig_origin_exists(const char *path)
{
	return access(path, F_OK) == 0 || errno == EACCES;
}

/* Whether one of a list joined by ':' exists; -ENOMEM. */
static int kubeconfig_origin_any_exists(const char *paths)
{
	_cleanup_(cleanup_free) char *list = strdup(paths);
	char *state = NULL;

	if (!list)
		return -ENOMEM;
	for (char *path = strtok_r(list, ":", &state); path; path = strtok_r(NULL, ":", &state))
		if (kubeconfig_origin_exists(path))
			return 1;
	return 0;
}

/* ~/.kube/config, of the user who said sudo. Returns owned; NULL: no home, or out of memory. */
static char *kubeconfig_origin_home(void)
{
	const char *sudo_user = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
	const char *home = getenv("HOME");
	char names[4096], *path;
	struct passwd pw, *found = NULL;

	if (sudo_user && *sudo_user)
		getpwnam_r(sudo_user, &pw, names, sizeof(names), &found);
	else if (!home || !*home)
		getpwuid_r(geteuid(), &pw, names, sizeof(names), &found);
	if (found)
		home = found->pw_dir;
	if (!home || asprintf(&path, "%s/.kube/config", home) < 0)
		return NULL;
	return path;
}

/* Each of a list joined by ':' from the root. */
static int kubeconfig_origin_absolute(const char *paths, char **ret, struct error *e)
{
	_cleanup_(cleanup_free) char *list = strdup(paths);
	_cleanup_(cleanup_free) char *here = getcwd(NULL, 0);
	_cleanup_(buf_done) struct buf out = BUF_INIT;
	char *state = NULL;

	if (!list)
		return error_oom(e);
	for (char *path = strtok_r(list, ":", &state); path; path = strtok_r(NULL, ":", &state)) {
		if (path[0] != '/' && !here)
			return error_set(e, ENOENT, "%s: the current directory is gone", path);
		while (strncmp(path, "./", 2) == 0)
			path += 2;
		buf_printf(&out, "%s%s%s%s", out.len > 0 ? ":" : "", path[0] == '/' ? "" : here,
			   path[0] == '/' ? "" : "/", path);
	}
	if (out.len == 0 && buf_error(&out) == 0)
		return error_set(e, EINVAL, "kubeconfig: no file is named in \"%s\"", paths);
	*ret = buf_steal(&out);
	return *ret ? 0 : error_oom(e);
}

int kubeconfig_origin_paths(const char *named, char **ret, struct error *e)
{
	const char *env = getenv("KUBECONFIG");
	_cleanup_(cleanup_free) char *home = kubeconfig_origin_home();

	if (named)
		return kubeconfig_origin_absolute(named, ret, e);
	int r = env ? kubeconfig_origin_any_exists(env) : 0;
	if (r < 0)
		return error_oom(e);
	if (r > 0)
		return kubeconfig_origin_absolute(env, ret, e);
	if (kubeconfig_origin_exists(KUBECONFIG_ORIGIN_K3S))
		return kubeconfig_origin_absolute(KUBECONFIG_ORIGIN_K3S, ret, e);
	if (home && kubeconfig_origin_exists(home))
		return kubeconfig_origin_absolute(home, ret, e);
	if (getenv("KUBERNETES_SERVICE_HOST") && getenv("KUBERNETES_SERVICE_PORT")) {
		*ret = strdup("");
		return *ret ? 0 : error_oom(e);
	}
	return error_set(
		e, ENOENT,
		"no kubeconfig: %s%s%s, neither %s nor %s exists, and this is no pod; name "
		"one, or set $KUBECONFIG",
		env ? "$KUBECONFIG (" : "$KUBECONFIG is not set", env ? env : "",
		env ? ") names no file" : "", KUBECONFIG_ORIGIN_K3S,
		home ? home : "~/.kube/config");
}

static int kubeconfig_origin_read(const char *dir, const char *name, char **ret_path,
				  char **ret_text, struct error *e)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	if (asprintf(ret_path, "%s/%s", dir, name) < 0) {
		*ret_path = NULL;
		return error_oom(e);
	}
	int r = auth_read_file(*ret_path, &text, e);
	if (r < 0)
		return error_wrap(e, r, "in a pod, without its service account");
	*ret_text = buf_steal(&text);
	return *ret_text ? 0 : error_oom(e);
}

int kubeconfig_origin_pod(struct cluster *c, const char *dir, struct error *e)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	_cleanup_(cleanup_free) char *server = NULL;
	_cleanup_(cleanup_free) char *namespace_path = NULL;
	_cleanup_(cleanup_free) char *token = NULL;
	const char *unused;

	if (!host || !port)
		return error_set(e, ENOENT, "not in a pod: KUBERNETES_SERVICE_HOST is not set");
	bool ipv6 = strchr(host, ':');
	if (asprintf(&server, "https://%s%s%s:%s", ipv6 ? "[" : "", host, ipv6 ? "]" : "", port) <
	    0) {
		server = NULL;
		return error_oom(e);
	}
	c->context = strdup("in-cluster");
	c->source = strdup(dir);
	c->auth.user = strdup("");
	c->auth.source = strdup(dir);
	if (!c->context || !c->source || !c->auth.user || !c->auth.source)
		return error_oom(e);

	int r = kubeconfig_origin_read(dir, "ca.crt", &c->auth.ca.origin, &c->auth.ca.text, e);
	if (r == 0)
		r = kubeconfig_origin_read(dir, "token", &c->auth.token_file, &token, e);
	if (r == 0)
		r = auth_token(&c->auth, &unused, e);
	if (r == 0)
		r = kubeconfig_origin_read(dir, "namespace", &namespace_path, &c->namespace_, e);
	if (r < 0)
		return r;
	c->namespace_[strcspn(c->namespace_, " \r\n")] = '\0';
	r = cluster_set_server(c, server, NULL, e);
	return r < 0 ? r : auth_check(&c->auth, e);
}
