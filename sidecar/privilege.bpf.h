/* SPDX-License-Identifier: GPL-2.0 */
/* Records about credentials. */
#pragma once
#include "sidecar/probe.bpf.h"

/* What of a task's credentials is watched. */
struct privileges {
	__u32 uid, euid, fsuid, gid, egid, fsgid;
	__u64 effective, permitted, bounding;
	__u64 user_ns;
};

static __always_inline void privileges_of(struct privileges *p, const struct cred *cred)
{
	p->uid = BPF_CORE_READ(cred, uid.val);
	p->euid = BPF_CORE_READ(cred, euid.val);
	p->fsuid = BPF_CORE_READ(cred, fsuid.val);
	p->gid = BPF_CORE_READ(cred, gid.val);
	p->egid = BPF_CORE_READ(cred, egid.val);
	p->fsgid = BPF_CORE_READ(cred, fsgid.val);
	BPF_CORE_READ_INTO(&p->effective, cred, cap_effective);
	BPF_CORE_READ_INTO(&p->permitted, cred, cap_permitted);
	BPF_CORE_READ_INTO(&p->bounding, cred, cap_bset);
	p->user_ns = (__u64)BPF_CORE_READ(cred, user_ns);
}

static __always_inline bool privileges_differ(const struct privileges *a,
					      const struct privileges *b)
{
	return a->uid != b->uid || a->euid != b->euid || a->fsuid != b->fsuid || a->gid != b->gid ||
	       a->egid != b->egid || a->fsgid != b->fsgid || a->effective != b->effective ||
	       a->permitted != b->permitted || a->bounding != b->bounding ||
	       a->user_ns != b->user_ns;
}

static __always_inline void privileges_put(struct event *e, const struct privileges *old,
					   const struct privileges *now)
{
	struct event_privilege *p = &e->privilege;
	p->old_uid = old->uid;
	p->new_uid = now->uid;
	p->old_euid = old->euid;
	p->new_euid = now->euid;
	p->old_fsuid = old->fsuid;
	p->new_fsuid = now->fsuid;
	p->old_gid = old->gid;
	p->new_gid = now->gid;
	p->old_egid = old->egid;
	p->new_egid = now->egid;
	p->old_fsgid = old->fsgid;
	p->new_fsgid = now->fsgid;
	p->old_effective = old->effective;
	p->new_effective = now->effective;
	p->old_permitted = old->permitted;
	p->new_permitted = now->permitted;
	p->old_bounding = old->bounding;
	p->new_bounding = now->bounding;
	p->user_namespace = old->user_ns != now->user_ns;
}
