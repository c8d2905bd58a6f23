/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS server with certificates of a CA of its own, and kubeconfigs that lead to it. */
#pragma once
#include "certificates.h"
#include "client_fixture.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct test {
	struct certificate ca, other_ca, server_cert, client_cert;
	struct http_server server;
	struct fixture fixture;
	struct call call;
};

static struct test t; /* of the test under way */

static inline void listen_tls(const char *san, int days, bool client_certificates,
			      const struct http_step *steps, size_t count)
{
	certificate_make(&t.ca, NULL, "test ca", NULL, 10);
	certificate_make(&t.other_ca, NULL, "other ca", NULL, 10);
	certificate_make(&t.server_cert, &t.ca, "apiserver", san, days);
	certificate_make(&t.client_cert, &t.ca, "client", NULL, 10);
	fixture_make_dir(&t.fixture);
	http_server_bind(&t.server);
	t.server.tls = certificate_server(&t.server_cert, client_certificates ? &t.ca : NULL);
	http_server_listen(&t.server, steps, count);
}

static inline void write_config(const char *cluster, const char *user)
{
	_cleanup_(buf_done) struct buf yaml = BUF_INIT;

	buf_printf(&yaml,
		   "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:%d', %s}}]\n"
		   "users: [{name: u, user: {%s}}]\n"
		   "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n",
		   t.server.sockets.port, cluster, user);
	write_file(t.fixture.kubeconfig, buf_str(&yaml));
}

/* "KEY: BASE64, " */
static inline void add_data(struct buf *out, const char *key, const char *pem)
{
	_cleanup_(cleanup_free) char *data = certificate_base64(pem);

	buf_printf(out, "%s: %s, ", key, data);
}

static inline void write_config_with_ca(const char *ca_pem, const char *cluster_more,
					const char *user)
{
	_cleanup_(buf_done) struct buf cluster = BUF_INIT;

	add_data(&cluster, "certificate-authority-data", ca_pem);
	buf_add_str(&cluster, cluster_more);
	write_config(buf_str(&cluster), user);
}

static inline void write_in_dir(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", t.fixture.dir, name);
	write_file(path, text);
}

static inline void stop_server(void)
{
	http_server_stop(&t.server);
	certificate_done(&t.ca);
	certificate_done(&t.other_ca);
	certificate_done(&t.server_cert);
	certificate_done(&t.client_cert);
}

static inline void teardown(void)
{
	fixture_done(&t.fixture);
	stop_server();
}

static const struct http_step ok[] = { { OK } };
