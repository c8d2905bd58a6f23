/* SPDX-License-Identifier: Apache-2.0 */
/* See place.h. A path in a mount may be longer than what a socket's address holds: 107 bytes. So we
 * go there, which works in containers without /proc, too. */
#include "tools/place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/wire.h"
#include "tools/find.h"

int place_open(const char *name, struct error *e)
{
	return find_open(name, false, NULL, e);
}

int place_connect(int dir, const char *name, struct error *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	_cleanup_(cleanup_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(e, errno, "no socket: %s", strerror(errno));
	snprintf(to.sun_path, sizeof(to.sun_path), WIRE_SOCKET);
	if (fchdir(dir) < 0)
		return error_set(e, errno, "%s: %s", name, strerror(errno));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		int code = errno;
		if (code == ENOENT)
			return error_set(e, code, "%s: no weaver", name);
		return error_set(e, code, "%s: no connection to weaverfs: %s", name,
				 strerror(code));
	}
	int connected = fd;
	fd = -1;
	return connected;
}
