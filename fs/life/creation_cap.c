/* SPDX-License-Identifier: Apache-2.0 */
/* How many weavers there may be. The server's quota counts too, but says so only after a POST. */
#include <errno.h>

#include "fs/config/config.h"
#include "fs/life/creation.h"
#include "fs/registry.h"
#include "fs/weaver/weaver.h"

static int check_all(const struct create *c, struct error *e)
{
	struct weaverfs *fs = c->fs;
	struct registry_counts counts;
	size_t max = (size_t)fs->config->max_concurrent;

	registry_counts(fs->registry, &counts);
	if (counts.active + creation_in_flight(c, (uid_t)-1) < max)
		return 0;
	if (counts.terminating)
		return error_set(e, EDQUOT,
				 "max_concurrent is %zu and as many weavers count, %zu of them "
				 "terminating: room in at most 10 s",
				 max, counts.terminating);
	return error_set(e, EDQUOT,
			 "max_concurrent is %zu and as many weavers are pending or running: rmdir "
			 "one, or raise the setting",
			 max);
}

static int check_user(const struct create *c, uid_t uid, struct error *e)
{
	struct weaverfs *fs = c->fs;
	size_t max = (size_t)fs->config->max_per_user;
	struct registry_entry *entries;
	size_t n, active = creation_in_flight(c, uid);

	if (max == 0)
		return 0;
	int r = registry_list_take(fs->registry, true, &entries, &n);
	if (r < 0)
		return error_oom(e);
	for (size_t i = 0; i < n; i++)
		active += weaver_active(entries[i].pod) &&
			  weaver_owner(entries[i].pod, fs->uid, fs->gid).uid == uid;
	registry_list_free(entries, n);
	if (active < max)
		return 0;
	return error_set(e, EDQUOT,
			 "max_per_user is %zu and as many weavers of uid %u are pending, running "
			 "or terminating",
			 max, uid);
}

int creation_cap_check(const struct create *c, uid_t uid, struct error *e)
{
	int r = check_all(c, e);

	return r < 0 ? r : check_user(c, uid, e);
}
