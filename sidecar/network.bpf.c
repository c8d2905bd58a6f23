// SPDX-License-Identifier: GPL-2.0
/* Sockets by hooks: the first choice. Addresses are the kernel's copies; io_uring is seen. */
#include "sidecar/net.bpf.h"

SEC("fentry/security_socket_post_create")
int BPF_PROG(network_socket, struct socket *socket, int family, int type, int protocol, int kernel)
{
	if (kernel || !probe_scope())
		return 0;
	struct draft *d = net_draft(EVENT_SOCKET, (__u64)BPF_CORE_READ(socket, sk));
	if (!d)
		return 0;
	d->event.flags |= EVENT_HOOK;
	draft_send(d);
	return 0;
}

SEC("fentry/security_socket_connect")
int BPF_PROG(network_connect, struct socket *socket, struct sockaddr *address, int len)
{
	struct address a = {};
	if (!probe_scope())
		return 0;
	struct draft *d = net_draft(EVENT_CONNECT, (__u64)BPF_CORE_READ(socket, sk));
	if (!d)
		return 0;
	d->event.flags |= EVENT_HOOK;
	bpf_probe_read_kernel(&a, sizeof(a), address);
	net_remote(&d->event, &a);
	if (a.family == AF_UNIX && len > UNIX_PATH_AT) {
		const char *path = (const char *)address + UNIX_PATH_AT;
		if ((__u8)a.port)
			text_kernel_str(d, 0, path);
		else
			text_kernel(d, 0, path, BOUND(len - UNIX_PATH_AT, 127));
	}
	draft_send(d);
	return 0;
}

SEC("fentry/security_socket_listen")
int BPF_PROG(network_listen, struct socket *socket, int backlog)
{
	if (!probe_scope())
		return 0;
	struct sock *sk = BPF_CORE_READ(socket, sk);
	struct draft *d = net_draft(EVENT_LISTEN, (__u64)sk);
	if (!d)
		return 0;
	d->event.flags |= EVENT_HOOK;
	d->event.net.backlog = backlog;
	if (d->event.net.family == AF_UNIX)
		net_unix_name(d, sk);
	draft_send(d);
	return 0;
}

/* Under each accept: of the new connection, with its peer. */
SEC("fexit/do_accept")
int BPF_PROG(network_accept)
{
	__u64 ret = 0;
	bpf_get_func_ret(ctx, &ret);
	if ((__s64)ret <= 0 && (__s64)ret >= -4095)
		return 0;
	struct file *f = (struct file *)ret;
	if (!f || !probe_scope())
		return 0;
	struct socket *socket = BPF_CORE_READ(f, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	struct draft *d = net_draft(EVENT_ACCEPT, (__u64)sk);
	if (!d)
		return 0;
	d->event.flags |= EVENT_HOOK;
	if (d->event.net.family == AF_UNIX)
		net_unix_name(d, sk);
	draft_send(d);
	return 0;
}

char _license[] SEC("license") = "GPL";
