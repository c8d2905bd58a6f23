// SPDX-License-Identifier: GPL-2.0
/*
 * DNS by hooks: the first choice. Over UDP each datagram as the kernel sends or delivers it. Over
 * TCP what a send or receive had in its first piece, by sys_exit's handlers, as elsewhere.
 */
#include "sidecar/net.bpf.h"

#define UDP_HEADER 8

static __always_inline void datagram(struct draft *d, struct sk_buff *skb, __u32 skip, __u64 most)
{
	__u64 linear = BPF_CORE_READ(skb, len) - BPF_CORE_READ(skb, data_len);
	__u32 len = BPF_CORE_READ(skb, len);
	unsigned char *data = BPF_CORE_READ(skb, data);
	d->event.net.payload = len - skip;
	linear = linear > skip ? linear - skip : 0;
	if (linear < len - skip)
		d->event.flags |= EVENT_DNS_PARTIAL;
	if (linear > most)
		linear = most;
	text_kernel(d, 0, data + skip, BOUND(linear, 2047));
}

static __always_inline int sent(struct sk_buff *skb, const struct address *peer)
{
	if (peer->port != DNS_PORT_NET || !probe_scope())
		return 0;
	struct draft *d = net_draft(EVENT_DNS_QUERY, (__u64)BPF_CORE_READ(skb, sk));
	if (!d)
		return 0;
	d->event.flags |= EVENT_HOOK;
	net_remote(&d->event, peer);
	unsigned char *head = BPF_CORE_READ(skb, head), *data = BPF_CORE_READ(skb, data);
	__u32 header = BPF_CORE_READ(skb, transport_header) - (__u32)(data - head);
	datagram(d, skb, header + UDP_HEADER, DNS_QUERY_MAX);
	draft_send(d);
	return 0;
}

SEC("fentry/udp_send_skb")
int BPF_PROG(dns_sent, struct sk_buff *skb, struct flowi4 *flow)
{
	struct address peer = { .family = AF_INET };
	peer.port = BPF_CORE_READ(flow, uli.ports.dport);
	peer.v4 = BPF_CORE_READ(flow, daddr);
	return sent(skb, &peer);
}

SEC("fentry/udp_v6_send_skb")
int BPF_PROG(dns_sent6, struct sk_buff *skb, struct flowi6 *flow)
{
	struct address peer = { .family = AF_INET6 };
	peer.port = BPF_CORE_READ(flow, uli.ports.dport);
	BPF_CORE_READ_INTO(&peer.v6, flow, daddr);
	return sent(skb, &peer);
}

/* The sender as the headers before the data name it. */
static __always_inline void sender(struct address *peer, struct sk_buff *skb)
{
	unsigned char *head = BPF_CORE_READ(skb, head);
	unsigned char *ip = head + BPF_CORE_READ(skb, network_header);
	__u8 version = 0;
	bpf_probe_read_kernel(&peer->port, 2, head + BPF_CORE_READ(skb, transport_header));
	bpf_probe_read_kernel(&version, 1, ip);
	if (version >> 4 == 4) {
		peer->family = AF_INET;
		bpf_probe_read_kernel(&peer->v4, 4, ip + 12);
	} else {
		peer->family = AF_INET6;
		bpf_probe_read_kernel(&peer->v6, 16, ip + 8);
	}
}

/* len < 0: it was only looked at (MSG_PEEK). */
SEC("fentry/skb_consume_udp")
int BPF_PROG(dns_received, struct sock *sk, struct sk_buff *skb, int len)
{
	struct address peer = {};
	if (len < 0)
		return 0;
	sender(&peer, skb);
	if (peer.port != DNS_PORT_NET || !probe_scope())
		return 0;
	struct draft *d = net_draft(EVENT_DNS_RESPONSE, address_of(sk));
	if (!d)
		return 0;
	d->event.flags |= EVENT_HOOK;
	net_remote(&d->event, &peer);
	datagram(d, skb, 0, DNS_RESPONSE_MAX);
	draft_send(d);
	return 0;
}

char _license[] SEC("license") = "GPL";
