/* SPDX-License-Identifier: Apache-2.0 */
/*
 * .weaverfs/weavers: the table of `loom weaver ps` (loom-compat.md §3), of those weavers that the
 * caller may see.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fs/attr/attr_handlers.h"
#include "fs/attr/viewer.h"
#include "fs/registry.h"
#include "fs/weaver/podspec.h"
#include "fs/weaver/weaver.h"
#include "k8s/base/cleanup.h"
#include "k8s/pod.h"

#define IMAGE_MAX 28 /* beyond it 25 characters and "..." */
#define RULER 96

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
	_cleanup_(viewer_done) struct viewer viewer;
	struct registry_entry *entries;
	size_t n, seen = 0;

	viewer_init(&viewer, &w->caller);
	if (registry_list_take(w->fs->registry, true, &entries, &n) < 0)
		return error_oom(e);
	for (size_t i = 0; i < n; i++) {
		struct weaver_owner owner = weaver_owner(entries[i].pod, w->fs->uid, w->fs->gid);

		if (!viewer_may_see(&viewer, &owner))
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
