/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A raw WebSocket server on loopback (RFC 6455), a thread a connection, that does what the test
 * tells it: it upgrades, sends frames cut as the test wants them, and keeps what it was sent. A
 * request without an upgrade, and one that is to be refused, gets the answer that is set.
 */
#pragma once
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "k8s/base/buf.h"
#include "tests/unit/socket_server.h"

struct ws_server;

struct ws_peer {
	struct ws_server *server;
	int fd;
	unsigned index; /* the n-th upgrade */
	bool cut;       /* to be closed at once */
};

struct ws_server {
	struct socket_server sockets;
	/* Set before the first connection. */
	bool refuses;                     /* connections, for as long as it lives */
	const char *protocol;             /* chosen in the answer */
	const char *refusal;              /* raw answer to each upgrade; NULL: 101 */
	const char *plain;                /* raw answer to a request without one */
	void (*serve)(struct ws_peer *p); /* after the 101; the connection ends with it */
	/* sockets.mutex guards what follows. */
	unsigned upgrades, plains;
	struct buf heads; /* of all requests */
};

/* How many there were so far. */
static inline unsigned ws_server_upgrades(struct ws_server *s)
{
	pthread_mutex_lock(&s->sockets.mutex);
	unsigned n = s->upgrades;
	pthread_mutex_unlock(&s->sockets.mutex);
	return n;
}

static inline bool ws_server_read(int fd, void *bytes, size_t len)
{
	for (char *p = bytes; len > 0;) {
		ssize_t n = recv(fd, p, len, 0);
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

#define WS_FIN 0x80
#define WS_CONTINUATION 0
#define WS_BINARY 2
#define WS_CLOSE 8
#define WS_PING 9
#define WS_PONG 10

/* opcode with or without WS_FIN. */
static inline void ws_peer_frame(struct ws_peer *p, int opcode, const void *bytes, size_t len)
{
	unsigned char head[10] = { (unsigned char)opcode };
	size_t n = 2;

	if (len < 126) {
		head[1] = (unsigned char)len;
	} else if (len < 65536) {
		head[1] = 126;
		head[2] = (unsigned char)(len >> 8);
		head[3] = (unsigned char)len;
		n = 4;
	} else {
		head[1] = 127;
		for (int i = 0; i < 8; i++)
			head[2 + i] = (unsigned char)((uint64_t)len >> (56 - 8 * i));
		n = 10;
	}
	socket_write(p->fd, head, n);
	socket_write(p->fd, bytes, len);
}

/* A whole message on a channel. */
static inline void ws_peer_send(struct ws_peer *p, int channel, const char *bytes, size_t len)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;

	buf_add_char(&b, (char)channel);
	buf_add(&b, bytes, len);
	ws_peer_frame(p, WS_FIN | WS_BINARY, b.data, b.len);
}

static inline void ws_peer_say(struct ws_peer *p, int channel, const char *text)
{
	ws_peer_send(p, channel, text, strlen(text));
}

static inline void ws_peer_close(struct ws_peer *p)
{
	static const unsigned char normal[] = { 1000 >> 8, 1000 & 255 };

	ws_peer_frame(p, WS_FIN | WS_CLOSE, normal, sizeof(normal));
}

/* One frame, its mask undone, into out (reset before). Opcode, or -1 at the end. */
static inline int ws_peer_receive(struct ws_peer *p, struct buf *out)
{
	unsigned char head[2], more[8], mask[4];

	buf_reset(out);
	if (!ws_server_read(p->fd, head, 2))
		return -1;
	uint64_t len = head[1] & 127;
	int extra = len == 126 ? 2 : len == 127 ? 8 : 0;
	if (!ws_server_read(p->fd, more, (size_t)extra) || !ws_server_read(p->fd, mask, 4))
		return -1;
	for (int i = 0; i < extra; i++)
		len = (i ? len << 8 : 0) | more[i];
	if (buf_reserve(out, len) < 0 || !ws_server_read(p->fd, out->data, len))
		return -1;
	for (uint64_t i = 0; i < len; i++)
		out->data[i] = (char)(out->data[i] ^ mask[i & 3]);
	out->len = len;
	return head[0] & 15;
}

static inline bool ws_server_read_head(int fd, struct buf *head)
{
	char byte;

	while (!strstr(buf_str(head), "\r\n\r\n")) {
		if (recv(fd, &byte, 1, 0) != 1)
			return false;
		buf_add_char(head, byte);
	}
	return true;
}

static inline void ws_server_accept_key(const char *head, char out[32])
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	char text[128] = "";
	const char *key = strcasestr(head, "sec-websocket-key: ");

	if (key)
		snprintf(text, sizeof(text), "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 19);
	SHA1((const unsigned char *)text, strlen(text), digest);
	EVP_EncodeBlock((unsigned char *)out, digest, sizeof(digest));
}

static inline void ws_server_answer(struct ws_peer *p, const char *head)
{
	struct ws_server *s = p->server;
	bool upgrade = strcasestr(head, "upgrade: websocket");
	char reply[300], accept[32];

	pthread_mutex_lock(&s->sockets.mutex);
	buf_add_str(&s->heads, head);
	p->index = upgrade ? s->upgrades++ : s->plains++;
	pthread_mutex_unlock(&s->sockets.mutex);
	if (!upgrade || s->refusal) {
		const char *text = upgrade ? s->refusal : s->plain;
		socket_write(p->fd, text, strlen(text));
		return;
	}
	ws_server_accept_key(head, accept);
	snprintf(reply, sizeof(reply),
		 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
		 "Sec-WebSocket-Protocol: %s\r\n\r\n",
		 accept, s->protocol);
	socket_write(p->fd, reply, strlen(reply));
	s->serve(p);
}

static inline void ws_server_connection(void *data, int fd)
{
	struct ws_peer p = { .server = data, .fd = fd };
	_cleanup_(buf_done) struct buf head = BUF_INIT;

	if (ws_server_read_head(fd, &head))
		ws_server_answer(&p, buf_str(&head));
	/* With bytes unread, a close would be a reset, and take with it what has been sent. */
	if (!p.cut) {
		char rest[4096];
		shutdown(fd, SHUT_WR);
		while (recv(fd, rest, sizeof(rest), 0) > 0)
			;
	}
}

static inline void ws_server_start(struct ws_server *s)
{
	s->sockets = (struct socket_server){ .serve = ws_server_connection, .data = s };
	pthread_mutex_init(&s->sockets.mutex, NULL);
	socket_server_bind(&s->sockets, 0);
	if (!s->refuses)
		socket_server_listen(&s->sockets);
}

static inline void ws_server_stop(struct ws_server *s)
{
	socket_server_stop(&s->sockets);
	buf_done(&s->heads);
	pthread_mutex_destroy(&s->sockets.mutex);
}
