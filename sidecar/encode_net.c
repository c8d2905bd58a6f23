/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets, connections, and what is asked of and answered by the DNS. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "sidecar/dns.h"
#include "sidecar/encode_parts.h"
#include "sidecar/names.h"

static void add_ip(struct line *l, uint32_t family, const uint8_t *bytes)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop((int)family, bytes, text, sizeof(text));
	encode_parts_word(l, text);
}

static bool has_ip(uint32_t family)
{
	return family == AF_INET || family == AF_INET6;
}

static void add_remote(const struct encoder *c, struct line *l, const struct event *ev)
{
	const struct event_net *n = &ev->net;

	if (!has_ip(n->family))
		return;
	line_key(l, "remote_ip");
	add_ip(l, n->family, n->remote);
	line_key_unsigned(l, "remote_port", n->remote_port);
	const char *name =
		c->names ? names_find(c->names, (uint8_t)n->family, n->remote, (int64_t)ev->time_ns)
			 : NULL;
	if (!name)
		return;
	line_key(l, "hostname");
	line_string(l, name, strlen(name), DNS_NAME_MAX + 2);
}

static void add_local(struct line *l, const struct event_net *n)
{
	if (!has_ip(n->family))
		return;
	line_key(l, "local_ip");
	add_ip(l, n->family, n->local);
	line_key_unsigned(l, "local_port", n->local_port);
}

static void add_socket(struct line *l, const struct event_net *n)
{
	line_key_unsigned(l, "domain", n->family);
	line_key_unsigned(l, "socket_type", n->kind);
	line_key_unsigned(l, "protocol", n->protocol);
	if (n->cookie)
		line_key_unsigned(l, "socket", n->cookie);
}

void encode_net_add(const struct encoder *c, const struct event *ev, struct line *l)
{
	const struct event_net *n = &ev->net;

	if (ev->type == EVENT_SOCKET)
		add_socket(l, n);
	if (ev->type != EVENT_SOCKET)
		line_key_signed(l, "fd", n->fd);
	else
		encode_parts_fd(l, n->fd);
	if (ev->type == EVENT_CONNECT || ev->type == EVENT_ACCEPT)
		add_remote(c, l, ev);
	if (ev->type == EVENT_LISTEN || ev->type == EVENT_ACCEPT)
		add_local(l, n);
	if (ev->type == EVENT_LISTEN)
		line_key_unsigned(l, "backlog", n->backlog);
	if (ev->text_len[0] > 0)
		encode_parts_first_path(l, ev, ENCODE_PARTS_PATH);
	if (ev->type != EVENT_SOCKET)
		add_socket(l, n);
	encode_parts_result(l, ev, n->result);
}

static void add_addresses(struct line *l, const struct dns_message *m)
{
	line_key(l, "addresses");
	line_open(l, "[");
	for (unsigned i = 0; i < m->count; i++) {
		line_comma(l);
		add_ip(l, m->addresses[i].family, m->addresses[i].bytes);
	}
	line_shut(l, "]");
	line_key_unsigned(l, "ttl", m->ttl);
	if (m->more)
		line_key_unsigned(l, "more_addresses", m->more);
	line_key_unsigned(l, "rcode", m->code);
}

void encode_net_add_dns(const struct encoder *c, const struct event *ev, struct line *l)
{
	const struct event_net *n = &ev->net;
	struct dns_message m;
	size_t len;
	const uint8_t *bytes = (const uint8_t *)event_text(ev, 0, &len);
	size_t prefix = n->protocol == IPPROTO_TCP ? 2 : 0; /* the length, RFC 1035 4.2.2 */
	int r = len < prefix ? -EBADMSG : dns_parse(bytes + prefix, len - prefix, &m);

	line_key(l, "query");
	line_string(l, m.name, r < 0 ? 0 : strlen(m.name), DNS_NAME_MAX + 2);
	if (r == 0) {
		const char *type = dns_type_name(m.type);

		if (ev->type == EVENT_DNS_RESPONSE)
			add_addresses(l, &m);
		line_key(l, "query_type");
		if (type)
			encode_parts_word(l, type);
		else
			line_unsigned(l, m.type);
		if (m.questions > 1)
			line_key_unsigned(l, "questions", m.questions);
		if (ev->type == EVENT_DNS_RESPONSE && c->names)
			names_add(c->names, &m, (int64_t)ev->time_ns);
	} else {
		line_key_true(l, "malformed", true);
		line_key_unsigned(l, "payload", n->payload);
	}
	if (has_ip(n->family)) {
		line_key(l, "server_ip");
		add_ip(l, n->family, n->remote);
		line_key_unsigned(l, "server_port", n->remote_port);
	}
	line_key_true(l, "dns_partial", (ev->flags & EVENT_DNS_PARTIAL) || (r == 0 && m.partial));
	encode_parts_result(l, ev, n->result);
}
