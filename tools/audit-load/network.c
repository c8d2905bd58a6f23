/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets and DNS over loopback; the answers come from a name server that is this process. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/audit-load/load.h"

static int made(int family, int type)
{
	int fd = load_call(SYS_socket, family, type, 0);
	if (fd >= 0)
		load_did(SEEN_ALWAYS, "network_socket", "", SYS_socket);
	return fd;
}

static int connected(int fd, const void *to, unsigned len)
{
	load_did(SEEN_ALWAYS, "network_connect", "", SYS_connect);
	return load_call(SYS_connect, fd, to, len);
}

static void listens(int fd)
{
	if (!load_call(SYS_listen, fd, 5))
		load_did(SEEN_ALWAYS, "network_listen", "", SYS_listen);
}

static void accepts(int fd, int call)
{
	int got = load_call(call, fd, NULL, NULL, 0);
	if (got >= 0)
		load_did(SEEN_ALWAYS, "network_accept", "", call);
	close(got);
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((unsigned short)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void tcp(int call)
{
	struct sockaddr_in a = loopback(0);
	unsigned len = sizeof(a);
	int server = made(AF_INET, SOCK_STREAM), client = made(AF_INET, SOCK_STREAM);
	if (bind(server, (void *)&a, len) || getsockname(server, (void *)&a, &len))
		return;
	listens(server);
	if (!connected(client, &a, len))
		accepts(server, call);
	close(server);
	close(client);
}

static void tcp6(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	unsigned len = sizeof(a);
	int server = made(AF_INET6, SOCK_STREAM), client = made(AF_INET6, SOCK_STREAM);
	if (!bind(server, (void *)&a, len) && !getsockname(server, (void *)&a, &len)) {
		listens(server);
		if (!connected(client, &a, len))
			accepts(server, SYS_accept4);
	}
	close(server);
	close(client);
}

static void local(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int server = made(AF_UNIX, SOCK_STREAM), client = made(AF_UNIX, SOCK_STREAM);
	if (!bind(server, (void *)&a, sizeof(a))) {
		/* its name is made by the call that binds it */
		load_did(SEEN_BY_HOOKS, "file_metadata", "mknod", SYS_bind);
		listens(server);
		if (!connected(client, &a, sizeof(a)))
			accepts(server, SYS_accept);
		if (!load_call(SYS_unlink, "socket"))
			load_did(SEEN_ALWAYS, "file_metadata", "unlink", SYS_unlink);
	}
	close(server);
	close(client);
}

/* By numbers of the 32-bit table: one call in place of all. */
static void compat(void)
{
	unsigned *low = load_low(4096);
	low[0] = AF_INET;
	low[1] = SOCK_DGRAM;
	low[2] = 0;
	int fd = load_compat(102, 1, (long)low, 0, 0, 0);
	if (fd < 0)
		return;
	load_did(SEEN_ALWAYS, "network_socket", "", LOAD_COMPAT | 102);
	*(struct sockaddr_in *)(low + 16) = loopback(9);
	low[0] = fd;
	low[1] = (unsigned)(long)(low + 16);
	low[2] = sizeof(struct sockaddr_in);
	load_did(SEEN_ALWAYS, "network_connect", "", LOAD_COMPAT | 102);
	load_compat(102, 3, (long)low, 0, 0, 0);
	close(fd);
}

void network_do(void)
{
	tcp(SYS_accept);
	tcp(SYS_accept4);
	tcp6();
	local();
	struct sockaddr_in nobody = loopback(1);
	int fd = made(AF_INET, SOCK_STREAM);
	connected(fd, &nobody, sizeof(nobody)); /* refused */
	close(fd);
	if (load_has_compat())
		compat();
}

static const char question[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
			       "\x07"
			       "example"
			       "\x03"
			       "com"
			       "\x00\x00\x01\x00\x01";
#define QUESTION ((void *)(unsigned long)question)
#define QUESTION_LEN (sizeof(question) - 1)

static void query(int call, int ret, unsigned n)
{
	for (unsigned i = 0; ret > 0 && i < n; i++)
		load_did(SEEN_ALWAYS, "dns_query", "", call);
}

static void queries(int fd, const struct sockaddr_in *server)
{
	struct iovec whole = { QUESTION, QUESTION_LEN };
	struct iovec parts[2] = { { QUESTION, 12 }, { (char *)QUESTION + 12, QUESTION_LEN - 12 } };
	struct sockaddr_in to = *server;
	struct msghdr message = {
		.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = parts, .msg_iovlen = 2
	};
	struct mmsghdr two[2] = { { .msg_hdr = { .msg_iov = &whole, .msg_iovlen = 1 } },
				  { .msg_hdr = { .msg_iov = parts, .msg_iovlen = 2 } } };
	query(SYS_sendto, load_call(SYS_sendto, fd, question, QUESTION_LEN, 0, &to, sizeof(to)), 1);
	query(SYS_sendmsg, load_call(SYS_sendmsg, fd, &message, 0), 1);
	connected(fd, &to, sizeof(to));
	query(SYS_sendto, load_call(SYS_sendto, fd, question, QUESTION_LEN, 0, NULL, 0), 1);
	query(SYS_write, load_call(SYS_write, fd, question, QUESTION_LEN), 1);
	query(SYS_writev, load_call(SYS_writev, fd, parts, 2), 1);
	query(SYS_sendmmsg, load_call(SYS_sendmmsg, fd, two, 2, 0), 2);
}

static void answers(int server, int client)
{
	struct sockaddr_in to;
	unsigned len = sizeof(to);
	char buf[512];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct mmsghdr one = { .msg_hdr = message };
	if (getsockname(client, (void *)&to, &len))
		return;
	for (int i = 0; i < 5; i++)
		load_call(SYS_sendto, server, question, QUESTION_LEN, 0, &to, len);
	const int calls[] = { SYS_recvfrom, SYS_read, SYS_readv, SYS_recvmsg, SYS_recvmmsg };
	const long got[] = { load_call(SYS_recvfrom, client, buf, sizeof(buf), 0, NULL, NULL),
			     load_call(SYS_read, client, buf, sizeof(buf)),
			     load_call(SYS_readv, client, &iov, 1),
			     load_call(SYS_recvmsg, client, &message, 0),
			     load_call(SYS_recvmmsg, client, &one, 1, 0, NULL) };
	for (unsigned i = 0; i < 5; i++)
		if (got[i] > 0)
			load_did(SEEN_ALWAYS, "dns_response", "", calls[i]);
}

static void over_udp6(void)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_port = htons(53),
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int server = made(AF_INET6, SOCK_DGRAM), fd = made(AF_INET6, SOCK_DGRAM);
	if (!bind(server, (void *)&a, sizeof(a)))
		query(SYS_sendto,
		      load_call(SYS_sendto, fd, question, QUESTION_LEN, 0, &a, sizeof(a)), 1);
	close(server);
	close(fd);
}

static void over_tcp(void)
{
	struct sockaddr_in a = loopback(53);
	int server = made(AF_INET, SOCK_STREAM), client = made(AF_INET, SOCK_STREAM), on = 1;
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!bind(server, (void *)&a, sizeof(a))) {
		listens(server);
		if (!connected(client, &a, sizeof(a)))
			accepts(server, SYS_accept4);
		query(SYS_write, load_call(SYS_write, client, question, QUESTION_LEN), 1);
	}
	close(server);
	close(client);
}

void network_do_dns(void)
{
	struct sockaddr_in a = loopback(53);
	int server = made(AF_INET, SOCK_DGRAM), client = made(AF_INET, SOCK_DGRAM);
	int bound = !bind(server, (void *)&a, sizeof(a));
	/* without a server the first query is answered by an error that fails the next */
	if (bound) {
		queries(client, &a);
		answers(server, client);
		over_udp6();
		over_tcp();
	} else {
		query(SYS_sendto,
		      load_call(SYS_sendto, client, question, QUESTION_LEN, 0, &a, sizeof(a)), 1);
	}
	close(server);
	close(client);
}
