/* SPDX-License-Identifier: Apache-2.0 */
/* See beside.h. /proc is the only one who knows: argv[0] is the caller's word. */
#include "k8s/base/beside.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool beside_find(const char *name, char ret_path[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);

	ret_path[len > 0 ? len : 0] = '\0';
	char *slash = strrchr(ret_path, '/');
	size_t room = slash ? (size_t)(ret_path + PATH_MAX - (slash + 1)) : 0;
	if (strlen(name) < room) {
		strcpy(slash + 1, name);
		if (access(ret_path, X_OK) == 0)
			return true;
	}
	snprintf(ret_path, PATH_MAX, "%s", name);
	return false;
}
