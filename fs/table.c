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

#include "fs/attr_handlers.h"
#include "k8s/base/cleanup.h"

/* clang-format off */
static const struct attr rows[] = {
	{ .name = "" }, /* row 0: the directory itself */

	/* ---- a weaver's files ---- */
	{ .name = "status", .flags = ATTR_LIVE, .show = status_show,
	  .help = "one word: pending, running, succeeded or failed" },
	{ .name = "reason", .flags = ATTR_LIVE, .show = reason_show,
	  .help = "empty when healthy; else `Word: message`, then `hint:` lines that say what to do" },
	{ .name = "ttl", .flags = ATTR_LIVE | ATTR_DRAFT, .show = ttl_show, .store = ttl_store,
	  .help = "seconds left; write 3600, 90m, 8h, 1d, 1h30m: from now; +1h, -30m: relative" },
	{ .name = "expires", .flags = ATTR_LIVE, .show = expires_show, .store = expires_store,
	  .help = "when it ends, RFC 3339 UTC; writing one sets it" },
	{ .name = "created", .flags = ATTR_LIVE | ATTR_CONSTANT, .show = created_show,
	  .help = "when it was made, RFC 3339 UTC" },
	{ .name = "logs", .flags = ATTR_LIVE, .spool = ATTR_SPOOL_LOGS,
	  .help = "what it has printed so far, raw; grows: tail -f works; size 0 until first opened" },
	{ .name = "events", .flags = ATTR_LIVE, .show = events_show,
	  .help = "the last 64 Kubernetes events: time, type, reason, count, message; tabs between" },
	{ .name = "exit_code", .flags = ATTR_LIVE, .show = exit_code_show,
	  .help = "empty until its command has ended, then the exit code" },
	{ .name = "image", .flags = ATTR_LIVE | ATTR_DRAFT, .show = image_show,
	  .help = "image reference" },
	{ .name = "command", .flags = ATTR_LIVE | ATTR_DRAFT | ATTR_CONSTANT, .show = command_show,
	  .help = "replaces the image's entrypoint; one argument a line, or a JSON array of strings" },
	{ .name = "args", .flags = ATTR_LIVE | ATTR_DRAFT | ATTR_CONSTANT, .show = args_show,
	  .help = "arguments of the entrypoint; one a line, or a JSON array of strings" },
	{ .name = "workdir", .flags = ATTR_LIVE | ATTR_DRAFT | ATTR_CONSTANT, .show = workdir_show,
	  .help = "working directory; empty: the image's" },
	{ .name = "repo", .flags = ATTR_LIVE | ATTR_DRAFT | ATTR_CONSTANT, .show = repo_show,
	  .help = "git repository that the entrypoint clones into /workspace" },
	{ .name = "branch", .flags = ATTR_LIVE | ATTR_DRAFT | ATTR_CONSTANT, .show = branch_show,
	  .help = "branch to clone; empty: the repository's default" },
	{ .name = "cpu", .flags = ATTR_LIVE | ATTR_DRAFT, .show = cpu_show,
	  .help = "CPU limit, a Kubernetes quantity: 2, 500m" },
	{ .name = "memory", .flags = ATTR_LIVE | ATTR_DRAFT, .show = memory_show,
	  .help = "memory limit, a Kubernetes quantity: 8Gi" },
	{ .name = "env", .flags = ATTR_LIVE | ATTR_DRAFT | ATTR_CONSTANT, .mode = 0600, .show = env_show,
	  .help = "environment as asked for, KEY=VALUE lines; only its owner may read it" },
	{ .name = "tags", .flags = ATTR_LIVE | ATTR_DRAFT, .show = tags_show,
	  .help = "key=value lines" },
	{ .name = "hold", .flags = ATTR_LIVE | ATTR_DRAFT, .show = hold_show,
	  .help = "1: rmdir answers EBUSY; expiry goes on" },
	{ .name = "id", .flags = ATTR_LIVE | ATTR_CONSTANT, .show = id_show,
	  .help = "its UUID; names the weaver in every path where its name would do" },
	{ .name = "pod", .flags = ATTR_LIVE | ATTR_CONSTANT, .show = pod_show,
	  .help = "name of its pod, for kubectl" },
	{ .name = "node", .flags = ATTR_LIVE, .show = node_show,
	  .help = "node it runs on; empty while unknown" },
	{ .name = "ip", .flags = ATTR_LIVE, .show = ip_show,
	  .help = "address of its pod; empty while unknown" },
	{ .name = "owner", .flags = ATTR_LIVE, .show = owner_show,
	  .help = "uid:gid of who made it" },
	{ .name = "pod.json", .flags = ATTR_LIVE, .mode = 0600, .fetch = attr_stream_pod_json,
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
	{ .name = "weavers", .flags = ATTR_CONTROL, .show = control_weavers_show,
	  .help = "the table of `loom weaver ps`, of the weavers that the caller may see" },
	{ .name = "errors", .flags = ATTR_CONTROL, .show = control_errors_show,
	  .help = "the last 256 failed operations: time, uid, operation, path, errno, why" },
	{ .name = "reap", .flags = ATTR_CONTROL, .mode = 0600, .show = control_reap_show,
	  .act = control_reap_act,
	  .help = "what the reaper would delete now and deleted last; a write runs it, and waits for it" },
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

unsigned table_find(const char *name, unsigned scope)
{
	for (unsigned row = ATTR_ROW_FIRST; row <= table_n; row++) {
		if ((rows[row].flags & scope) && strcmp(rows[row].name, name) == 0)
			return row;
	}
	return 0;
}

/*
 * A mode in the table is what stat shows. Else a weaver's files are read by its owner and group,
 * all others by everybody: those of .weaverfs show each caller its own, a draft's are shut in by
 * their directory. A store makes a file writable where there is something to store into: a pod.
 */
mode_t table_mode(const struct attr *a, unsigned scope)
{
	mode_t mode = 0;

	if (a->mode)
		return a->mode;
	if (a->show || a->fetch || a->spool != ATTR_SPOOL_NONE)
		mode |= scope & (ATTR_CONTROL | ATTR_DRAFT) ? 0444 : 0440;
	if (a->store && (scope & (ATTR_LIVE | ATTR_CONTROL)))
		mode |= 0200;
	return mode;
}
