/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE TABLE: a file of the mount is one row here and one or two functions named after it. Where it
 * is, what may be done with it, .weaverfs/help and docs/files.md all come from its row.
 *
 * The order is for ever: a row's number is the low byte of its files' inode numbers, the same on
 * every mount and after every update. New rows go to the end, before no other; a file that is gone
 * leaves its row behind without a scope.
 */
#include <string.h>
#include <sys/stat.h>

#include "fs/attr/attr_handlers.h"
#include "fs/stream/stream.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/wire.h"

/* clang-format off */
static const struct attr rows[] = {
	{ .name = "" }, /* row 0: the directory itself */

	/* ---- a weaver's files ---- */
	{ .name = "status", .flags = ATTR_LIVE | ATTR_ARCHIVE, .show = status_show,
	  .help = "one word: pending, running, succeeded or failed" },
	{ .name = "reason", .flags = ATTR_LIVE | ATTR_ARCHIVE, .show = reason_show,
	  .help = "empty when healthy; else `Word: message`, then `hint:` lines that say what to do" },
	{ .name = "ttl", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_DRAFT, .show = ttl_show, .store = ttl_store,
	  .draft = ttl_draft,
	  .help = "seconds left; write 3600, 90m, 8h, 1d, 1h30m: from now; +1h, -30m: relative" },
	{ .name = "expires", .flags = ATTR_LIVE | ATTR_ARCHIVE, .show = expires_show, .store = expires_store,
	  .help = "when it ends, RFC 3339 UTC; writing one sets it" },
	{ .name = "created", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_CONSTANT, .show = created_show,
	  .help = "when it was made, RFC 3339 UTC" },
	{ .name = "logs", .flags = ATTR_LIVE | ATTR_ARCHIVE, .spool = SPOOL_LOGS,
	  .help = "what it has printed so far, raw; grows: tail -f works; size 0 until first opened" },
	{ .name = "events", .flags = ATTR_LIVE | ATTR_ARCHIVE, .show = events_show,
	  .help = "the last 64 Kubernetes events: time, type, reason, count, message; tabs between" },
	{ .name = "exit_code", .flags = ATTR_LIVE | ATTR_ARCHIVE, .show = exit_code_show,
	  .help = "empty until its command has ended, then the exit code" },
	{ .name = "image", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_DRAFT, .show = image_show,
	  .draft = image_draft,
	  .help = "image reference" },
	{ .name = "command", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_DRAFT | ATTR_CONSTANT | ATTR_LINES, .show = command_show,
	  .draft = command_draft,
	  .help = "replaces the image's entrypoint; one argument a line, or a JSON array of strings" },
	{ .name = "args", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_DRAFT | ATTR_CONSTANT | ATTR_LINES, .show = args_show,
	  .draft = args_draft,
	  .help = "arguments of the entrypoint; one a line, or a JSON array of strings" },
	{ .name = "workdir", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_DRAFT | ATTR_CONSTANT, .show = workdir_show,
	  .draft = workdir_draft,
	  .help = "working directory; empty: the image's" },
	{ .name = "repo", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_DRAFT | ATTR_CONSTANT, .show = repo_show,
	  .draft = repo_draft,
	  .help = "git repository that the entrypoint clones into /workspace" },
	{ .name = "branch", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_DRAFT | ATTR_CONSTANT, .show = branch_show,
	  .draft = branch_draft,
	  .help = "branch to clone; empty: the repository's default" },
	{ .name = "cpu", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_DRAFT, .show = cpu_show,
	  .draft = cpu_draft,
	  .help = "CPU limit, a Kubernetes quantity: 2, 500m" },
	{ .name = "memory", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_DRAFT, .show = memory_show,
	  .draft = memory_draft,
	  .help = "memory limit, a Kubernetes quantity: 8Gi" },
	{ .name = "env", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_DRAFT | ATTR_CONSTANT | ATTR_LINES, .mode = 0600, .show = env_show,
	  .draft = env_draft,
	  .help = "environment as asked for, KEY=VALUE lines; only its owner may read it" },
	{ .name = "tags", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_DRAFT | ATTR_LINES, .show = tags_show,
	  .store = tags_store, .draft = tags_draft,
	  .help = "key=value lines" },
	{ .name = "hold", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_DRAFT, .show = hold_show,
	  .store = hold_store, .draft = hold_draft,
	  .help = "1: rmdir answers EBUSY; expiry goes on" },
	{ .name = "id", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_CONSTANT, .show = id_show,
	  .help = "its UUID; names the weaver in every path where its name would do" },
	{ .name = "pod", .flags = ATTR_LIVE | ATTR_ARCHIVE | ATTR_CONSTANT, .show = pod_show,
	  .help = "name of its pod, for kubectl" },
	{ .name = "node", .flags = ATTR_LIVE | ATTR_ARCHIVE, .show = node_show,
	  .help = "node it runs on; empty while unknown" },
	{ .name = "ip", .flags = ATTR_LIVE | ATTR_ARCHIVE, .show = ip_show,
	  .help = "address of its pod; empty while unknown" },
	{ .name = "owner", .flags = ATTR_LIVE | ATTR_ARCHIVE, .show = owner_show,
	  .help = "uid:gid of who made it" },
	{ .name = "pod.json", .flags = ATTR_LIVE | ATTR_ARCHIVE, .mode = 0600, .fetch = attr_stream_pod_json,
	  .help = "the pod as the API server has it, fetched when opened; size 0" },

	/* ---- the mount's own, in .weaverfs ---- */
	{ .name = "version", .flags = ATTR_CONTROL | ATTR_CONSTANT, .show = control_version_show,
	  .help = "version of weaverfs" },
	{ .name = "help", .flags = ATTR_CONTROL | ATTR_CONSTANT, .show = control_help_show,
	  .help = "this page" },
	{ .name = "config", .flags = ATTR_CONTROL, .show = control_config_show,
	  .help = "settings in force and where each came from; secrets masked" },
	{ .name = "health", .flags = ATTR_CONTROL, .show = control_health_show,
	  .help = "ok, or degraded: why; then key=value lines" },
	{ .name = "metrics", .flags = ATTR_CONTROL, .show = control_metrics_show,
	  .help = "counters and gauges in the Prometheus text format" },
	{ .name = "weavers", .flags = ATTR_CONTROL | ATTR_CALLER, .show = control_weavers_show,
	  .help = "the table of `loom weaver ps`, of the weavers that the caller may see" },
	{ .name = "errors", .flags = ATTR_CONTROL | ATTR_CALLER, .show = control_errors_show,
	  .help = "the last 256 failed operations: time, uid, operation, path, errno, why" },
	{ .name = "reap", .flags = ATTR_CONTROL, .mode = 0600, .show = control_reap_show,
	  .act = control_reap_act,
	  .help = "what the reaper would delete now and deleted last; a write runs it, and waits for it" },

	/* ---- added later; an order is for ever ---- */
	{ .name = "deleted", .flags = ATTR_ARCHIVE | ATTR_CONSTANT, .mode = 0440,
	  .help = "when its pod was deleted, RFC 3339 UTC" },
	{ .name = "deleted_by", .flags = ATTR_ARCHIVE | ATTR_CONSTANT, .mode = 0440,
	  .help = "`rmdir uid:gid` or `ttl` on the mount that did it, else `cluster`" },
	{ .name = "secrets", .flags = ATTR_DRAFT | ATTR_LINES, .mode = 0600, .show = secrets_show,
	  .draft = secrets_draft,
	  .help = "KEY=VALUE lines for a Secret that the pod owns; reading gives the keys alone" },
	{ .name = "follow", .flags = ATTR_LIVE | ATTR_DIRECTORY | ATTR_HIDDEN,
	  .help = "streams whose reads block for more; end when the weaver is gone" },
	{ .name = "status", .dir = "follow", .flags = ATTR_LIVE, .stream = &stream_follow_status,
	  .help = "the status now, and a line for each change" },
	{ .name = "events", .dir = "follow", .flags = ATTR_LIVE, .stream = &stream_follow_events,
	  .help = "the events so far, and each new one" },
	{ .name = "logs", .dir = "follow", .flags = ATTR_LIVE, .stream = &stream_follow_logs,
	  .help = "the log from its first byte, and what is printed from now on" },
	{ .name = "wait", .flags = ATTR_LIVE | ATTR_DIRECTORY | ATTR_HIDDEN,
	  .help = "files whose read blocks until it is so" },
	{ .name = "running", .dir = "wait", .flags = ATTR_LIVE, .stream = &stream_wait_running,
	  .help = "gives running; EIO: it ended without; ETIMEDOUT after ready_timeout_secs" },
	{ .name = "done", .dir = "wait", .flags = ATTR_LIVE, .stream = &stream_wait_done,
	  .help = "gives the exit code when its command has ended" },
	{ .name = "gone", .dir = "wait", .flags = ATTR_LIVE, .stream = &stream_wait_gone,
	  .help = "gives the last status when its pod is gone" },
	{ .name = "follow", .flags = ATTR_CONTROL | ATTR_DIRECTORY | ATTR_HIDDEN,
	  .help = "streams of the mount" },
	{ .name = "events", .dir = "follow", .flags = ATTR_CONTROL, .stream = &stream_follow_mount,
	  .help = "JSON Lines: weaver.created, .running, .succeeded, .failed, .expiring, .deleted, .expired" },
	{ .name = "new", .flags = ATTR_CONTROL | ATTR_BULK,
	  .help = "for many at once: write `NAME` or `NAME DRAFT` lines, read `NAME ok` or the error of each" },
	{ .name = "usage", .flags = ATTR_LIVE, .fetch = attr_usage_path, .render = attr_usage_render,
	  .help = "cpu_millicores= and memory_bytes= now; ENODATA without a metrics server; size 0" },
	{ .name = "sh", .flags = ATTR_LIVE | ATTR_CONSTANT, .mode = 0700, .show = sh_show,
	  .help = "an executable: `sh -c 'make test'` runs in it, with this terminal's stdio and its exit code" },
	{ .name = "attach", .flags = ATTR_LIVE | ATTR_CONSTANT, .mode = 0700, .show = attach_show,
	  .help = "an executable: this terminal on its main process; Ctrl-P Ctrl-Q detaches" },
	{ .name = "exec", .flags = ATTR_LIVE, .mode = 0600, .enter = ATTR_ENTER_EXEC,
	  .help = "an open is a command: write a line for `sh -c`, then its stdin, then read what it prints" },
	{ .name = "stdin", .flags = ATTR_LIVE, .mode = 0200, .enter = ATTR_ENTER_STDIN,
	  .help = "bytes for its main process' standard input, which never ends" },
	{ .name = "ports", .flags = ATTR_LIVE | ATTR_DIRECTORY,
	  .help = "TCP ports in it; any number resolves, those in use are listed" },
	{ .name = "<n>", .dir = "ports", .flags = ATTR_LIVE | ATTR_HIDDEN, .mode = 0600,
	  .enter = ATTR_ENTER_PORT,
	  .help = "a unix socket that is TCP port n: curl --unix-socket WEAVER/ports/8080 http://w/" },
	{ .name = WIRE_SOCKET, .flags = ATTR_LIVE | ATTR_HIDDEN, .mode = 0600,
	  .enter = ATTR_ENTER_WEAVER, .help = "the unix socket of sh, attach and `weaver`" },
	{ .name = "audit", .flags = ATTR_LIVE | ATTR_ARCHIVE, .spool = SPOOL_AUDIT,
	  .help = "what its audit sidecar has recorded from the start, JSON Lines; grows like logs; ENODATA without one" },
	{ .name = "audit", .dir = "follow", .flags = ATTR_LIVE, .stream = &stream_follow_audit,
	  .help = "the audit trail from its first byte, and what is recorded from now on" },
	{ .name = "metrics", .flags = ATTR_LIVE, .forward = attr_sidecar_metrics,
	  .help = "its audit sidecar's page for Prometheus, fetched when opened; ENODATA without one; size 0" },
};
/* clang-format on */

const struct attr *const table_rows = rows;
const unsigned table_n = ARRAY_SIZE(rows) - 1;

const struct attr *table_get(unsigned row, unsigned scope)
{
	if (row < ATTR_ROW_FIRST || row > table_n || !(rows[row].flags & scope))
		return NULL;
	return &rows[row];
}

static bool same_dir(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

unsigned table_find(const char *name, unsigned scope, const char *dir)
{
	for (unsigned row = ATTR_ROW_FIRST; row <= table_n; row++) {
		const struct attr *a = &rows[row];
		if ((a->flags & scope) && same_dir(a->dir, dir) && strcmp(a->name, name) == 0)
			return row;
	}
	return 0;
}

bool table_writable(const struct attr *a, unsigned scope)
{
	if (a->flags & ATTR_BULK)
		return true;
	if (scope & (ATTR_LIVE | ATTR_CONTROL))
		return a->store || a->act;
	return scope & ATTR_DRAFT && a->draft;
}

/*
 * A mode in the table is what stat shows. Else a weaver's files are read by its owner and group,
 * all others by everybody: those of .weaverfs show each caller its own, a draft's are shut in by
 * their directory. A hook for writing makes a file writable where it has something to write into.
 */
mode_t table_mode(const struct attr *a, unsigned scope)
{
	mode_t mode = 0;

	if (a->flags & ATTR_DIRECTORY)
		return scope & ATTR_CONTROL ? 0755 : 0750;
	if (a->mode)
		return a->mode;
	if (a->show || a->fetch || a->forward || a->stream || a->spool != SPOOL_NONE)
		mode |= scope & (ATTR_CONTROL | ATTR_DRAFT) ? 0444 : 0440;
	if (table_writable(a, scope))
		mode |= 0200;
	return mode;
}

enum attr_enter table_enter(unsigned row)
{
	return row >= ATTR_ROW_FIRST && row <= table_n ? rows[row].enter : ATTR_ENTER_NONE;
}

mode_t table_type(const struct attr *a)
{
	if (a->flags & ATTR_DIRECTORY)
		return S_IFDIR;
	return a->enter == ATTR_ENTER_WEAVER || a->enter == ATTR_ENTER_PORT ? S_IFSOCK : S_IFREG;
}
