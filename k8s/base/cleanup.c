/* SPDX-License-Identifier: Apache-2.0 */
/* What _cleanup_ runs for the two resources that have no type of their own: memory and fds. */
#include "k8s/base/cleanup.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cleanup_free(void *pp)
{
	void *p;

	/* pp points at a pointer of any type; only its bytes may be read under aliasing rules */
	memcpy(&p, pp, sizeof(p));
	free(p);
}

void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
