/* SPDX-License-Identifier: Apache-2.0 */
/* All weavers at once, for readdir, the reaper and the tables in .weaverfs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/registry_private.h"

int registry_list_take(struct registry *r, bool all, struct registry_entry **ret, size_t *ret_n)
{
	lock_guard(&r->lock);
	struct registry_entry *entries = calloc(r->uids.count + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	size_t n = 0;
	list_for_each(w, &r->weavers, struct weaver, node) {
		bool terminating = w->place == PLACE_AWAY && !w->gone;
		if (w->place != PLACE_SHOWN && !(all && (terminating || w->place == PLACE_HELD)))
			continue;
		entries[n] = (struct registry_entry){ .object = w->object,
						      .pod = pod_ref(w->pod),
						      .changed_ns = w->changed_ns,
						      .terminating = terminating };
		memcpy(entries[n++].name, w->name, sizeof(w->name));
	}
	*ret = entries;
	*ret_n = n;
	return 0;
}

void registry_list_free(struct registry_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pod_unref(entries[i].pod);
	free(entries);
}
