/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin runs without a terminal, without our descriptors and in a process group of its own, so
 * that at its deadline helpers of its own are killed with it. What it prints on stderr becomes part
 * of the sentence when it fails.
 */
#include "k8s/exec_plugin.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"
#include "k8s/cluster_private.h"

#define EXEC_PLUGIN_OUTPUT_MAX (1U << 20)

static void exec_plugin_free_list(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

void exec_plugin_free(struct exec_plugin *p)
{
	if (!p)
		return;
	free(p->api_version);
	free(p->command);
	exec_plugin_free_list(p->args);
	exec_plugin_free_list(p->env);
	free(p->install_hint);
	free(p->info);
	free(p->origin);
	free(p);
}

static void cleanup_list(char ***list)
{
	exec_plugin_free_list(*list);
}

static bool exec_plugin_overrides(const struct exec_plugin *p, const char *variable)
{
	size_t name_len = strcspn(variable, "=") + 1;

	if (strncmp(variable, "KUBERNETES_EXEC_INFO=", name_len) == 0)
		return true;
	for (char **e = p->env; *e; e++)
		if (strncmp(*e, variable, name_len) == 0)
			return true;
	return false;
}

/* Our environment, the plugin's own on top of it, and the info. Returns owned; NULL: OOM. */
static char **exec_plugin_environment(const struct exec_plugin *p)
{
	size_t count = 0, n = 0;

	for (char **e = environ; *e; e++)
		count++;
	for (char **e = p->env; *e; e++)
		count++;
	_cleanup_(cleanup_list) char **list = calloc(count + 2, sizeof(char *));
	if (!list)
		return NULL;
	if (asprintf(&list[n++], "KUBERNETES_EXEC_INFO=%s", p->info) < 0) {
		list[0] = NULL;
		return NULL;
	}
	for (char **e = environ; *e; e++) {
		if (exec_plugin_overrides(p, *e))
			continue;
		list[n] = strdup(*e);
		if (!list[n++])
			return NULL;
	}
	for (char **e = p->env; *e; e++) {
		list[n] = strdup(*e);
		if (!list[n++])
			return NULL;
	}
	return move_ptr(&list);
}

/* The two ends of a pipe, close-on-exec. */
struct exec_plugin_pipe {
	int read_fd, write_fd;
};

static void exec_plugin_pipe_done(struct exec_plugin_pipe *p)
{
	cleanup_close(&p->read_fd);
	cleanup_close(&p->write_fd);
	p->read_fd = p->write_fd = -1;
}

static int exec_plugin_pipe_open(struct exec_plugin_pipe *p, struct error *e)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set(e, errno, "pipe: %s", strerror(errno));
	*p = (struct exec_plugin_pipe){ .read_fd = fds[0], .write_fd = fds[1] };
	return 0;
}

static int exec_plugin_spawn(const struct exec_plugin *p, int out_fd, int err_fd, pid_t *ret,
			     struct error *e)
{
	_cleanup_(cleanup_list) char **env = exec_plugin_environment(p);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;

	if (!env)
		return error_oom(e);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
	posix_spawn_file_actions_adddup2(&actions, err_fd, 2);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	posix_spawnattr_init(&attributes);
	/* The loop's threads block all signals, and the daemon ignores some. */
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
						      POSIX_SPAWN_SETPGROUP);
	int r = posix_spawnp(ret, p->command, &actions, &attributes, p->args, env);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	if (r != 0)
		return error_set(e, r, "%s: credential plugin %s: %s%s%s", p->origin, p->command,
				 strerror(r), p->install_hint[0] ? "; " : "", p->install_hint);
	return 0;
}

/* Bytes that are there; false at the end. */
static bool exec_plugin_drain(int fd, struct buf *out)
{
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n > 0 && out->len < EXEC_PLUGIN_OUTPUT_MAX)
		buf_add(out, bytes, (size_t)n);
	return n > 0;
}

/* Until both outputs are at their end. -ETIMEDOUT, -ECANCELED. */
static int exec_plugin_collect(int out_fd, int err_fd, int cancel_fd, int64_t deadline_ns,
			       struct buf *out, struct buf *err)
{
	struct pollfd fds[3] = { { .fd = out_fd, .events = POLLIN },
				 { .fd = err_fd, .events = POLLIN },
				 { .fd = cancel_fd, .events = POLLIN } };

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		int64_t left_ms = (deadline_ns - clock_monotonic_ns()) / CLOCK_NS_PER_MS;
		if (left_ms <= 0)
			return -ETIMEDOUT;
		if (poll(fds, 3, (int)left_ms) < 0 && errno != EINTR)
			return -errno;
		if (fds[2].revents)
			return -ECANCELED;
		if (fds[0].fd >= 0 && fds[0].revents && !exec_plugin_drain(out_fd, out))
			fds[0].fd = -1;
		if (fds[1].fd >= 0 && fds[1].revents && !exec_plugin_drain(err_fd, err))
			fds[1].fd = -1;
	}
	return 0;
}

/* It may have closed its outputs and go on: at the deadline it and its helpers are killed. */
static int exec_plugin_reap(pid_t pid, int64_t deadline_ns)
{
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_monotonic_ns() >= deadline_ns)
			kill(-pid, SIGKILL);
		poll(NULL, 0, 5);
	}
	return status;
}

static const char *exec_plugin_json_string(const cJSON *object, const char *key)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(v) && v->valuestring[0] ? v->valuestring : NULL;
}

static int exec_plugin_set_pem(struct auth_pem *pem, const char *text, const char *origin,
			       struct error *e)
{
	free(pem->text);
	free(pem->origin);
	pem->text = strdup(text);
	pem->origin = strdup(origin);
	return pem->text && pem->origin ? 0 : error_oom(e);
}

static int exec_plugin_read_status(const struct exec_plugin *p, const cJSON *status, struct auth *a,
				   struct error *e)
{
	const char *token = exec_plugin_json_string(status, "token");
	const char *cert = exec_plugin_json_string(status, "clientCertificateData");
	const char *key = exec_plugin_json_string(status, "clientKeyData");
	const char *expires = exec_plugin_json_string(status, "expirationTimestamp");
	_cleanup_(buf_done) struct buf origin = BUF_INIT;
	int r = 0;

	buf_printf(&origin, "the credential plugin %s of %s", p->command, p->origin);
	if (!token && !(cert && key))
		return error_set(e, EINVAL,
				 "%s: gave neither a token nor a certificate with its key",
				 buf_str(&origin));
	if (token)
		r = auth_set_token(a, token, buf_str(&origin), e);
	if (r == 0 && cert && key) {
		r = exec_plugin_set_pem(&a->cert, cert, buf_str(&origin), e);
		if (r == 0)
			r = exec_plugin_set_pem(&a->key, key, buf_str(&origin), e);
	}
	a->expires_s = 0;
	if (r == 0 && expires) {
		r = rfc3339_parse_seconds(expires, &a->expires_s, e);
		if (r < 0)
			return error_wrap(e, r, "%s: expirationTimestamp", buf_str(&origin));
	}
	return r;
}

static int exec_plugin_parse(const struct exec_plugin *p, const struct buf *out, struct auth *a,
			     struct error *e)
{
	cJSON *json = cJSON_ParseWithLength(buf_str(out), out->len);
	const char *version = exec_plugin_json_string(json, "apiVersion");
	const char *kind = exec_plugin_json_string(json, "kind");
	int r;

	if (!kind || strcmp(kind, "ExecCredential") != 0)
		r = error_set(e, EINVAL, "%s: credential plugin %s printed no ExecCredential",
			      p->origin, p->command);
	else if (!version || strcmp(version, p->api_version) != 0)
		r = error_set(e, EINVAL,
			      "%s: credential plugin %s answered in \"%s\", asked in \"%s\"",
			      p->origin, p->command, version ? version : "", p->api_version);
	else
		r = exec_plugin_read_status(p, cJSON_GetObjectItemCaseSensitive(json, "status"), a,
					    e);
	cJSON_Delete(json);
	return r;
}

static int exec_plugin_failed(const struct exec_plugin *p, int status, const struct buf *err,
			      struct error *e)
{
	_cleanup_(buf_done) struct buf words = BUF_INIT;
	size_t len = err->len < 400 ? err->len : 400;

	while (len > 0 && strchr(" \r\n", err->data[len - 1]))
		len--;
	buf_add_escaped(&words, buf_str(err), len);
	return error_set(e, EACCES, "%s: credential plugin %s %s %d%s%s", p->origin, p->command,
			 WIFSIGNALED(status) ? "was killed by signal" : "ended with code",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
			 len > 0 ? ": " : "", buf_str(&words));
}

int exec_plugin_run(const struct exec_plugin *p, int64_t deadline_ns, int cancel_fd, struct auth *a,
		    struct error *e)
{
	_cleanup_(exec_plugin_pipe_done) struct exec_plugin_pipe out = { -1, -1 };
	_cleanup_(exec_plugin_pipe_done) struct exec_plugin_pipe err = { -1, -1 };
	_cleanup_(buf_done) struct buf out_text = BUF_INIT;
	_cleanup_(buf_done) struct buf err_text = BUF_INIT;
	pid_t pid;
	int status;

	int r = exec_plugin_pipe_open(&out, e);
	if (r == 0)
		r = exec_plugin_pipe_open(&err, e);
	if (r == 0)
		r = exec_plugin_spawn(p, out.write_fd, err.write_fd, &pid, e);
	if (r < 0)
		return r;
	/* Ours, or there would never be an end of file. */
	close(out.write_fd);
	close(err.write_fd);
	out.write_fd = err.write_fd = -1;
	r = exec_plugin_collect(out.read_fd, err.read_fd, cancel_fd, deadline_ns, &out_text,
				&err_text);
	status = exec_plugin_reap(pid, r < 0 ? 0 : deadline_ns);
	if (r < 0)
		return error_set(e, -r, "%s: credential plugin %s: %s", p->origin, p->command,
				 r == -ETIMEDOUT ? "gave no answer in time" : strerror(-r));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return exec_plugin_failed(p, status, &err_text, e);
	return exec_plugin_parse(p, &out_text, a, e);
}
