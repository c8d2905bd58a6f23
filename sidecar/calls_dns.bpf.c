// SPDX-License-Identifier: GPL-2.0
/*
 * DNS by sys_exit: the fallback. A datagram counts as DNS by the port of its peer: the one the
 * socket is connected to, or the one the call names (musl does not connect). A message in more
 * pieces than are gathered here is marked partial. What is parsed, user space parses.
 */
#include "sidecar/call.bpf.h"
#include "sidecar/net.bpf.h"

#define MESSAGES_MAX 64
#define PIECES_MAX 4

/* One datagram in the caller's memory. */
struct message {
	__u64 buf; /* of one piece; 0: in iov */
	__u64 iov; /* array of pieces, each an address and a length */
	__u64 parts;
	__u64 len;  /* of the datagram */
	__u64 peer; /* struct sockaddr or 0 */
	__u32 sent, compat;
};

static __always_inline bool message_dns(struct message *m, struct sock *sk, struct address *peer)
{
	if (m->peer)
		bpf_probe_read_user(peer, sizeof(*peer), (void *)m->peer);
	if (peer->family == AF_INET || peer->family == AF_INET6)
		return peer->port == DNS_PORT_NET;
	peer->family = 0;
	return BPF_CORE_READ(sk, __sk_common.skc_dport) == DNS_PORT_NET;
}

/* Appends piece i of the datagram to `have` bytes of it; returns how many there are then. */
__noinline int gather_piece(struct draft *d, struct message *m, __u32 i, __u32 have, __u32 most)
{
	if (!d || !m || have > most)
		return most;
	__u64 from = user_word(m->iov, 2 * i, m->compat);
	__u64 len = user_word(m->iov, 2 * i + 1, m->compat), at = have;
	if (len > most - have)
		len = most - have;
	asm volatile("" : "+r"(len));
	asm volatile("" : "+r"(at));
	if (len > DNS_RESPONSE_MAX || at > DNS_RESPONSE_MAX)
		return most;
	if (len && bpf_probe_read_user(text_at(d) + at, len, (void *)from))
		d->event.flags |= EVENT_ARGS_UNREAD;
	return have + len;
}

static __always_inline void gather(struct draft *d, struct message *m, __u64 most)
{
	__u32 have = 0;
	for (__u32 i = 0; i < PIECES_MAX && i < m->parts; i++)
		have = gather_piece(d, m, i, have, most);
	if (have < most)
		d->event.flags |= EVENT_DNS_PARTIAL;
	text_end(d, 0, have);
}

__noinline int message_send(struct message *m, __u64 sock, __s64 ret)
{
	struct sock *sk = (struct sock *)sock;
	struct address peer = {};
	if (!m || !message_dns(m, sk, &peer))
		return 0;
	__u32 kind = BPF_CORE_READ(sk, sk_type);
	struct draft *d = net_draft(m->sent ? EVENT_DNS_QUERY : EVENT_DNS_RESPONSE, (__u64)sk);
	if (!d)
		return 0;
	net_remote(&d->event, &peer);
	d->event.net.payload = m->len;
	d->event.net.kind = kind;
	call_result(&d->event, &d->event.net.result, ret);
	__u64 most = m->sent ? DNS_QUERY_MAX : DNS_RESPONSE_MAX;
	if (m->len < most)
		most = m->len;
	if (!m->buf)
		gather(d, m, most);
	else if (text_user(d, 0, (void *)m->buf, most))
		d->event.flags |= EVENT_ARGS_UNREAD;
	draft_send(d);
	return 0;
}

/* struct msghdr: name, namelen (padded), iov, iovlen: one word each, for 32 bits as well. */
static __always_inline void message_header(struct message *m, __u64 at)
{
	m->peer = user_word(at, 0, m->compat);
	m->iov = user_word(at, 2, m->compat);
	m->parts = user_word(at, 3, m->compat);
}

struct batch {
	struct sock *sk;
	__u64 at;
	__s64 ret;
	bool sent, compat;
};

static long batch_step(__u32 i, struct batch *b)
{
	__u64 at = b->at + i * (b->compat ? 32 : 64);
	__u32 len = 0;
	struct message m = { .sent = b->sent, .compat = b->compat };
	bpf_probe_read_user(&len, sizeof(len), (void *)(at + (b->compat ? 28 : 56)));
	message_header(&m, at);
	m.len = len;
	message_send(&m, (__u64)b->sk, len);
	return 0;
}

enum {
	SOCKETCALL_SEND = 9,
	SOCKETCALL_RECV,
	SOCKETCALL_SENDTO,
	SOCKETCALL_RECVFROM,
	SOCKETCALL_SENDMSG = 16,
	SOCKETCALL_RECVMSG,
	SOCKETCALL_RECVMMSG = 19,
	SOCKETCALL_SENDMMSG
};

static __always_inline bool socketcall(struct call *c)
{
	__u64 at = c->arg[1], what = c->arg[0];
	bool plain = what == SOCKETCALL_SEND || what == SOCKETCALL_RECV;
	switch (what) {
	case SOCKETCALL_SEND:
	case SOCKETCALL_SENDTO:
		c->code = DNS_SENDTO;
		break;
	case SOCKETCALL_RECV:
	case SOCKETCALL_RECVFROM:
		c->code = DNS_RECVFROM;
		break;
	case SOCKETCALL_SENDMSG:
		c->code = DNS_SENDMSG;
		break;
	case SOCKETCALL_RECVMSG:
		c->code = DNS_RECVMSG;
		break;
	case SOCKETCALL_SENDMMSG:
		c->code = DNS_SENDMMSG;
		break;
	case SOCKETCALL_RECVMMSG:
		c->code = DNS_RECVMMSG;
		break;
	default:
		return false;
	}
	for (int i = 0; i < 5; i++)
		c->arg[i] = user_word(at, i, true);
	if (plain)
		c->arg[4] = 0;
	return true;
}

static __always_inline bool is_sent(__u32 code)
{
	return code == IO_WRITE || code == IO_WRITEV || code == DNS_SENDTO || code == DNS_SENDMSG ||
	       code == DNS_SENDMMSG;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(call_dns, struct pt_regs *regs, long ret)
{
	struct call c = call_read(regs, ret);
	bool wrapped = c.code == DNS_SOCKETCALL ||
		       CALL_GROUP(call_lookup(regs->orig_ax, c.compat)) == CALLS_NET;
	if (c.ret <= 0 || (wrapped && !socketcall(&c)))
		return 0;
	struct sock *sk = file_sock(fd_file(c.arg[0]));
	__u16 family = sk ? BPF_CORE_READ(sk, __sk_common.skc_family) : 0;
	if (family != AF_INET && family != AF_INET6)
		return 0;
	if (scope.datagrams_hooked && BPF_CORE_READ(sk, sk_type) == SOCK_DGRAM)
		return 0;
	struct message m = { .len = c.ret, .sent = is_sent(c.code), .compat = c.compat };
	switch (c.code) {
	case IO_READ:
	case IO_WRITE:
		m.buf = c.arg[1];
		break;
	case DNS_SENDTO:
	case DNS_RECVFROM:
		m.buf = c.arg[1];
		m.peer = c.arg[4];
		break;
	case IO_READV:
	case IO_WRITEV:
		m.iov = c.arg[1];
		m.parts = c.arg[2];
		break;
	case DNS_SENDMSG:
	case DNS_RECVMSG:
		message_header(&m, c.arg[1]);
		break;
	default: {
		struct batch b = { .sk = sk, .at = c.arg[1], .sent = m.sent, .compat = c.compat };
		bpf_loop(c.ret < MESSAGES_MAX ? c.ret : MESSAGES_MAX, batch_step, &b, 0);
		return 0;
	}
	}
	message_send(&m, (__u64)sk, c.ret);
	return 0;
}

char _license[] SEC("license") = "GPL";
