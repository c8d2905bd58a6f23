// SPDX-License-Identifier: GPL-2.0
/* Privileges by a hook: every change of credentials ends in commit_creds, that of an exec too. */
#include "sidecar/privilege.bpf.h"
#include "sidecar/call.bpf.h"

SEC("fentry/commit_creds")
int BPF_PROG(privilege_changed, struct cred *cred)
{
	if (!probe_scope())
		return 0;
	struct privileges old, now;
	privileges_of(&old, BPF_CORE_READ(current_task(), cred));
	privileges_of(&now, cred);
	if (!privileges_differ(&old, &now))
		return 0;
	struct draft *d = draft_new(EVENT_PRIVILEGE);
	if (!d)
		return 0;
	d->event.flags |= EVENT_HOOK;
	privileges_put(&d->event, &old, &now);
	draft_send(d);
	return 0;
}

char _license[] SEC("license") = "GPL";
