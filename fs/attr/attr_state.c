/* SPDX-License-Identifier: Apache-2.0 */
/* How a weaver is: status, reason, exit_code, events. */
#include "fs/attr/attr_handlers.h"
#include "fs/weaver/events.h"
#include "fs/weaver/reason.h"
#include "fs/weaver/weaver.h"
#include "k8s/pod.h"

int status_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	buf_printf(out, "%s\n", weaver_status_word(weaver_status(w->pod)));
	return attr_done(out, e);
}

int reason_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	const struct reason_input in = {
		.pod = w->pod,
		.events = w->w->events,
		.last_line = w->w->last_line,
		.config = w->fs->config,
	};

	weaver_reason(&in, out);
	return attr_done(out, e);
}

int exit_code_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	const struct pod_container *c = pod_main(w->pod);

	if (c && c->state == POD_STATE_TERMINATED)
		buf_printf(out, "%d\n", c->exit_code);
	return attr_done(out, e);
}

int events_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	event_list_show(w->w->events, out);
	return attr_done(out, e);
}
