/* SPDX-License-Identifier: Apache-2.0 */
/* Exec plugins and impersonation as a kubeconfig writes them (client-go clientcmd/api/v1). */
#include "k8s/kubeconfig_exec.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/exec_plugin.h"

/* Items plus the command plus NULL. */
static char **kubeconfig_exec_alloc(struct kubeconfig_yaml *y, const yaml_node_t *list)
{
	size_t count = 0;

	while (kubeconfig_yaml_item(y, list, count))
		count++;
	return calloc(count + 2, sizeof(char *));
}

static int kubeconfig_exec_args(struct exec_plugin *p, struct kubeconfig_yaml *y,
				const yaml_node_t *exec, struct error *e)
{
	yaml_node_t *list, *item;

	int r = kubeconfig_yaml_list(y, exec, "args", &list, e);
	if (r < 0)
		return r;
	p->args = kubeconfig_exec_alloc(y, list);
	if (!p->args)
		return error_oom(e);
	p->args[0] = strdup(p->command);
	for (size_t i = 0; (item = kubeconfig_yaml_item(y, list, i)); i++) {
		if (item->type != YAML_SCALAR_NODE)
			return kubeconfig_yaml_error(y, item, e, "args: expected a text");
		if (!p->args[i])
			return error_oom(e);
		p->args[i + 1] = strdup((const char *)item->data.scalar.value);
	}
	return 0;
}

static int kubeconfig_exec_env(struct exec_plugin *p, struct kubeconfig_yaml *y,
			       const yaml_node_t *exec, struct error *e)
{
	yaml_node_t *list, *item;
	const char *name, *value;

	int r = kubeconfig_yaml_list(y, exec, "env", &list, e);
	if (r < 0)
		return r;
	p->env = kubeconfig_exec_alloc(y, list);
	if (!p->env)
		return error_oom(e);
	for (size_t i = 0; (item = kubeconfig_yaml_item(y, list, i)); i++) {
		r = kubeconfig_yaml_string(y, item, "name", &name, e);
		if (r == 0)
			r = kubeconfig_yaml_string(y, item, "value", &value, e);
		if (r < 0)
			return r;
		if (!name || strchr(name, '='))
			return kubeconfig_yaml_error(y, item, e, "env: expected name and value");
		if (asprintf(&p->env[i], "%s=%s", name, value ? value : "") < 0) {
			p->env[i] = NULL;
			return error_oom(e);
		}
	}
	return 0;
}

static void kubeconfig_exec_base64(struct buf *out, const char *text)
{
	size_t len = strlen(text);
	_cleanup_(cleanup_free) unsigned char *b64 = calloc(1, len / 3 * 4 + 5);

	if (b64) {
		EVP_EncodeBlock(b64, (const unsigned char *)text, (int)len);
		buf_add_str(out, (char *)b64);
	} else {
		out->failed = true;
	}
}

static void kubeconfig_exec_info_string(struct buf *out, const char *key, const char *value)
{
	buf_printf(out, ",\"%s\":", key);
	buf_add_json(out, value, strlen(value));
}

/* spec.cluster of the ExecCredential, with `config` from the extension of that name. */
static int kubeconfig_exec_info_cluster(struct cluster *c, struct kubeconfig_yaml *y,
					const yaml_node_t *cluster, struct buf *out,
					struct error *e)
{
	const char *server_name, *name;
	yaml_node_t *list, *item, *config;

	int r = kubeconfig_yaml_string(y, cluster, "tls-server-name", &server_name, e);
	if (r == 0)
		r = kubeconfig_yaml_list(y, cluster, "extensions", &list, e);
	if (r < 0)
		return r;
	buf_add_str(out, ",\"cluster\":{\"server\":");
	buf_add_json(out, c->server, strlen(c->server));
	if (server_name)
		kubeconfig_exec_info_string(out, "tls-server-name", server_name);
	if (c->proxy_url)
		kubeconfig_exec_info_string(out, "proxy-url", c->proxy_url);
	if (c->insecure)
		buf_add_str(out, ",\"insecure-skip-tls-verify\":true");
	if (c->auth.ca.text) {
		buf_add_str(out, ",\"certificate-authority-data\":\"");
		kubeconfig_exec_base64(out, c->auth.ca.text);
		buf_add_char(out, '"');
	}
	for (size_t i = 0; r == 0 && (item = kubeconfig_yaml_item(y, list, i)); i++) {
		r = kubeconfig_yaml_string(y, item, "name", &name, e);
		if (r < 0 || !name || strcmp(name, "client.authentication.k8s.io/exec") != 0)
			continue;
		r = kubeconfig_yaml_get(y, item, "extension", &config, e);
		if (r == 0 && config) {
			buf_add_str(out, ",\"config\":");
			r = kubeconfig_yaml_json(y, config, out, e);
		}
	}
	buf_add_char(out, '}');
	return r;
}

static int kubeconfig_exec_check_version(struct kubeconfig_yaml *y, const yaml_node_t *exec,
					 const char *version, const char *command, const char *mode,
					 struct error *e)
{
	if (!version || (strcmp(version, "client.authentication.k8s.io/v1") != 0 &&
			 strcmp(version, "client.authentication.k8s.io/v1beta1") != 0))
		return kubeconfig_yaml_error(y, exec, e,
					     "exec: apiVersion \"%s\": expected "
					     "client.authentication.k8s.io/v1 or v1beta1",
					     version ? version : "");
	if (!command)
		return kubeconfig_yaml_error(y, exec, e, "exec: no command");
	if (mode && strcmp(mode, "Always") == 0)
		return kubeconfig_yaml_error(
			y, exec, e,
			"exec: interactiveMode Always: a daemon has no terminal "
			"to ask on");
	return 0;
}

static int kubeconfig_exec_fill(struct exec_plugin *p, struct kubeconfig_yaml *y,
				const yaml_node_t *exec, bool *ret_info, struct error *e)
{
	const char *version, *command, *mode, *hint;

	int r = kubeconfig_yaml_string(y, exec, "apiVersion", &version, e);
	if (r == 0)
		r = kubeconfig_yaml_string(y, exec, "command", &command, e);
	if (r == 0)
		r = kubeconfig_yaml_string(y, exec, "interactiveMode", &mode, e);
	if (r == 0)
		r = kubeconfig_yaml_string(y, exec, "installHint", &hint, e);
	if (r == 0)
		r = kubeconfig_yaml_bool(y, exec, "provideClusterInfo", ret_info, e);
	if (r == 0)
		r = kubeconfig_exec_check_version(y, exec, version, command, mode, e);
	if (r < 0)
		return r;
	p->api_version = strdup(version);
	/* Only what has a slash is a path; the rest is for $PATH. */
	p->command = strchr(command, '/') ? kubeconfig_yaml_path(y, command) : strdup(command);
	p->install_hint = strdup(hint ? hint : "");
	p->origin = strdup(y->path);
	if (!p->api_version || !p->command || !p->install_hint || !p->origin)
		return error_oom(e);
	r = kubeconfig_exec_args(p, y, exec, e);
	return r < 0 ? r : kubeconfig_exec_env(p, y, exec, e);
}

int kubeconfig_exec_plugin(struct cluster *c, struct kubeconfig_yaml *cluster_file,
			   const yaml_node_t *cluster, struct kubeconfig_yaml *file,
			   const yaml_node_t *user, struct error *e)
{
	_cleanup_(buf_done) struct buf info = BUF_INIT;
	yaml_node_t *exec;
	bool provide_info;

	int r = kubeconfig_yaml_map(file, user, "exec", &exec, e);
	if (r < 0 || !exec)
		return r;
	struct exec_plugin *p = c->auth.exec = calloc(1, sizeof(*p));
	if (!p)
		return error_oom(e);
	r = kubeconfig_exec_fill(p, file, exec, &provide_info, e);
	if (r < 0)
		return r;
	buf_add_str(&info, "{\"apiVersion\":");
	buf_add_json(&info, p->api_version, strlen(p->api_version));
	buf_add_str(&info, ",\"kind\":\"ExecCredential\",\"spec\":{\"interactive\":false");
	if (provide_info)
		r = kubeconfig_exec_info_cluster(c, cluster_file, cluster, &info, e);
	buf_add_str(&info, "}}");
	if (r < 0)
		return r;
	p->info = buf_steal(&info);
	return p->info ? 0 : error_oom(e);
}

static int kubeconfig_exec_add_impersonation(struct cluster *c, struct kubeconfig_yaml *y,
					     const yaml_node_t *user, const char *header,
					     const char *value, struct error *e)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT;

	for (const char *p = value; *p; p++)
		if (iscntrl((unsigned char)*p))
			return kubeconfig_yaml_error(y, user, e,
						     "%s: a control character in the value",
						     header);
	buf_printf(&line, "%s: %s", header, value);
	struct curl_slist *more =
		buf_error(&line) < 0 ? NULL : curl_slist_append(c->impersonate, line.data);
	if (!more)
		return error_oom(e);
	c->impersonate = more;
	return 0;
}

static int kubeconfig_exec_add_list(struct cluster *c, struct kubeconfig_yaml *y,
				    const yaml_node_t *list, const char *header, struct error *e)
{
	yaml_node_t *item;
	int r = 0;

	for (size_t i = 0; r == 0 && (item = kubeconfig_yaml_item(y, list, i)); i++) {
		if (item->type != YAML_SCALAR_NODE)
			return kubeconfig_yaml_error(y, item, e, "%s: expected a text", header);
		r = kubeconfig_exec_add_impersonation(c, y, item, header,
						      (const char *)item->data.scalar.value, e);
	}
	return r;
}

static int kubeconfig_exec_add_extra(struct cluster *c, struct kubeconfig_yaml *y,
				     const yaml_node_t *extra, struct error *e)
{
	int r = 0;

	for (const yaml_node_pair_t *p = extra->data.mapping.pairs.start;
	     r == 0 && p < extra->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(&y->document, p->key);
		const yaml_node_t *list = yaml_document_get_node(&y->document, p->value);
		_cleanup_(buf_done) struct buf header = BUF_INIT;

		if (key->type != YAML_SCALAR_NODE || list->type != YAML_SEQUENCE_NODE)
			return kubeconfig_yaml_error(y, key, e, "as-user-extra: expected lists");
		/* Header names know no case; what is not legal in one is percent-encoded. */
		buf_add_str(&header, "Impersonate-Extra-");
		buf_add_urlencoded(&header, (const char *)key->data.scalar.value,
				   key->data.scalar.length);
		r = kubeconfig_exec_add_list(c, y, list, buf_str(&header), e);
	}
	return r;
}

int kubeconfig_exec_impersonation(struct cluster *c, struct kubeconfig_yaml *file,
				  const yaml_node_t *user, struct error *e)
{
	const char *as, *uid;
	yaml_node_t *groups, *extra;

	int r = kubeconfig_yaml_string(file, user, "as", &as, e);
	if (r == 0)
		r = kubeconfig_yaml_string(file, user, "as-uid", &uid, e);
	if (r == 0)
		r = kubeconfig_yaml_list(file, user, "as-groups", &groups, e);
	if (r == 0)
		r = kubeconfig_yaml_map(file, user, "as-user-extra", &extra, e);
	if (r < 0)
		return r;
	if (!as && (uid || groups || extra))
		return kubeconfig_yaml_error(file, user, e,
					     "as-uid, as-groups and as-user-extra need `as`");
	if (as)
		r = kubeconfig_exec_add_impersonation(c, file, user, "Impersonate-User", as, e);
	if (r == 0 && uid)
		r = kubeconfig_exec_add_impersonation(c, file, user, "Impersonate-Uid", uid, e);
	if (r == 0)
		r = kubeconfig_exec_add_list(c, file, groups, "Impersonate-Group", e);
	if (r == 0 && extra)
		r = kubeconfig_exec_add_extra(c, file, extra, e);
	return r;
}
