/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .weaverfs/weavers: the table of `loom weaver ps` (loom-compat.md §3), of those weavers whose
 * directory the caller may read and search, as the kernel would decide it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/attr_handlers.h"
#include "fs/podspec.h"
#include "fs/registry.h"
#include "fs/weaver.h"
#include "k8s/base/cleanup.h"
#include "k8s/pod.h"

#define IMAGE_MAX 28 /* beyond it 25 characters and "..." */
#define RULER 96
#define READ_SEARCH 05

/* Supplementary groups are read from /proc only when a decision hangs on them. */
struct groups {
	pid_t pid;
	bool read;
	char *line; /* owned: "Groups:\t4 24 1000 \n", NULL: not to be had */
};

static void groups_done(struct groups *g)
{
	free(g->line);
}

static void groups_read(struct groups *g)
{
	char path[32];
	size_t size = 0;

	g->read = true;
	snprintf(path, sizeof(path), "/proc/%d/status", g->pid);
	FILE *status = fopen(path, "re");
	if (!status)
		return;
	bool found = false;
	while (!found && getline(&g->line, &size, status) >= 0)
		found = strncmp(g->line, "Groups:", 7) == 0;
	fclose(status);
	if (!found) {
		free(g->line);
		g->line = NULL;
	}
}

static bool groups_have(struct groups *g, gid_t gid)
{
	if (!g->read)
		groups_read(g);
	char *p = g->line ? g->line + strlen("Groups:") : NULL;
	while (p && *p) {
		char *end;
		unsigned long group = strtoul(p, &end, 10);
		if (end == p)
			return false;
		if (group == gid)
			return true;
		p = end;
	}
	return false;
}

/* As generic_permission(): the first class that fits decides, and root may do all. */
static bool may_see(const struct weaver_view *w, const struct pod *pod, struct groups *groups)
{
	struct weaver_owner owner = weaver_owner(pod, w->fs->uid, w->fs->gid);
	unsigned shift = 0;

	if (w->caller.uid == 0)
		return true;
	if (w->caller.uid == owner.uid)
		shift = 6;
	else if (w->caller.gid == owner.gid || groups_have(groups, owner.gid))
		shift = 3;
	return (owner.mode >> shift & READ_SEARCH) == READ_SEARCH;
}

static void add_head(struct buf *out)
{
	buf_printf(out, "%-40s %-30s %-10s %-8s %-8s\n", "ID", "IMAGE", "STATUS", "AGE", "TTL");
	for (int i = 0; i < RULER; i++)
		buf_add_char(out, '-');
	buf_add_char(out, '\n');
}

static void add_image(struct buf *cell, const char *image)
{
	bool cut = strlen(image) > IMAGE_MAX;

	buf_add_escaped(cell, image, cut ? IMAGE_MAX - 3 : strlen(image));
	buf_add_str(cell, cut ? "..." : *image ? "" : "-");
}

static void add_row(const struct weaver_view *w, const struct pod *pod, struct buf *out)
{
	_cleanup_(buf_done) struct buf image = BUF_INIT;
	const char *lifetime = pod_annotation(pod, LOOM_ANNOTATION_LIFETIME);
	char age[32] = "-", ttl[24] = "-";
	int64_t age_s = w->now_s - pod->created_s;

	if (pod->created_s)
		snprintf(age, sizeof(age), "%.1fh", (double)(age_s > 0 ? age_s : 0) / 3600);
	/* somebody else's annotation: digits or nothing */
	if (lifetime && *lifetime && strlen(lifetime) <= 6 &&
	    strspn(lifetime, "0123456789") == strlen(lifetime))
		snprintf(ttl, sizeof(ttl), "%sh", lifetime);
	add_image(&image, pod->image);
	buf_printf(out, "%-40s %-30s %-10s %-8s %-8s\n", weaver_id(pod), buf_str(&image),
		   weaver_status_word(weaver_status(pod)), age, ttl);
	if (buf_error(&image) < 0)
		out->failed = true;
}

int control_weavers_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	_cleanup_(groups_done) struct groups groups = { .pid = w->caller.pid };
	struct registry_entry *entries;
	size_t n, seen = 0;

	if (registry_list(w->fs->registry, true, &entries, &n) < 0)
		return error_oom(e);
	for (size_t i = 0; i < n; i++) {
		if (!may_see(w, entries[i].pod, &groups))
			continue;
		if (seen++ == 0)
			add_head(out);
		add_row(w, entries[i].pod, out);
	}
	registry_list_free(entries, n);
	if (seen == 0)
		buf_add_str(out, "No weavers running\n");
	return attr_done(out, e);
}
