/* SPDX-License-Identifier: Apache-2.0 */
/* What comes from the audit sidecar when opened: metrics. (Its record grows: audit_source.c.) */
#include <errno.h>

#include "fs/attr/attr_handlers.h"
#include "fs/weaver/podspec.h"
#include "fs/weaver/weaver.h"
#include "k8s/pod.h"

int attr_sidecar_metrics(const struct weaver_view *w, struct buf *path, uint16_t *ret_port,
			 struct error *e)
{
	const struct pod_container *sidecar = weaver_sidecar(w->pod);

	if (!sidecar)
		return error_set(e, ENODATA, WEAVER_NO_SIDECAR);
	if (sidecar->state != POD_STATE_RUNNING)
		return error_set(e, ENOTCONN, "the audit sidecar does not run");
	/* another mount, with another setting, may have made it */
	*ret_port = sidecar->metrics_port ? sidecar->metrics_port : LOOM_SIDECAR_METRICS_PORT;
	buf_add_str(path, "/metrics");
	return attr_done(path, e);
}
