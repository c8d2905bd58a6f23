/* SPDX-License-Identifier: GPL-2.0 */
/* Records about sockets: what the kernel's socket says, and addresses as calls carry them. */
#pragma once
#include "sidecar/probe.bpf.h"

#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_DGRAM 2
#define DNS_PORT 53
#define DNS_PORT_NET 0x3500 /* in network byte order */
#define DNS_QUERY_MAX 512
#define DNS_RESPONSE_MAX 1232

#define UNIX_PATH_AT 2 /* bytes before the path in struct sockaddr_un */

/* Enough of any struct sockaddr. */
struct address {
	__u16 family;
	__u16 port; /* network byte order */
	__u32 v4;   /* of IPv6 the flow label */
	__u8 v6[16];
};

static __always_inline __u16 swap16(__u16 x)
{
	return x << 8 | x >> 8;
}

__noinline int net_describe(struct draft *d, __u64 sock)
{
	struct sock *sk = (struct sock *)sock;
	if (!d)
		return 0;
	struct event_net *n = &d->event.net;
	n->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	n->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	n->kind = BPF_CORE_READ(sk, sk_type);
	n->protocol = BPF_CORE_READ(sk, sk_protocol);
	n->fd = -1;
	if (n->family != AF_INET && n->family != AF_INET6)
		return 0;
	n->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	n->remote_port = swap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (n->family == AF_INET) {
		*(__u32 *)n->local = BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
		*(__u32 *)n->remote = BPF_CORE_READ(sk, __sk_common.skc_daddr);
		return 0;
	}
	BPF_CORE_READ_INTO(&n->local, sk, __sk_common.skc_v6_rcv_saddr);
	BPF_CORE_READ_INTO(&n->remote, sk, __sk_common.skc_v6_daddr);
	return 0;
}

static __always_inline struct draft *net_draft(__u32 type, __u64 sock)
{
	struct draft *d = draft_new(type);
	if (d)
		net_describe(d, sock);
	return d;
}

/* The peer that a call names, in place of what the socket says. */
static __always_inline void net_remote(struct event *e, const struct address *a)
{
	if (a->family != AF_INET && a->family != AF_INET6)
		return;
	e->net.remote_port = swap16(a->port);
	__builtin_memset(e->net.remote, 0, sizeof(e->net.remote));
	if (a->family == AF_INET)
		*(__u32 *)e->net.remote = a->v4;
	else
		__builtin_memcpy(e->net.remote, a->v6, sizeof(a->v6));
}

/* Text 0: the path of an AF_UNIX socket, as bound; an abstract name keeps its leading NUL. */
static __always_inline void net_unix_name(struct draft *d, struct sock *sk)
{
	struct unix_address *addr = BPF_CORE_READ((struct unix_sock *)sk, addr);
	__s64 len = addr ? BPF_CORE_READ(addr, len) - UNIX_PATH_AT : 0;
	char first = 0;
	const char *path = (const char *)addr + bpf_core_field_offset(struct unix_address, name) +
			   UNIX_PATH_AT;
	if (len <= 0 || len > 108)
		return;
	bpf_probe_read_kernel(&first, 1, path);
	if (first)
		text_kernel_str(d, 0, path);
	else
		text_kernel(d, 0, path, BOUND(len, 127));
}
