/* SPDX-License-Identifier: Apache-2.0 */
/* Their order is that of help: what one does in a weaver's life, then what is around it. */
#include "tools/verbs.h"

#include <string.h>

#include "k8s/base/cleanup.h"

const struct cmd *const verbs_table[] = {
	&cmd_ps_entry,    &cmd_new_entry,        &cmd_attach_entry,   &cmd_sh_entry,
	&cmd_exec_entry,  &cmd_logs_entry,       &cmd_describe_entry, &cmd_top_entry,
	&cmd_wait_entry,  &cmd_ttl_entry,        &cmd_audit_entry,    &cmd_rm_entry,
	&cmd_mount_entry, &cmd_unmount_entry,    &cmd_doctor_entry,   &cmd_setup_entry,
	&cmd_help_entry,  &cmd_completion_entry,
};
const size_t verbs_n = ARRAY_SIZE(verbs_table);

const struct cmd *verbs_find(const char *name)
{
	for (size_t i = 0; i < verbs_n; i++) {
		const struct cmd *c = verbs_table[i];
		if (strcmp(c->name, name) == 0 || (c->alias && strcmp(c->alias, name) == 0))
			return c;
	}
	return NULL;
}
