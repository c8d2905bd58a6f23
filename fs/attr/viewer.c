/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/attr/viewer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_SEARCH 05

void viewer_init(struct viewer *v, const struct caller *caller)
{
	*v = (struct viewer){ .caller = *caller };
}

void viewer_done(struct viewer *v)
{
	free(v->groups);
}

void viewer_read_groups(struct viewer *v)
{
	char path[32];
	size_t size = 0;

	v->read = true;
	snprintf(path, sizeof(path), "/proc/%d/status", v->caller.pid);
	FILE *status = fopen(path, "re");
	if (!status)
		return;
	bool found = false;
	while (!found && getline(&v->groups, &size, status) >= 0)
		found = strncmp(v->groups, "Groups:", 7) == 0;
	fclose(status);
	if (!found) {
		free(v->groups);
		v->groups = NULL;
	}
}

static bool has_group(struct viewer *v, gid_t gid)
{
	if (!v->read)
		viewer_read_groups(v);
	char *p = v->groups ? v->groups + strlen("Groups:") : NULL;
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
bool viewer_may_see(struct viewer *v, const struct weaver_owner *owner)
{
	unsigned shift = 0;

	if (v->caller.uid == 0)
		return true;
	if (v->caller.uid == owner->uid)
		shift = 6;
	else if (v->caller.gid == owner->gid || has_group(v, owner->gid))
		shift = 3;
	return (owner->mode >> shift & READ_SEARCH) == READ_SEARCH;
}
