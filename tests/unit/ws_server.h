/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A raw WebSocket server on loopback (RFC 6455), a thread a connection, that does what the test
 * tells it: it upgrades, sends frames cut as the test wants them, and keeps what it was sent. A
 * request without an upgrade, and one that is to be refused, gets the answer that is set.
 */
#pragma once
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "k8s/base/buf.h"

struct ws_server;

struct ws_peer {
	struct ws_server *server;
	int fd;
	unsigned index; /* the n-th upgrade */
	bool cut;       /* to be closed at once */
};

struct ws_server {
	int fd, port;
	/* Set before the first connection. */
	const char *protocol;             /* chosen in the answer */
	const char *refusal;              /* raw answer to each upgrade; NULL: 101 */
	const char *plain;                /* raw answer to a request without one */
	void (*serve)(struct ws_peer *p); /* after the 101; the connection ends with it */
	pthread_t thread;
	pthread_mutex_t mutex; /* guards what follows */
	bool stopping;
	unsigned upgrades, plains;
	struct buf heads; /* of all requests */
	int fds[128];
	pthread_t threads[128];
	unsigned n;
};

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

static inline void ws_server_write(int fd, const void *bytes, size_t len)
{
	for (const char *p = bytes; len > 0;) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
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
	ws_server_write(p->fd, head, n);
	ws_server_write(p->fd, bytes, len);
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

	pthread_mutex_lock(&s->mutex);
	buf_add_str(&s->heads, head);
	p->index = upgrade ? s->upgrades++ : s->plains++;
	pthread_mutex_unlock(&s->mutex);
	if (!upgrade || s->refusal) {
		const char *text = upgrade ? s->refusal : s->plain;
		ws_server_write(p->fd, text, strlen(text));
		return;
	}
	ws_server_accept_key(head, accept);
	snprintf(reply, sizeof(reply),
		 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
		 "Sec-WebSocket-Protocol: %s\r\n\r\n",
		 accept, s->protocol);
	ws_server_write(p->fd, reply, strlen(reply));
	s->serve(p);
}

static inline void *ws_server_connection(void *arg)
{
	struct ws_peer *p = arg;
	struct ws_server *s = p->server;
	_cleanup_(buf_done) struct buf head = BUF_INIT;

	if (ws_server_read_head(p->fd, &head))
		ws_server_answer(p, buf_str(&head));
	/* With bytes unread, a close would be a reset, and take with it what has been sent. */
	if (!p->cut) {
		char rest[4096];
		shutdown(p->fd, SHUT_WR);
		while (recv(p->fd, rest, sizeof(rest), 0) > 0)
			;
	}
	/* Closed under the lock, so that ws_server_stop() cannot shut a reused number down. */
	pthread_mutex_lock(&s->mutex);
	for (unsigned i = 0; i < s->n; i++)
		if (s->fds[i] == p->fd)
			s->fds[i] = -1;
	close(p->fd);
	pthread_mutex_unlock(&s->mutex);
	free(p);
	return NULL;
}

static inline void *ws_server_accept(void *arg)
{
	struct ws_server *s = arg;

	for (;;) {
		int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
		pthread_mutex_lock(&s->mutex);
		bool stop = fd < 0 || s->stopping || s->n == 128;
		if (!stop) {
			struct ws_peer *p = calloc(1, sizeof(*p));
			*p = (struct ws_peer){ .server = s, .fd = fd };
			s->fds[s->n] = fd;
			pthread_create(&s->threads[s->n++], NULL, ws_server_connection, p);
		}
		pthread_mutex_unlock(&s->mutex);
		if (!stop)
			continue;
		if (fd >= 0)
			close(fd);
		return NULL;
	}
}

static inline void ws_server_start(struct ws_server *s)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	pthread_mutex_init(&s->mutex, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(s->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockname(s->fd, (struct sockaddr *)&address, &len) < 0 || listen(s->fd, 128) < 0)
		abort();
	s->port = ntohs(address.sin_port);
	pthread_create(&s->thread, NULL, ws_server_accept, s);
}

static inline void ws_server_stop(struct ws_server *s)
{
	pthread_mutex_lock(&s->mutex);
	s->stopping = true;
	for (unsigned i = 0; i < s->n; i++)
		if (s->fds[i] >= 0)
			shutdown(s->fds[i], SHUT_RDWR);
	pthread_mutex_unlock(&s->mutex);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	for (unsigned i = 0; i < s->n; i++)
		pthread_join(s->threads[i], NULL);
	close(s->fd);
	buf_done(&s->heads);
	pthread_mutex_destroy(&s->mutex);
}
