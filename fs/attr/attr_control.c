/* SPDX-License-Identifier: Apache-2.0 */
/* The mount's own files in .weaverfs: version, help, config, health, metrics, errors, reap. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fs/attr/attr_handlers.h"
#include "fs/config/config.h"
#include "fs/errors.h"
#include "fs/life/reaper.h"
#include "fs/metrics.h"
#include "fs/poke/poke.h"
#include "fs/registry.h"
#include "fs/sync.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/cluster.h"
#include "k8s/request.h"

int control_version_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	(void)w;
	buf_add_str(out, WEAVERFS_VERSION "\n");
	return attr_done(out, e);
}

int control_config_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	config_show(w->fs->config, out);
	return attr_done(out, e);
}

/* ---- help ---- */

static const char help_head[] =
	"weaverfs: a directory is a weaver.\n"
	"\n"
	"  mkdir fix-42                make one; it is there at once and runs a little later\n"
	"  cat fix-42/status           pending, running, succeeded or failed; cat fix-42/reason says why\n"
	"  tail -f fix-42/logs         what it prints\n"
	"  echo 8h > fix-42/ttl        eight hours from now; +1h and -30m are relative\n"
	"  fix-42/sh                   a shell in it; fix-42/sh -c 'make test' runs one command\n"
	"  rmdir fix-42                end it\n"
	"  cat .weaverfs/errors        why an operation failed, in the server's own words\n"
	"\n"
	"`command` replaces the image's entrypoint, so that nothing clones `repo`; `args` does not.\n";

/* Read, written, run, or (s) connected to. A mode may have a bit that no hook is behind. */
static const char *what_for(const struct attr *a, unsigned row, unsigned scope)
{
	switch (table_enter(row)) {
	case ATTR_ENTER_EXEC:
		return "rw";
	case ATTR_ENTER_STDIN:
		return "w";
	case ATTR_ENTER_PORT:
	case ATTR_ENTER_WEAVER:
		return "s";
	case ATTR_ENTER_NONE:
		break;
	}
	if (table_mode(a, scope) & 0100)
		return "x";
	return table_writable(a, scope) ? "rw" : "r";
}

static void add_rows(struct buf *out, const char *title, unsigned scope)
{
	buf_printf(out, "\n%s\n", title);
	for (unsigned row = ATTR_ROW_FIRST; row <= table_n; row++) {
		const struct attr *a = table_get(row, scope);
		char name[32];
		if (!a || a->flags & ATTR_DIRECTORY)
			continue;
		snprintf(name, sizeof(name), "%s%s%s", a->dir ? a->dir : "", a->dir ? "/" : "",
			 a->name);
		buf_printf(out, "  %-13s %-3s %s\n", name, what_for(a, row, scope), a->help);
	}
}

int control_help_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	(void)w;
	buf_add_str(out, help_head);
	add_rows(out, "In a weaver's directory:", ATTR_LIVE);
	add_rows(out,
		 "In .drafts/<name>, and .weaverfs/defaults that a bare mkdir uses:", ATTR_DRAFT);
	add_rows(out, "In .archive/<weaver>~<id8>, the last content of each:", ATTR_ARCHIVE);
	add_rows(out, "In .weaverfs:", ATTR_CONTROL);
	return attr_done(out, e);
}

/* ---- health ---- */

/* key=value, the value escaped: server and messages are not ours. */
static void add_line(struct buf *out, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void add_line(struct buf *out, const char *key, const char *fmt, ...)
{
	_cleanup_(buf_done) struct buf value = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&value, fmt, ap);
	va_end(ap);
	buf_printf(out, "%s=", key);
	attr_identity_add_text(out, buf_str(&value));
	buf_add_char(out, '\n');
	if (buf_error(&value) < 0)
		out->failed = true;
}

static int64_t last_event_age_s(const struct weaverfs *fs)
{
	int64_t last = sync_last_event_ns(fs->sync);

	return last ? (clock_monotonic_ns() - last) / CLOCK_NS_PER_S : -1;
}

int control_health_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	const struct weaverfs *fs = w->fs;
	struct registry_counts counts;
	struct error away = ERROR_INIT, watch = ERROR_INIT, inotify = ERROR_INIT;
	bool is_away = client_away(fs->client, &away);
	bool watching = sync_healthy(fs->sync, &watch);

	registry_counts(fs->registry, &counts);
	if (is_away || !watching) {
		buf_add_str(out, "degraded: ");
		attr_identity_add_text(out, is_away ? away.text : watch.text);
		buf_add_char(out, '\n');
	} else {
		buf_add_str(out, "ok\n");
	}
	add_line(out, "server", "%s", cluster_server(client_cluster(fs->client)));
	add_line(out, "namespace", "%s", fs->config->namespace_);
	add_line(out, "latency_ms", "%" PRId64, client_latency_ms(fs->client));
	add_line(out, "watch", "%s", watching ? "ok" : watch.text);
	add_line(out, "inotify", "%s", poke_running(fs->poke, &inotify) ? "ok" : inotify.text);
	add_line(out, "visible_to", "%s", fs->alone && *fs->alone ? fs->alone : "everybody");
	add_line(out, "last_event_age_s", "%" PRId64, last_event_age_s(fs));
	add_line(out, "weavers", "%zu", counts.present);
	add_line(out, "terminating", "%zu", counts.terminating);
	add_line(out, "unnamed", "%zu", counts.unnamed);
	add_line(out, "clock_skew_ms", "%" PRId64, client_clock_skew_ms(fs->client));
	add_line(out, "simulated", "%d", fs->simulated);
	add_line(out, "state_dir", "%s", fs->state_dir ? fs->state_dir : "");
	return attr_done(out, e);
}

/* ---- metrics, errors, reap ---- */

int control_metrics_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	const struct weaverfs *fs = w->fs;
	struct registry_counts counts;
	uint64_t calls, failures;

	registry_counts(fs->registry, &counts);
	client_counts(fs->client, &calls, &failures);
	metrics_show(fs->metrics, out);
	metrics_counter(out, "weaverfs_errors_total",
			"Operations that failed for a reason worth a line in .weaverfs/errors.",
			errors_failed(fs->errors));
	metrics_counter(out, "weaverfs_api_calls_total", "Calls of the API server.", calls);
	metrics_counter(out, "weaverfs_api_failures_total", "Calls that failed.", failures);
	metrics_gauge(out, "loom_weavers_active", "Weavers that count for the cap.",
		      (int64_t)counts.active);
	metrics_gauge(out, "weaverfs_weavers", "Weavers in the root directory.",
		      (int64_t)counts.present);
	metrics_gauge(out, "weaverfs_pod_bytes", "Memory of all cached pods.",
		      (int64_t)counts.bytes);
	metrics_gauge(out, "weaverfs_up", "1: the watch is in order.",
		      sync_healthy(fs->sync, NULL));
	return attr_done(out, e);
}

int control_errors_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	uid_t uid = w->caller.uid;

	errors_show(w->fs->errors, uid, uid == 0 || uid == w->fs->uid, out);
	return attr_done(out, e);
}

int control_reap_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	reaper_show(w->fs->reaper, out);
	return attr_done(out, e);
}

/* A run against a server that is away would only keep the writer waiting. */
int control_reap_act(struct weaverfs *fs, struct act *a, struct error *e)
{
	if (client_away(fs->client, e))
		return -e->code;
	reaper_run(fs->reaper, a);
	return 0;
}
