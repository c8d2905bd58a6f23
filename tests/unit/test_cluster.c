/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/cluster.c through the wire: whom TLS trusts, and what is said when it trusts nobody. */
#include "tls_fixture.h"

static void assert_tls_error(const char *words)
{
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, -EPROTO);
	assert_false(t.call.ambiguous);
	if (!strstr(t.call.error, words))
		fail_msg("\"%s\" lacks \"%s\"", t.call.error, words);
	assert_int_equal(http_server_requests(&t.server), 0);
	assert_false(client_away(t.fixture.client, NULL));
}

static void tls_known_ca_is_trusted(void **state)
{
	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, ok, 1);
	write_config_with_ca(t.ca.cert_pem, "", "");
	fixture_connect(&t.fixture);
	get(&t.fixture, &t.call, "/x");
	assert_string_equal(t.call.error, "");
	assert_int_equal(t.call.r, 0);
	teardown();
}

static void tls_any_of_several_cas_is_trusted(void **state)
{
	_cleanup_(buf_done) struct buf bundle = BUF_INIT;

	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, ok, 1);
	buf_printf(&bundle, "%s%s", t.other_ca.cert_pem, t.ca.cert_pem);
	write_config_with_ca(buf_str(&bundle), "", "");
	fixture_connect(&t.fixture);
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	teardown();
}

static void tls_other_ca_is_not_trusted(void **state)
{
	char words[192];

	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, ok, 1);
	write_config_with_ca(t.other_ca.cert_pem, "", "");
	fixture_connect(&t.fixture);
	snprintf(words, sizeof(words), "is not trusted by the CA of %s", t.fixture.kubeconfig);
	assert_tls_error(words);
	teardown();
}

static void tls_ca_changed_on_disk_is_read_again(void **state)
{
	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, ok, 1);
	write_config_with_ca(t.other_ca.cert_pem, "", "");
	fixture_connect(&t.fixture);
	write_config_with_ca(t.ca.cert_pem, "", "");
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, 0);
	assert_int_equal(http_server_requests(&t.server), 1);
	teardown();
}

static void tls_expired_certificate_is_refused(void **state)
{
	(void)state;
	listen_tls("IP:127.0.0.1", -1, false, ok, 1);
	write_config_with_ca(t.ca.cert_pem, "", "");
	fixture_connect(&t.fixture);
	assert_tls_error("certificate has expired");
	teardown();
}

static void tls_wrong_name_is_refused(void **state)
{
	(void)state;
	listen_tls("DNS:kubernetes.example", 10, false, ok, 1);
	write_config_with_ca(t.ca.cert_pem, "", "");
	fixture_connect(&t.fixture);
	assert_tls_error("is for another name");
	teardown();
}

static void tls_server_name_is_what_is_verified(void **state)
{
	char host[64];

	(void)state;
	listen_tls("DNS:kubernetes.example", 10, false, ok, 1);
	write_config_with_ca(t.ca.cert_pem, "tls-server-name: kubernetes.example", "");
	fixture_connect(&t.fixture);
	get(&t.fixture, &t.call, "/x");
	assert_string_equal(t.call.error, "");
	assert_int_equal(t.call.r, 0);
	snprintf(host, sizeof(host), "Host: 127.0.0.1:%d\r\n", t.server.sockets.port);
	assert_true(http_server_saw(&t.server, host));
	teardown();
}

static void tls_insecure_verifies_nothing(void **state)
{
	(void)state;
	listen_tls("DNS:kubernetes.example", -1, false, ok, 1);
	write_config("insecure-skip-tls-verify: true", "");
	fixture_connect(&t.fixture);
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	teardown();
}

static void tls_plain_http_server_is_eproto(void **state)
{
	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, ok, 1);
	t.server.plain = true;
	write_config_with_ca(t.ca.cert_pem, "", "");
	fixture_connect(&t.fixture);
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, -EPROTO);
	assert_false(client_away(t.fixture.client, NULL));
	teardown();
}

static void tls_hanging_handshake_is_away(void **state)
{
	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, ok, 1);
	t.server.handshake_stalls = true;
	write_config_with_ca(t.ca.cert_pem, "", "");
	fixture_connect(&t.fixture);
	call_init(&t.call, &t.fixture, REQUEST_POST, "/x", "{}");
	t.call.timeout_ms = 300;
	call_run(&t.call);
	assert_int_equal(t.call.r, -ETIMEDOUT);
	assert_false(t.call.ambiguous);
	assert_true(client_away(t.fixture.client, NULL));
	teardown();
}

static void proxy_url_is_used(void **state)
{
	char yaml[512];

	(void)state;
	fixture_make_dir(&t.fixture);
	http_server_bind(&t.server);
	http_server_listen(&t.server, ok, 1);
	/* TEST-NET-1: nobody else would answer. */
	snprintf(yaml, sizeof(yaml),
		 "clusters: [{name: c, cluster: {server: 'http://192.0.2.1:8001', "
		 "proxy-url: 'http://127.0.0.1:%d'}}]\n"
		 "contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n",
		 t.server.sockets.port);
	write_file(t.fixture.kubeconfig, yaml);
	fixture_connect(&t.fixture);
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	assert_true(http_server_saw(&t.server, "GET http://192.0.2.1:8001/x HTTP/1.1"));
	teardown();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_known_ca_is_trusted),
		cmocka_unit_test(tls_any_of_several_cas_is_trusted),
		cmocka_unit_test(tls_other_ca_is_not_trusted),
		cmocka_unit_test(tls_ca_changed_on_disk_is_read_again),
		cmocka_unit_test(tls_expired_certificate_is_refused),
		cmocka_unit_test(tls_wrong_name_is_refused),
		cmocka_unit_test(tls_server_name_is_what_is_verified),
		cmocka_unit_test(tls_insecure_verifies_nothing),
		cmocka_unit_test(tls_plain_http_server_is_eproto),
		cmocka_unit_test(tls_hanging_handshake_is_away),
		cmocka_unit_test(proxy_url_is_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
