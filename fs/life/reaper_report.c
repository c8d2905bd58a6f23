/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/life/reaper_report.h"

#include <string.h>

#include "fs/config/config.h"
#include "fs/registry.h"
#include "fs/weaver/weaver.h"
#include "fs/weaverfs.h"
#include "k8s/base/rfc3339.h"
#include "k8s/request.h"

#define ROWS_MAX 65536 /* bytes */
#define WARNING_NAMES 20

void reaper_report_init(struct reaper_report *r)
{
	lock_init(&r->lock, LOCK_LEAF);
}

void reaper_report_done(struct reaper_report *r)
{
	buf_done(&r->rows);
	lock_done(&r->lock);
}

void reaper_report_swept(struct reaper_report *r, int64_t now_s)
{
	lock_guard(&r->lock);
	r->swept_s = now_s;
}

void reaper_report_begin(struct reaper_report *r, int64_t now_s)
{
	lock_guard(&r->lock);
	r->run_s = now_s;
	r->deleted = r->failed = 0;
	buf_reset(&r->rows);
}

static void add_row(struct buf *out, const char *kind, const char *name, const char *pod,
		    int64_t expires_s)
{
	char expires[RFC3339_SECONDS_LEN + 1];

	rfc3339_format(expires_s, expires);
	buf_printf(out, "%s\t%s\t%s\t%s", kind, name, pod, expires);
}

void reaper_report_add(struct reaper_report *r, const struct reaper_report_row *row,
		       const struct error *e)
{
	lock_guard(&r->lock);
	r->deleted += !e;
	r->failed += e != NULL;
	if (r->rows.len >= ROWS_MAX)
		return;
	if (!e) {
		add_row(&r->rows, "deleted", row->name, row->pod, row->expires_s);
	} else {
		buf_printf(&r->rows, "failed\t%s\t%s\t%s\t", row->name, row->pod,
			   error_name(e->code));
		buf_add_escaped(&r->rows, e->text, strlen(e->text));
	}
	buf_add_char(&r->rows, '\n');
}

/* What the weaver would have without max_ttl_hours, when that is later; else 0. */
static int64_t cut_from(const struct weaverfs *fs, const struct pod *pod, int64_t expires_s)
{
	struct config relaxed = *fs->config;

	relaxed.max_ttl_hours = 10 * 365 * 24;
	int64_t wanted_s = weaver_expires(pod, &relaxed);
	return wanted_s > expires_s ? wanted_s : 0;
}

void reaper_report_show(struct reaper_report *r, const struct weaverfs *fs, struct buf *out)
{
	int64_t now_s = client_server_time(fs->client);
	struct registry_entry *entries = NULL;
	char time[RFC3339_SECONDS_LEN + 1];
	size_t n = 0;

	registry_list_take(fs->registry, false, &entries, &n);
	for (size_t i = 0; i < n; i++) {
		const struct registry_entry *w = &entries[i];
		int64_t expires_s = weaver_expires(w->pod, fs->config);
		int64_t wanted_s = cut_from(fs, w->pod, expires_s);

		if (now_s > expires_s) {
			add_row(out, "would-delete", w->name, w->pod->name, expires_s);
			buf_add_char(out, '\n');
		}
		if (wanted_s) {
			rfc3339_format(wanted_s, time);
			add_row(out, "cut", w->name, w->pod->name, expires_s);
			buf_printf(out, "\t%s\n", time);
		}
	}
	registry_list_free(entries, n);

	lock_guard(&r->lock);
	if (r->swept_s) {
		rfc3339_format(r->swept_s, time);
		buf_printf(out, "last-sweep\t%s\n", time);
	}
	if (r->run_s) {
		rfc3339_format(r->run_s, time);
		buf_printf(out, "last-run\t%s\t%u\t%u\n", time, r->deleted, r->failed);
	}
	buf_add(out, r->rows.data, r->rows.len);
}

void reaper_report_cuts(const struct weaverfs *fs, struct buf *warning)
{
	struct registry_entry *entries = NULL;
	char expires[RFC3339_SECONDS_LEN + 1], wanted[RFC3339_SECONDS_LEN + 1];
	size_t n = 0, cut = 0;

	registry_list_take(fs->registry, false, &entries, &n);
	for (size_t i = 0; i < n; i++) {
		int64_t expires_s = weaver_expires(entries[i].pod, fs->config);
		int64_t wanted_s = cut_from(fs, entries[i].pod, expires_s);

		if (!wanted_s || ++cut > WARNING_NAMES)
			continue;
		if (cut == 1)
			buf_printf(warning, "max_ttl_hours=%lld ends weavers before their time:",
				   (long long)fs->config->max_ttl_hours);
		rfc3339_format(expires_s, expires);
		rfc3339_format(wanted_s, wanted);
		buf_printf(warning, "%s %s at %s instead of %s", cut == 1 ? "" : ",",
			   entries[i].name, expires, wanted);
	}
	if (cut > WARNING_NAMES)
		buf_printf(warning, ", and %zu more", cut - WARNING_NAMES);
	registry_list_free(entries, n);
}
