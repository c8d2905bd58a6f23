/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/life/pod_delete.h"

#include <string.h>

#include "fs/config/config.h"
#include "fs/weaverfs.h"
#include "k8s/base/buf.h"
#include "k8s/request.h"

struct request *pod_delete_start(struct weaverfs *fs, const struct pod_delete *d)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	_cleanup_(buf_done) struct buf body = BUF_INIT;

	buf_printf(&path, "/api/v1/namespaces/%s/pods/", fs->config->namespace_);
	buf_add_urlencoded(&path, d->name, strlen(d->name));
	buf_printf(&body, "{\"gracePeriodSeconds\":%d,\"preconditions\":{\"uid\":", d->grace_s);
	buf_add_json(&body, d->uid, strlen(d->uid));
	if (d->resource_version) {
		buf_add_str(&body, ",\"resourceVersion\":");
		buf_add_json(&body, d->resource_version, strlen(d->resource_version));
	}
	buf_add_str(&body, "}}");
	if (buf_error(&path) < 0 || buf_error(&body) < 0)
		return NULL;
	struct request_spec spec = {
		.method = REQUEST_DELETE,
		.path = path.data,
		.content_type = "application/json",
		.body = body.data,
		.body_len = body.len,
		.deadline_ns = d->deadline_ns,
		.idempotent = true,
		.on_done = d->on_done,
		.data = d->data,
	};
	return request_start(fs->client, &spec);
}
