/* SPDX-License-Identifier: Apache-2.0 */
/* A scripted server and a client that is connected to it; one at a time. */
#pragma once
#include "client_fixture.h"

#define OK(body) "HTTP/1.1 200 OK\r\nContent-Length: " body
#define OK2 OK("2\r\n\r\nok")
#define REPLY(line, headers, length, body)                                                         \
	"HTTP/1.1 " line "\r\n" headers "Content-Length: " length "\r\n\r\n" body

struct test {
	struct http_server server;
	struct fixture fixture;
	struct call call;
};

static struct test t; /* of the test under way */

#define setup(...)                                                                                 \
	do {                                                                                       \
		static const struct http_step _steps[] = { __VA_ARGS__ };                          \
		http_server_bind(&t.server);                                                       \
		http_server_listen(&t.server, _steps, ARRAY_SIZE(_steps));                         \
		fixture_init(&t.fixture, t.server.sockets.port);                                   \
	} while (0)

static inline void teardown(void)
{
	fixture_done(&t.fixture);
	http_server_stop(&t.server);
}

static inline int64_t elapsed_ms(int64_t since_ns)
{
	return (clock_monotonic_ns() - since_ns) / CLOCK_NS_PER_MS;
}
