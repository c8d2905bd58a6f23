/* SPDX-License-Identifier: Apache-2.0 */
/*
 * k8s/auth.c, exec_plugin.c through the wire: which credentials arrive, how they are renewed, and
 * what is said when none are good.
 */
#include <sys/stat.h>
#include <time.h>

#include "tls_fixture.h"

#define UNAUTHORIZED "HTTP/1.1 401 Unauthorized\r\nContent-Length: 12\r\n\r\nUnauthorized"

static void client_certificate_from_data_is_presented(void **state)
{
	_cleanup_(buf_done) struct buf user = BUF_INIT;

	(void)state;
	listen_tls("IP:127.0.0.1", 10, true, ok, 1);
	add_data(&user, "client-certificate-data", t.client_cert.cert_pem);
	add_data(&user, "client-key-data", t.client_cert.key_pem);
	write_config_with_ca(t.ca.cert_pem, "", buf_str(&user));
	fixture_connect(&t.fixture);
	get(&t.fixture, &t.call, "/x");
	assert_string_equal(t.call.error, "");
	assert_int_equal(t.call.r, 0);
	teardown();
}

static void client_certificate_from_files_is_presented(void **state)
{
	(void)state;
	listen_tls("IP:127.0.0.1", 10, true, ok, 1);
	write_in_dir("ca.pem", t.ca.cert_pem);
	write_in_dir("client.pem", t.client_cert.cert_pem);
	write_in_dir("client.key", t.client_cert.key_pem);
	write_config("certificate-authority: ca.pem",
		     "client-certificate: client.pem, client-key: client.key");
	fixture_connect(&t.fixture);
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	teardown();
}

static void unauthorized_expired_certificate_is_named(void **state)
{
	static const struct http_step steps[] = { { UNAUTHORIZED } };
	_cleanup_(buf_done) struct buf user = BUF_INIT;
	struct certificate old;

	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, steps, 1);
	certificate_make(&old, &t.ca, "old", NULL, -1);
	add_data(&user, "client-certificate-data", old.cert_pem);
	add_data(&user, "client-key-data", old.key_pem);
	write_config_with_ca(t.ca.cert_pem, "", buf_str(&user));
	fixture_connect(&t.fixture);
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, -EACCES);
	assert_non_null(strstr(t.call.error, "the client certificate of user \"u\" from /tmp/"));
	assert_non_null(strstr(t.call.error, " expired at 20"));
	assert_non_null(strstr(t.call.error, "gives the same credentials as before"));
	assert_int_equal(http_server_requests(&t.server), 1);
	certificate_done(&old);
	teardown();
}

static void unauthorized_expired_token_is_named(void **state)
{
	static const struct http_step steps[] = { { UNAUTHORIZED } };

	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, steps, 1);
	/* {"alg":"none"} . {"exp":1700000000} */
	write_config_with_ca(t.ca.cert_pem, "",
			     "token: eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDAwMDB9.c2ln");
	fixture_connect(&t.fixture);
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, -EACCES);
	assert_non_null(strstr(t.call.error, "the token of user \"u\" from /tmp/"));
	assert_non_null(strstr(t.call.error, "expired at 2023-11-14T22:13:20Z"));
	teardown();
}

static void unauthorized_renewed_token_is_tried_once_more(void **state)
{
	static const struct http_step steps[] = { { UNAUTHORIZED }, { OK } };

	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, steps, 2);
	write_config_with_ca(t.ca.cert_pem, "", "token: first");
	fixture_connect(&t.fixture);
	write_config_with_ca(t.ca.cert_pem, "", "token: second");
	post(&t.fixture, &t.call, "/x", "{}");
	assert_int_equal(t.call.r, 0);
	assert_true(http_server_saw(&t.server, "Authorization: Bearer first\r\n"));
	assert_true(http_server_saw(&t.server, "Authorization: Bearer second\r\n"));
	assert_int_equal(http_server_requests(&t.server), 2);
	teardown();
}

static void unauthorized_of_many_renews_once(void **state)
{
	static const struct http_step steps[] = {
		{ UNAUTHORIZED }, { UNAUTHORIZED }, { UNAUTHORIZED },
		{ UNAUTHORIZED }, { UNAUTHORIZED }, { UNAUTHORIZED },
		{ UNAUTHORIZED }, { UNAUTHORIZED }, { OK }
	};
	static struct call calls[8];

	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, steps, ARRAY_SIZE(steps));
	write_config_with_ca(t.ca.cert_pem, "", "token: first");
	fixture_connect(&t.fixture);
	write_config_with_ca(t.ca.cert_pem, "", "token: second");
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		call_init(&calls[i], &t.fixture, REQUEST_GET, "/x", NULL);
		call_start(&calls[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		call_wait(&calls[i]);
		/* One whose retry came before another's first may meet a second 401. */
		if (calls[i].r != 0)
			assert_int_equal(calls[i].r, -EACCES);
	}
	assert_int_equal(cluster_generation(client_cluster(t.fixture.client)), 1);
	teardown();
}

static void token_file_is_read_again_when_it_changes(void **state)
{
	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, ok, 1);
	write_in_dir("token", "first\n");
	write_config_with_ca(t.ca.cert_pem, "", "token: given, tokenFile: token");
	fixture_connect(&t.fixture);
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	assert_true(http_server_saw(&t.server, "Authorization: Bearer first\r\n"));
	write_in_dir("token", "second\n");
	get(&t.fixture, &t.call, "/x");
	assert_true(http_server_saw(&t.server, "Authorization: Bearer second\r\n"));
	teardown();
}

static void impersonation_headers_are_sent(void **state)
{
	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, ok, 1);
	write_config_with_ca(t.ca.cert_pem, "",
			     "as: alice, as-uid: '7', as-groups: [a, b], "
			     "as-user-extra: {acme/x: [one, two]}");
	fixture_connect(&t.fixture);
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	assert_true(http_server_saw(&t.server, "Impersonate-User: alice\r\n"));
	assert_true(http_server_saw(&t.server, "Impersonate-Uid: 7\r\n"));
	assert_true(http_server_saw(&t.server, "Impersonate-Group: a\r\n"));
	assert_true(http_server_saw(&t.server, "Impersonate-Group: b\r\n"));
	assert_true(http_server_saw(&t.server, "Impersonate-Extra-acme%2Fx: one\r\n"));
	assert_true(http_server_saw(&t.server, "Impersonate-Extra-acme%2Fx: two\r\n"));
	teardown();
}

/* A plugin that prints what file `token` holds and notes each run and its KUBERNETES_EXEC_INFO. */
static void write_plugin(const char *expires)
{
	_cleanup_(buf_done) struct buf script = BUF_INIT;
	char path[128];

	buf_printf(
		&script,
		"#!/bin/sh\ncd \"${0%%/*}\"; echo run >> runs; echo \"$KUBERNETES_EXEC_INFO\" > info\n"
		"echo \"$EXTRA $1\" > arg; read -r token < token\n"
		"[ \"$token\" = hang ] && exec sleep 60\n"
		"[ \"$token\" = fail ] && { echo 'no such account' >&2; exit 3; }\n"
		"printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":"
		"\"ExecCredential\",\"status\":{\"token\":\"%%s\"%s}}' \"$token\"\n",
		expires);
	write_in_dir("plugin", buf_str(&script));
	snprintf(path, sizeof(path), "%s/plugin", t.fixture.dir);
	assert_int_equal(chmod(path, 0700), 0);
}

static const char plugin_user[] =
	"exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, "
	"args: [one], env: [{name: EXTRA, value: two}], provideClusterInfo: true, "
	"interactiveMode: Never}";

static size_t count_runs(void)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/runs", t.fixture.dir);
	return stat(path, &st) < 0 ? 0 : (size_t)st.st_size / strlen("run\n");
}

static void read_in_dir(const char *name, char *out, size_t size)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", t.fixture.dir, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	ssize_t n = read(fd, out, size - 1);
	close(fd);
	assert_true(n >= 0);
	out[n] = '\0';
}

static void exec_plugin_token_is_used_and_cached(void **state)
{
	static char info[8192];

	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, ok, 1);
	write_plugin("");
	write_in_dir("token", "from-plugin\n");
	write_config_with_ca(t.ca.cert_pem, "", plugin_user);
	fixture_connect(&t.fixture);
	get(&t.fixture, &t.call, "/x");
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	assert_true(http_server_saw(&t.server, "Authorization: Bearer from-plugin\r\n"));
	assert_int_equal(count_runs(), 1);
	read_in_dir("info", info, sizeof(info));
	assert_non_null(strstr(info, "\"kind\":\"ExecCredential\",\"spec\":{\"interactive\":false,"
				     "\"cluster\":{\"server\":\"https://127.0.0.1:"));
	assert_non_null(strstr(info, "\"certificate-authority-data\":\"LS0t"));
	read_in_dir("arg", info, sizeof(info));
	assert_string_equal(info, "two one\n");
	teardown();
}

static void exec_plugin_runs_again_after_401(void **state)
{
	static const struct http_step steps[] = { { UNAUTHORIZED }, { OK } };

	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, steps, 2);
	write_plugin("");
	write_in_dir("token", "old\n");
	write_config_with_ca(t.ca.cert_pem, "", plugin_user);
	fixture_connect(&t.fixture);
	write_in_dir("token", "new\n");
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	assert_true(http_server_saw(&t.server, "Authorization: Bearer new\r\n"));
	assert_int_equal(count_runs(), 2);
	teardown();
}

static void exec_plugin_runs_again_when_expired(void **state)
{
	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, ok, 1);
	write_plugin(",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\"");
	write_in_dir("token", "old\n");
	write_config_with_ca(t.ca.cert_pem, "", plugin_user);
	fixture_connect(&t.fixture);
	write_in_dir("token", "new\n");
	get(&t.fixture, &t.call, "/x");
	assert_int_equal(t.call.r, 0);
	assert_false(http_server_saw(&t.server, "Authorization: Bearer old\r\n"));
	assert_true(http_server_saw(&t.server, "Authorization: Bearer new\r\n"));
	teardown();
}

static void exec_plugin_hanging_does_not_hold_the_loop(void **state)
{
	static const struct http_step steps[] = { { UNAUTHORIZED }, { OK } };
	static struct call other;
	int64_t start_ns = clock_monotonic_ns();

	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, steps, 2);
	write_plugin("");
	write_in_dir("token", "old\n");
	write_config_with_ca(t.ca.cert_pem, "", plugin_user);
	fixture_connect(&t.fixture);
	write_in_dir("token", "hang\n");
	call_init(&t.call, &t.fixture, REQUEST_GET, "/x", NULL);
	t.call.timeout_ms = 1000;
	call_start(&t.call);
	wait_until(count_runs() == 2);
	get(&t.fixture, &other, "/y");
	assert_int_equal(other.r, 0);
	call_wait(&t.call);
	assert_int_equal(t.call.r, -EACCES);
	/* Freeing the client kills it. */
	teardown();
	assert_true(clock_monotonic_ns() - start_ns < 5 * CLOCK_NS_PER_S);
}

static void exec_plugin_failure_is_told_in_its_words(void **state)
{
	const struct cluster_source source = { .path = t.fixture.kubeconfig };
	struct error e = ERROR_INIT;
	struct cluster *c;

	(void)state;
	listen_tls("IP:127.0.0.1", 10, false, ok, 1);
	write_plugin("");
	write_in_dir("token", "fail\n");
	write_config_with_ca(t.ca.cert_pem, "", plugin_user);
	assert_int_equal(cluster_load(&source, &c, &e), -EACCES);
	assert_non_null(strstr(e.text, "ended with code 3: no such account"));
	write_config_with_ca(
		t.ca.cert_pem, "",
		"exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./plugin}");
	write_in_dir("token", "x\n");
	assert_int_equal(cluster_load(&source, &c, &e), -EINVAL);
	assert_non_null(strstr(e.text, "answered in \"client.authentication.k8s.io/v1\""));
	write_config_with_ca(
		t.ca.cert_pem, "",
		"exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, "
		"installHint: get it}");
	assert_int_equal(cluster_load(&source, &c, &e), -ENOENT);
	assert_non_null(strstr(e.text, "no-such-plugin: No such file or directory; get it"));
	fixture_remove_dir(&t.fixture);
	stop_server();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_certificate_from_data_is_presented),
		cmocka_unit_test(client_certificate_from_files_is_presented),
		cmocka_unit_test(unauthorized_expired_certificate_is_named),
		cmocka_unit_test(unauthorized_expired_token_is_named),
		cmocka_unit_test(unauthorized_renewed_token_is_tried_once_more),
		cmocka_unit_test(unauthorized_of_many_renews_once),
		cmocka_unit_test(token_file_is_read_again_when_it_changes),
		cmocka_unit_test(impersonation_headers_are_sent),
		cmocka_unit_test(exec_plugin_token_is_used_and_cached),
		cmocka_unit_test(exec_plugin_runs_again_after_401),
		cmocka_unit_test(exec_plugin_runs_again_when_expired),
		cmocka_unit_test(exec_plugin_hanging_does_not_hold_the_loop),
		cmocka_unit_test(exec_plugin_failure_is_told_in_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
