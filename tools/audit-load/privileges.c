/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Privileges. Whoever may not change anything fails, and failures are recorded as well. A call that
 * succeeds and changes nothing is no event.
 */
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/audit-load/load.h"

struct change {
	int call;
	long a, b, c;
};

static void change(void *arg)
{
	struct change *c = arg;
	load_did(SEEN_ALWAYS, "privilege_change", "", c->call);
	if (c->call & LOAD_COMPAT)
		load_compat(c->call & ~LOAD_COMPAT, c->a, c->b, c->c, 0, 0);
	else
		load_call(c->call, c->a, c->b, c->c, 0, 0);
}

static void drop_capabilities(void *arg)
{
	(void)arg;
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	load_did(SEEN_ALWAYS, "privilege_change", "", SYS_capset);
	load_call(SYS_capset, &head, none);
}

void privileges_do(void)
{
	struct change changes[] = {
		{ SYS_setuid, 12345 },
		{ SYS_setgid, 12345 },
		{ SYS_setreuid, 12345, 12345 },
		{ SYS_setregid, 12345, 12345 },
		{ SYS_setresuid, -1, 12345, 0 },
		{ SYS_setresgid, 12345, 12345, 12345 },
		{ SYS_prctl, PR_SET_NO_NEW_PRIVS, 1 },
	};
	struct change compat = { LOAD_COMPAT | 213, 12345 };
	for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		load_child(change, &changes[i]);
	if (load_has_compat())
		load_child(change, &compat);
	if (geteuid())
		return;
	struct change of_root[] = { { SYS_setfsuid, 12345 },
				    { SYS_setfsgid, 12345 },
				    { SYS_prctl, PR_CAPBSET_DROP, CAP_SYS_BOOT } };
	for (unsigned i = 0; i < sizeof(of_root) / sizeof(of_root[0]); i++)
		load_child(change, &of_root[i]);
	load_child(drop_capabilities, NULL);
}
