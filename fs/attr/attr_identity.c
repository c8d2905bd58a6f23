/* SPDX-License-Identifier: Apache-2.0 */
/* Which weaver it is and where: id, pod, node, ip, owner. */
#include <string.h>

#include "fs/attr/attr_handlers.h"
#include "fs/weaver/weaver.h"
#include "k8s/base/cleanup.h"
#include "k8s/pod.h"

void attr_identity_add_text(struct buf *out, const char *s)
{
	_cleanup_(buf_done) struct buf escaped = BUF_INIT;
	size_t len = strlen(s), backslashes = 0;

	for (size_t i = 0; i < len; i++)
		backslashes += s[i] == '\\';
	/* longer by its backslashes alone: nothing else had to be escaped */
	buf_add_escaped(&escaped, s, len);
	if (buf_error(&escaped) < 0)
		out->failed = true;
	else if (escaped.len == len + backslashes)
		buf_add(out, s, len);
	else
		buf_add(out, escaped.data, escaped.len);
}

void attr_identity_add(struct buf *out, const char *s)
{
	if (!*s)
		return;
	attr_identity_add_text(out, s);
	buf_add_char(out, '\n');
}

int id_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	attr_identity_add(out, weaver_id(w->pod));
	return attr_done(out, e);
}

int pod_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	attr_identity_add(out, w->pod->name);
	return attr_done(out, e);
}

int node_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	attr_identity_add(out, w->pod->node);
	return attr_done(out, e);
}

int ip_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	attr_identity_add(out, w->pod->ip);
	return attr_done(out, e);
}

int owner_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	struct weaver_owner owner = weaver_owner(w->pod, w->fs->uid, w->fs->gid);

	buf_printf(out, "%u:%u\n", owner.uid, owner.gid);
	return attr_done(out, e);
}
