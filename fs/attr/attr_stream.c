/* SPDX-License-Identifier: Apache-2.0 */
/* Files whose content comes from the API server when they are opened: pod.json. */
#include <string.h>

#include "fs/attr/attr_handlers.h"
#include "k8s/pod.h"

int attr_stream_pod_json(const struct weaver_view *w, struct buf *path, struct error *e)
{
	buf_add_str(path, "/api/v1/namespaces/");
	buf_add_urlencoded(path, w->pod->namespace_, strlen(w->pod->namespace_));
	buf_add_str(path, "/pods/");
	buf_add_urlencoded(path, w->pod->name, strlen(w->pod->name));
	return attr_done(path, e);
}
