/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weaverfs [-f] [-d] [-o OPTIONS] [SOURCE] MOUNTPOINT
 *
 * Start: settings, (fork,) mount point, cluster, namespace, state directory, first list, mount,
 * ready. Stop: the loop of the session ends, what is in flight is answered, unmount, free. Weavers
 * stay: they live in Kubernetes.
 */
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fs/config/arguments.h"
#include "fs/config/config.h"
#include "fs/embedded.h"
#include "fs/mount.h"
#include "fs/notify.h"
#include "fs/parts.h"
#include "fs/poke/poke.h"
#include "fs/registry.h"
#include "fs/signals.h"
#include "fs/start.h"
#include "fs/tree/ops.h"
#include "fs/weaver/podspec.h"
#include "fs/weaver/state.h"
#include "k8s/base/clock.h"
#include "k8s/base/log.h"
#include "k8s/base/uuid.h"
#include "k8s/cluster.h"
#include "k8s/request.h"

/* All that one mount holds, freed in the order of done(). */
struct mount {
	struct config config;
	struct embedded *embedded; /* NULL: a cluster of others */
	struct state *state;
	struct weaverfs *fs;
	struct fuse_session *session;
	struct buf path;
	struct buf alone; /* as in struct weaverfs */
	int ready_fd;     /* tells the waiting parent; -1: in the foreground */
};

static int load_settings(struct mount *m, const struct arguments *a, struct buf *fuse_options,
			 struct error *e)
{
	struct config_input in = { .options = buf_str(&a->options) };
	enum log_level level = LOG_LEVEL_INFO;

	if (buf_error(&a->options) < 0)
		return error_oom(e);
	int r = config_load(&m->config, &in, fuse_options, e);
	if (r < 0)
		return r;
	log_level_parse(m->config.log_level, &level);
	log_init(&(struct log_options){ .program = "weaverfs",
					.level = a->debug ? LOG_LEVEL_DEBUG : level,
					.json = m->config.log_json });
	if (a->debug)
		buf_printf(fuse_options, "%sdebug", fuse_options->len ? "," : "");
	return buf_error(fuse_options) < 0 ? error_oom(e) : 0;
}

/* A path where there is such a file or a slash in it, else a context's name. */
static int load_cluster(struct mount *m, const char *source, struct cluster **ret, struct error *e)
{
	struct cluster_source from = { .path = m->config.kubeconfig };
	_cleanup_(cleanup_free) char *path = NULL;

	if (source && strcmp(source, "kubesim") == 0) {
		int r = embedded_start(&m->embedded, e);
		if (r < 0)
			return r;
		from.path = embedded_kubeconfig(m->embedded);
	} else if (source && (strchr(source, '/') || access(source, F_OK) == 0)) {
		/* absolute: it is read again when its credentials expire */
		path = realpath(source, NULL);
		from.path = path ? path : source;
	} else {
		from.context = source;
	}
	return cluster_load(&from, ret, e);
}

static void say_waiting(const char *text)
{
	log_write(LOG_LEVEL_WARNING, "%s", text);
	notify_send("STATUS=%s", text);
}

static int connect_cluster(struct mount *m, const char *source, struct error *e)
{
	const char *state_base = m->config.state_dir;
	struct start_facts facts = { 0 };
	struct cluster *cluster;
	int r = load_cluster(m, source, &cluster, e);

	if (r == 0)
		r = parts_new(&m->config, cluster, &m->fs, e);
	if (r < 0)
		return r;
	struct start_question question = { .client = m->fs->client,
					   .namespace_ = m->config.namespace_,
					   .make_namespace = m->embedded != NULL,
					   .timeout_ns = m->config.start_timeout * CLOCK_NS_PER_S,
					   .say = say_waiting };
	r = start_ask(&question, &facts, e);
	if (r < 0)
		return r;
	if (!state_base && m->embedded)
		state_base = embedded_state_dir(m->embedded);
	r = state_open(state_base, facts.namespace_uid, &m->state, e);
	if (r < 0)
		return r;
	m->fs->simulated = facts.simulated;
	m->fs->state_dir = state_dir(m->state);
	m->fs->mountpoint = buf_str(&m->path);
	r = parts_start(m->fs, e);
	return r == 0 ? start_wait_list(m->fs->sync, question.timeout_ns, e) : r;
}

static int attach(struct mount *m, const char *fuse_options, struct error *e)
{
	_cleanup_(buf_done) struct buf warning = BUF_INIT;
	struct mount_spec spec = { .program = "weaverfs",
				   .options = fuse_options,
				   .ops = &ops_table,
				   .ops_size = sizeof(ops_table),
				   .userdata = m->fs };
	int r = mount_session_new(&spec, &m->session, &m->alone, e);

	m->fs->alone = buf_str(&m->alone);
	if (r == 0)
		r = mount_attach(m->session, buf_str(&m->path), e);
	if (r == 0)
		r = parts_serve(m->fs, m->session, &warning, e);
	if (m->alone.len > 0)
		log_write(LOG_LEVEL_WARNING, "the mount is visible to %s", buf_str(&m->alone));
	if (warning.len > 0)
		log_write(LOG_LEVEL_WARNING, "%s", buf_str(&warning));
	return r;
}

/* The parent has waited for this; the terminal is not ours any more. */
static void detach(struct mount *m)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (m->ready_fd < 0)
		return;
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
	if (write(m->ready_fd, "", 1) < 0)
		log_write(LOG_LEVEL_DEBUG, "the parent is gone");
	close(m->ready_fd);
	m->ready_fd = -1;
}

static void tell_ready(struct mount *m)
{
	const char *server = cluster_server(client_cluster(m->fs->client));
	struct registry_counts counts;

	registry_counts(m->fs->registry, &counts);
	log_write(LOG_LEVEL_INFO, "%s: namespace %s of %s, %zu weavers%s", buf_str(&m->path),
		  m->config.namespace_, server, counts.present,
		  m->fs->simulated ? " (simulated)" : "");
	notify_send("READY=1\nSTATUS=%s: namespace %s of %s", buf_str(&m->path),
		    m->config.namespace_, server);
}

static int run(struct mount *m, const struct arguments *a, const char *fuse_options,
	       struct error *e)
{
	int r = mount_prepare(a->mountpoint, &m->path, e);

	if (r == 0)
		r = connect_cluster(m, a->source, e);
	if (r == 0)
		r = attach(m, fuse_options, e);
	if (r < 0)
		return r;
	/* nothing of where it was started is pinned; the kubeconfig was read by its full path */
	if (chdir("/") < 0)
		return error_set(e, errno, "chdir /: %s", strerror(errno));
	signals_set_session(m->session);
	tell_ready(m);
	detach(m);
	r = mount_run(m->session, (unsigned)m->config.threads, e);
	signals_set_session(NULL);
	notify_send("STOPPING=1\nSTATUS=unmounting");
	return r;
}

/* After a signal, after umount, or after a start that failed half way. */
static void done(struct mount *m)
{
	signals_done();
	if (m->fs)
		parts_stop(m->fs);
	if (m->session) {
		fuse_session_unmount(m->session);
		fuse_session_destroy(m->session);
	}
	if (m->fs)
		parts_free(m->fs);
	if (m->state)
		state_free(m->state);
	if (m->embedded)
		embedded_stop(m->embedded);
	config_done(&m->config);
	buf_done(&m->path);
	buf_done(&m->alone);
}

/* In the parent: the exit code. In the child: -1, ready_fd tells the parent. */
static int go_background(int *ret_ready_fd)
{
	int fds[2], status;
	char byte;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return 1;
	pid_t pid = fork();
	if (pid == 0) {
		close(fds[0]);
		*ret_ready_fd = fds[1];
		return -1;
	}
	close(fds[1]);
	if (pid > 0 && read(fds[0], &byte, 1) == 1)
		return 0;
	/* it has said why itself: stderr is still the user's */
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
									       : 1;
}

static void allow_many_files(void)
{
	struct rlimit limit;

	/* a followed log has a connection and two files */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Drafts hold secrets: no core file, and no ptrace(2) by other processes of the user. */
static void keep_memory_private(void)
{
	prctl(PR_SET_DUMPABLE, 0);
}

/* What a bare mkdir of this user would ask for now. */
static int show_pod(const struct config *config, struct buf *out, struct error *e)
{
	_cleanup_(podspec_unrefp) struct podspec *spec = podspec_new(config, e);
	char number[CONFIG_UID_LEN + 1];
	struct podspec_identity id = {
		.name = "weaver",
		.uid = getuid(),
		.gid = getgid(),
		.mode = 0750,
		.owner_user_id = config_user_id(config, getuid(), getgid(), number),
		.now_s = time(NULL),
	};
	int r = spec ? uuid_v7(id.id, e) : -ENOMEM;

	if (r == 0)
		r = podspec_build(spec, &id, config, out, e);
	buf_add_char(out, '\n');
	return r;
}

/* The exit code of a command line that asks for no mount. */
static int show(struct mount *m, const struct arguments *a)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	struct error e = ERROR_INIT;
	int r = 0;

	if (a->show_settings)
		config_show(&m->config, &text);
	else
		r = show_pod(&m->config, &text, &e);
	config_done(&m->config);
	if (r < 0)
		log_write(LOG_LEVEL_ERROR, "%s", e.text);
	else if (fputs(buf_str(&text), stdout) == EOF || fflush(stdout) == EOF)
		r = -EIO;
	return r < 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--poke") == 0)
		return poke_helper_main(argc, argv); /* our own child: not in --help */

	_cleanup_(buf_done) struct buf fuse_options = BUF_INIT;
	_cleanup_(arguments_done) struct arguments a = { 0 };
	struct mount m = { .ready_fd = -1 };
	struct error e = ERROR_INIT;
	int code = arguments_parse(&a, argc, argv);

	if (code >= 0)
		return code;
	int r = load_settings(&m, &a, &fuse_options, &e);
	if (r == 0 && (a.show_settings || a.show_pod))
		return show(&m, &a);
	if (r == 0 && !m.config.enabled) {
		log_write(LOG_LEVEL_INFO, "weavers are switched off (setting enabled is false): "
					  "nothing is mounted");
		notify_send("READY=1\nSTATUS=switched off");
		config_done(&m.config);
		return 0;
	}
	if (r == 0 && !a.foreground)
		code = go_background(&m.ready_fd);
	if (code >= 0) {
		config_done(&m.config);
		return code;
	}
	if (r == 0) {
		keep_memory_private();
		allow_many_files();
		signals_init();
		r = run(&m, &a, buf_str(&fuse_options), &e);
	}
	if (r < 0)
		log_write(LOG_LEVEL_ERROR, "%s", e.text);
	done(&m);
	return r < 0;
}
