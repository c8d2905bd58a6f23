// SPDX-License-Identifier: GPL-2.0
/* Sockets by sys_exit: the fallback. Only here the descriptor of a new socket is known. */
#include "sidecar/call.bpf.h"
#include "sidecar/net.bpf.h"

enum {
	SOCKETCALL_SOCKET = 1,
	SOCKETCALL_CONNECT = 3,
	SOCKETCALL_LISTEN,
	SOCKETCALL_ACCEPT,
	SOCKETCALL_ACCEPT4 = 18
};

/* One 32-bit call in place of all others: its arguments are an array. */
static __always_inline bool socketcall(struct call *c)
{
	__u64 at = c->arg[1];
	switch (c->arg[0]) {
	case SOCKETCALL_SOCKET:
		c->code = NET_SOCKET;
		break;
	case SOCKETCALL_CONNECT:
		c->code = NET_CONNECT;
		break;
	case SOCKETCALL_LISTEN:
		c->code = NET_LISTEN;
		break;
	case SOCKETCALL_ACCEPT:
	case SOCKETCALL_ACCEPT4:
		c->code = NET_ACCEPT;
		break;
	default:
		return false;
	}
	for (int i = 0; i < 3; i++)
		c->arg[i] = user_word(at, i, true);
	return true;
}

static __always_inline void connect_address(struct draft *d, struct call *c)
{
	struct address a = {};
	__u64 len = c->arg[2] < sizeof(a) ? c->arg[2] : sizeof(a);
	if (bpf_probe_read_user(&a, BOUND(len, 31), (void *)c->arg[1]))
		return;
	if (a.family == AF_UNIX && c->arg[2] > UNIX_PATH_AT) {
		len = c->arg[2] - UNIX_PATH_AT;
		const char *path = (const char *)c->arg[1] + UNIX_PATH_AT;
		if ((__u8)a.port)
			text_user_str(d, 0, path);
		else
			text_user(d, 0, path, len < 108 ? BOUND(len, 127) : 108);
		d->event.flags |= EVENT_ASKED;
		return;
	}
	struct event_net *n = &d->event.net;
	bool known = n->remote_port, differs = known && n->remote_port != swap16(a.port);
	if (differs)
		d->event.flags |= EVENT_MISMATCH;
	if (known)
		return;
	net_remote(&d->event, &a);
	d->event.flags |= EVENT_ASKED;
}

static __always_inline __u32 net_type(__u32 code)
{
	switch (code) {
	case NET_SOCKET:
		return EVENT_SOCKET;
	case NET_CONNECT:
		return EVENT_CONNECT;
	case NET_LISTEN:
		return EVENT_LISTEN;
	}
	return EVENT_ACCEPT;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_net, struct pt_regs *regs, long ret)
{
	struct call c = call_read(regs, ret);
	if (c.code == NET_SOCKETCALL && !socketcall(&c)) {
		bpf_tail_call(ctx, &handlers, CALLS_DNS);
		return 0;
	}
	if (call_restarts(&c) || (c.ret < 0 && c.code != NET_CONNECT))
		return 0;
	bool makes = c.code == NET_SOCKET || c.code == NET_ACCEPT;
	__s32 fd = makes ? c.ret : (__s32)c.arg[0];
	struct sock *sk = file_sock(fd_file(fd));
	if (!sk)
		return 0;
	struct draft *d = net_draft(net_type(c.code), (__u64)sk);
	if (!d)
		return 0;
	d->event.net.fd = fd;
	call_result(&d->event, &d->event.net.result, c.ret);
	if (c.code == NET_CONNECT)
		connect_address(d, &c);
	else if (d->event.net.family == AF_UNIX && c.code != NET_SOCKET)
		net_unix_name(d, sk);
	if (c.code == NET_LISTEN)
		d->event.net.backlog = c.arg[1];
	draft_send(d);
	return 0;
}

char _license[] SEC("license") = "GPL";
