/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: what the weaver uses now, PodMetrics of metrics.k8s.io/v1beta1, the sum of its containers.
 * Where there is no metrics server the API server knows no such path; one that has not measured the
 * pod yet says the same 404.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "fs/attr/attr_handlers.h"
#include "k8s/base/quantity.h"
#include "k8s/pod.h"
#include "k8s/request.h"

int attr_usage_path(const struct weaver_view *w, struct buf *path, struct error *e)
{
	buf_add_str(path, "/apis/metrics.k8s.io/v1beta1/namespaces/");
	buf_add_urlencoded(path, w->pod->namespace_, strlen(w->pod->namespace_));
	buf_add_str(path, "/pods/");
	buf_add_urlencoded(path, w->pod->name, strlen(w->pod->name));
	return attr_done(path, e);
}

static int add_container(const cJSON *container, int64_t *cpu_milli, int64_t *memory,
			 struct error *e)
{
	const cJSON *usage = cJSON_GetObjectItemCaseSensitive(container, "usage");
	const char *cpu = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(usage, "cpu"));
	const char *bytes = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(usage, "memory"));
	int64_t n;

	int r = quantity_parse_milli(cpu ? cpu : "", &n, e);
	if (r < 0)
		return r;
	*cpu_milli += n;
	r = quantity_parse(bytes ? bytes : "", &n, e);
	if (r == 0)
		*memory += n;
	return r;
}

int attr_usage_render(const struct reply *reply, struct buf *out, struct error *e)
{
	int64_t cpu_milli = 0, memory = 0;
	struct error why = ERROR_INIT;
	const cJSON *container;
	int r = 0;

	if (reply->http == 404)
		return error_set(e, ENODATA,
				 "the cluster has measured nothing of this weaver (is "
				 "there a metrics server?)");
	if (reply->r < 0) {
		*e = reply->error;
		return reply->r;
	}
	cJSON *metrics = cJSON_ParseWithLength(reply->body, reply->len);
	const cJSON *containers = cJSON_GetObjectItemCaseSensitive(metrics, "containers");
	if (!cJSON_IsArray(containers))
		r = error_set(&why, EPROTO, "no PodMetrics");
	cJSON_ArrayForEach(container, containers)
		if (r == 0)
			r = add_container(container, &cpu_milli, &memory, &why);
	cJSON_Delete(metrics);
	if (r < 0)
		return error_set(e, EPROTO, "metrics.k8s.io: %s", why.text);
	buf_printf(out, "cpu_millicores=%" PRId64 "\nmemory_bytes=%" PRId64 "\n", cpu_milli,
		   memory);
	return attr_done(out, e);
}
