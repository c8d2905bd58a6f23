/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions behind the rows of table.c, by theme and file. A show renders from the cache, on
 * any thread, without waiting; it must survive a pod that has a name and a uid and nothing else.
 * Empty values are empty files, all others end in one newline.
 */
#pragma once
#include "fs/attr/attr.h"

#define SHOW(name) int name(const struct weaver_view *w, struct buf *out, struct error *e)
#define DRAFT(name) int name(struct podspec *spec, const char *in, size_t len, struct error *e)
#define STORE(name) int name(struct store_ctx *c, const char *in, size_t len, struct error *e)

/* attr_state.c */
SHOW(status_show);
SHOW(reason_show);
SHOW(exit_code_show);
SHOW(events_show);

/* attr_time.c */
SHOW(ttl_show);
STORE(ttl_store);
SHOW(expires_show);
STORE(expires_store);
SHOW(created_show);

/* attr_spec.c */
SHOW(image_show);
SHOW(command_show);
SHOW(args_show);
SHOW(workdir_show);
SHOW(repo_show);
SHOW(branch_show);
SHOW(cpu_show);
SHOW(memory_show);
SHOW(env_show);
SHOW(tags_show);
STORE(tags_store);
SHOW(hold_show);
STORE(hold_store);
SHOW(secrets_show);

/* draft_values.c: what may be written into a draft */
DRAFT(ttl_draft);
DRAFT(image_draft);
DRAFT(command_draft);
DRAFT(args_draft);
DRAFT(workdir_draft);
DRAFT(repo_draft);
DRAFT(branch_draft);
DRAFT(cpu_draft);
DRAFT(memory_draft);
DRAFT(env_draft);
DRAFT(secrets_draft);
DRAFT(tags_draft);
DRAFT(hold_draft);

/* attr_identity.c */
SHOW(id_show);
SHOW(pod_show);
SHOW(node_show);
SHOW(ip_show);
SHOW(owner_show);
/* One value of the cluster as a file: s and a newline, or nothing for "". Control characters are
 * escaped, and only in a value that has some: a backslash alone stays as it is. */
void attr_identity_add(struct buf *out, const char *s);
/* The same without the newline. */
void attr_identity_add_text(struct buf *out, const char *s);

/* attr_control.c, attr_weavers.c */
SHOW(control_version_show);
SHOW(control_help_show);
SHOW(control_config_show);
SHOW(control_health_show);
SHOW(control_metrics_show);
SHOW(control_weavers_show);
SHOW(control_errors_show);
SHOW(control_reap_show);
int control_reap_act(struct weaverfs *fs, struct act *a, struct error *e);

/* attr_enter.c */
SHOW(sh_show);
SHOW(attach_show);

/* attr_stream.c */
attr_fetch_path attr_stream_pod_json;

/* attr_sidecar.c */
attr_fetch_forward attr_sidecar_metrics;

/* attr_usage.c */
attr_fetch_path attr_usage_path;
attr_fetch_render attr_usage_render;

#undef DRAFT
#undef SHOW
#undef STORE

/* What a show ends with: 0, or -ENOMEM where an append has failed. */
static inline int attr_done(const struct buf *out, struct error *e)
{
	return buf_error(out) < 0 ? error_oom(e) : 0;
}
