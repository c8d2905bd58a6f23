// SPDX-License-Identifier: GPL-2.0
/*
 * What is asked of io_uring where its files and sockets cannot be hooked: which operations a
 * process uses, each once. What they are applied to stays unseen.
 */
#include "sidecar/probe.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u64);
} uring_seen SEC(".maps");

static __always_inline int submitted(struct io_kiocb *request)
{
	if (!probe_scope())
		return 0;
	struct task_struct *t = current_task();
	__u8 opcode = BPF_CORE_READ(request, opcode);
	__u64 key = (__u64)BPF_CORE_READ(t, tgid) << 8 | opcode;
	__u64 start = BPF_CORE_READ(t, group_leader, start_boottime);
	__u64 *seen = bpf_map_lookup_elem(&uring_seen, &key);
	if (seen && *seen == start)
		return 0;
	bpf_map_update_elem(&uring_seen, &key, &start, BPF_ANY);
	struct draft *d = draft_new(EVENT_ESCAPE);
	if (!d)
		return 0;
	d->event.flags |= EVENT_HOOK;
	d->event.escape.op = ESCAPE_OP_URING_SUBMIT;
	d->event.escape.arg0 = opcode;
	draft_send(d);
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(uring_submit, struct io_kiocb *request)
{
	return submitted(request);
}

SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(uring_submit__6, struct io_kiocb *request)
{
	return submitted(request);
}

char _license[] SEC("license") = "GPL";
