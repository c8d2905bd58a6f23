/* SPDX-License-Identifier: Apache-2.0 */
/*
 * k8s/kubeconfig*.c: which file, the merge rules, what each field means, and the sentences for what
 * is missing, malformed or unreadable. The wire is test_auth.c's.
 */
#include <sys/stat.h>
#include <sys/wait.h>

#include "certificates.h"
#include "client_fixture.h"
#include "k8s/cluster_private.h"

static struct fixture fixture;
static struct cluster *loaded;
static struct error error;

static void path_in_dir(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s/%s", fixture.dir, name);
}

static void write_in_dir(const char *name, const char *text)
{
	char path[160];

	path_in_dir(path, sizeof(path), name);
	write_file(path, text);
}

static int load(const char *path, const char *context)
{
	const struct cluster_source source = { .path = path, .context = context };

	cluster_free(loaded);
	loaded = NULL;
	error = (struct error)ERROR_INIT;
	return cluster_load(&source, &loaded, &error);
}

/* Loads text as a file. */
static int load_text(const char *text)
{
	write_file(fixture.kubeconfig, text);
	return load(fixture.kubeconfig, NULL);
}

/* One cluster, user and context, whose fields are given. */
static int load_fields(const char *cluster, const char *user)
{
	_cleanup_(buf_done) struct buf yaml = BUF_INIT;

	buf_printf(&yaml,
		   "clusters: [{name: c, cluster: {%s}}]\nusers: [{name: u, user: {%s}}]\n"
		   "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n",
		   cluster, user);
	return load_text(buf_str(&yaml));
}

static void assert_sentence(int r, int code, const char *words)
{
	assert_int_equal(r, -code);
	if (!strstr(error.text, words))
		fail_msg("\"%s\" lacks \"%s\"", error.text, words);
}

static int setup(void **state)
{
	(void)state;
	fixture_make_dir(&fixture);
	unsetenv("KUBECONFIG");
	unsetenv("SUDO_USER");
	unsetenv("KUBERNETES_SERVICE_HOST");
	setenv("HOME", fixture.dir, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cluster_free(loaded);
	loaded = NULL;
	fixture_remove_dir(&fixture);
	return 0;
}

static void load_plain_file_gives_all_names(void **state)
{
	(void)state;
	assert_int_equal(
		load_text(
			"apiVersion: v1\nkind: Config\npreferences: {}\n"
			"clusters:\n- name: c\n  cluster:\n    server: https://example:6443/k8s/c1/\n"
			"contexts:\n- name: x\n  context: {cluster: c, user: u, namespace: n}\n"
			"users:\n- name: u\n  user: {token: t}\ncurrent-context: x\n"),
		0);
	assert_string_equal(cluster_server(loaded), "https://example:6443/k8s/c1");
	assert_string_equal(cluster_namespace(loaded), "n");
	assert_string_equal(cluster_context(loaded), "x");
	assert_string_equal(cluster_source_name(loaded), fixture.kubeconfig);
	assert_string_equal(loaded->auth.token, "t");
}

static void load_json_file_is_yaml(void **state)
{
	(void)state;
	assert_int_equal(
		load_text(
			"{\"current-context\":\"x\",\"clusters\":[{\"name\":\"c\",\"cluster\":"
			"{\"server\":\"https://h:1\"}}],\"contexts\":[{\"name\":\"x\",\"context\":"
			"{\"cluster\":\"c\"}}],\"users\":null}"),
		0);
	assert_null(cluster_namespace(loaded));
}

static void load_several_files_first_definition_wins_whole(void **state)
{
	_cleanup_(buf_done) struct buf paths = BUF_INIT;

	(void)state;
	write_in_dir("one", "clusters: [{name: c, cluster: {server: 'https://one:1'}}]\n"
			    "users: [{name: u, user: {token: one}}]\n");
	write_in_dir(
		"two",
		"clusters: [{name: c, cluster: {server: 'https://two:1', proxy-url: 'http://p:1'}}]\n"
		"users: [{name: u, user: {token: two, as: x}}]\ncurrent-context: x\n"
		"contexts: [{name: x, context: {cluster: c, user: u}}]\n");
	write_in_dir("three", "current-context: y\ncontexts: [{name: y, context: {cluster: c}}]\n");
	buf_printf(&paths, "%s/missing::%s/one:%s/two:%s/one:%s/three", fixture.dir, fixture.dir,
		   fixture.dir, fixture.dir, fixture.dir);
	assert_int_equal(load(buf_str(&paths), NULL), 0);
	assert_string_equal(cluster_context(loaded), "x");
	assert_string_equal(cluster_server(loaded), "https://one:1");
	assert_string_equal(loaded->auth.token, "one");
	assert_null(loaded->proxy_url);
	assert_null(loaded->impersonate);
	assert_int_equal(load(buf_str(&paths), "y"), 0);
	assert_string_equal(cluster_context(loaded), "y");
	assert_null(loaded->auth.token);
}

static void load_default_source_is_the_first_that_exists(void **state)
{
	static const char text[] =
		"clusters: [{name: c, cluster: {server: 'https://%s:1'}}]\n"
		"contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n";
	char path[160], yaml[512];

	(void)state;
	if (access("/etc/rancher/k3s/k3s.yaml", F_OK) == 0)
		skip();
	assert_sentence(load(NULL, NULL), ENOENT,
			"$KUBECONFIG is not set, neither /etc/rancher/k3s/k3s.yaml "
			"nor /tmp/weaverfs-test-");
	path_in_dir(path, sizeof(path), ".kube");
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(yaml, sizeof(yaml), text, "home");
	write_in_dir(".kube/config", yaml);
	assert_int_equal(load(NULL, NULL), 0);
	assert_string_equal(cluster_server(loaded), "https://home:1");

	snprintf(yaml, sizeof(yaml), text, "env");
	write_in_dir("env", yaml);
	path_in_dir(path, sizeof(path), "env");
	setenv("KUBECONFIG", path, 1);
	assert_int_equal(load(NULL, NULL), 0);
	assert_string_equal(cluster_server(loaded), "https://env:1");
	setenv("KUBECONFIG", "/no/such/file", 1);
	assert_int_equal(load(NULL, NULL), 0);
	assert_string_equal(cluster_server(loaded), "https://home:1");
}

/* A daemon changes directory, and reads the file again later. */
static void load_relative_path_is_made_absolute(void **state)
{
	_cleanup_(cleanup_free) char *here = getcwd(NULL, 0);

	(void)state;
	assert_int_equal(load_fields("server: 'https://h'", ""), 0);
	assert_int_equal(chdir(fixture.dir), 0);
	int r = load("gone:./config", NULL);
	assert_int_equal(chdir(here), 0);
	assert_int_equal(r, 0);
	assert_string_equal(cluster_source_name(loaded), fixture.kubeconfig);
	assert_sentence(load("", NULL), EINVAL, "no file is named");
}

static void load_named_missing_file_is_enoent(void **state)
{
	(void)state;
	assert_sentence(load("/no/such/file", NULL), ENOENT, "/no/such/file: no such kubeconfig");
}

static void load_bad_yaml_names_line_and_column(void **state)
{
	char words[160];

	(void)state;
	snprintf(words, sizeof(words), "%s:3:", fixture.kubeconfig);
	assert_sentence(load_text("clusters:\n- name: c\n\tcluster: x\n"), EINVAL, words);
	assert_sentence(load_text("clusters: {a: [\n"), EINVAL, fixture.kubeconfig);
	assert_sentence(load_text("clusters: \xff\xfe\n"), EINVAL, "byte");
	assert_sentence(load_text("current-context: x\ncontexts:\n  x: {}\n"), EINVAL,
			":3:3: contexts: expected a list");
	assert_sentence(load_text("current-context: [x]\n"), EINVAL,
			":1:18: current-context: expected a text");
	assert_sentence(load_text("- a\n"), EINVAL, ":1:1: expected a mapping");
}

static void load_missing_pieces_are_named(void **state)
{
	(void)state;
	assert_sentence(load_text(""), EINVAL, "has no current-context");
	assert_sentence(
		load_text("contexts: [{name: a, context: {}}, {name: b}]\ncurrent-context: x\n"),
		EINVAL, "no context is named \"x\"; there is \"a\", \"b\"");
	assert_sentence(load_text(
				"contexts: [{name: x, context: {user: u}}]\ncurrent-context: x\n"),
			EINVAL, "context \"x\" names no cluster");
	assert_sentence(
		load_text("contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n"),
		EINVAL, "no cluster is named \"c\"; there is none");
	assert_sentence(load_fields("", ""), EINVAL, "has no server");
	assert_sentence(
		load_text(
			"contexts: [{name: x, context: {cluster: c, user: v}}]\ncurrent-context: x\n"
			"clusters: [{name: c, cluster: {server: 'https://h:1'}}]\n"),
		EINVAL, "no user is named \"v\"");
}

static void load_bad_fields_are_refused(void **state)
{
	(void)state;
	assert_sentence(load_fields("server: h:6443", ""), EINVAL, "expected https://HOST:PORT");
	assert_sentence(load_fields("server: 'ftp://h'", ""), EINVAL, "expected https://HOST:PORT");
	assert_sentence(load_fields("server: 'https://u:p@h'", ""), EINVAL,
			"host, port and path only");
	assert_sentence(load_fields("server: 'https://h', insecure-skip-tls-verify: maybe", ""),
			EINVAL, "expected true or false");
	assert_sentence(load_fields("server: 'https://h', proxy-url: 'gopher://p'", ""), EINVAL,
			"expected http, https or socks5");
	assert_sentence(load_fields("server: 'https://h', certificate-authority-data: '!'", ""),
			EINVAL, "certificate-authority-data: no base64");
	assert_sentence(load_fields("server: 'https://h', certificate-authority-data: aGVsbG8=",
				    ""),
			EINVAL, "holds no PEM certificate");
	assert_sentence(load_fields("server: 'https://h', certificate-authority: gone.pem", ""),
			ENOENT, "gone.pem: No such file");
	assert_sentence(load_fields("server: 'https://h'", "token: 'a b'"), EINVAL,
			"blank or control");
	assert_sentence(load_fields("server: 'https://h'", "as-uid: x"), EINVAL, "need `as`");
	assert_sentence(load_fields("server: 'https://h'", "as: \"a\\r\\nX: y\""), EINVAL,
			"control character");
	assert_sentence(load_fields("server: 'https://h'", "exec: {apiVersion: v1, command: x}"),
			EINVAL, "expected client.authentication.k8s.io/v1");
	assert_sentence(
		load_fields("server: 'https://h'",
			    "exec: {apiVersion: client.authentication.k8s.io/v1, command: x, "
			    "interactiveMode: Always}"),
		EINVAL, "a daemon has no terminal");
}

static void load_removed_kinds_are_refused_with_a_way_out(void **state)
{
	(void)state;
	assert_sentence(
		load_fields("server: 'https://h'", "auth-provider: {name: gcp}"), EINVAL,
		"Kubernetes 1.26 has removed it; use a certificate, a token or an exec plugin");
	assert_sentence(load_fields("server: 'https://h'", "username: a, password: b"), EINVAL,
			"Kubernetes 1.19 has removed them");
}

static void load_certificates_and_keys_are_checked(void **state)
{
	_cleanup_(buf_done) struct buf user = BUF_INIT;
	struct certificate ca, cert, other;

	(void)state;
	certificate_make(&ca, NULL, "ca", NULL, 1);
	certificate_make(&cert, &ca, "cert", NULL, 1);
	certificate_make(&other, &ca, "other", NULL, 1);
	_cleanup_(cleanup_free) char *cert_data = certificate_base64(cert.cert_pem);
	_cleanup_(cleanup_free) char *key_data = certificate_base64(cert.key_pem);
	write_in_dir("other.key", other.key_pem);

	buf_printf(&user, "client-certificate-data: %s, client-key: other.key", cert_data);
	assert_sentence(load_fields("server: 'https://h'", buf_str(&user)), EINVAL,
			"this key does not belong to the certificate");
	/* -data goes before the path. */
	buf_printf(&user, ", client-key-data: %s", key_data);
	assert_int_equal(load_fields("server: 'https://h'", buf_str(&user)), 0);
	assert_string_equal(loaded->auth.key.text, cert.key_pem);
	buf_reset(&user);
	buf_printf(&user, "client-certificate-data: %s", cert_data);
	assert_sentence(load_fields("server: 'https://h'", buf_str(&user)), EINVAL,
			"without its key");
	buf_reset(&user);
	buf_printf(&user, "client-key-data: %s", key_data);
	assert_sentence(load_fields("server: 'https://h'", buf_str(&user)), EINVAL,
			"without its certificate");
	_cleanup_(cleanup_free) char *ca_data = certificate_base64(ca.cert_pem);
	buf_reset(&user);
	buf_printf(&user,
		   "server: 'https://h', insecure-skip-tls-verify: true, "
		   "certificate-authority-data: %s",
		   ca_data);
	assert_sentence(load_fields(buf_str(&user), ""), EINVAL, "exclude each other");
	certificate_done(&ca);
	certificate_done(&cert);
	certificate_done(&other);
}

static void load_http_server_gets_no_credentials(void **state)
{
	(void)state;
	assert_int_equal(load_fields("server: 'http://127.0.0.1:8001'", "token: secret"), 0);
	assert_null(loaded->auth.token);
	assert_true(loaded->loopback);
}

static void load_proxy_of_socks_resolves_names_there(void **state)
{
	(void)state;
	assert_int_equal(load_fields("server: 'https://h', proxy-url: 'socks5://p:1080'", ""), 0);
	assert_string_equal(loaded->proxy_url, "socks5h://p:1080");
}

static void load_server_name_replaces_the_host_of_the_url(void **state)
{
	(void)state;
	assert_int_equal(load_fields("server: 'https://[::1]:6443/x', tls-server-name: kubernetes",
				     ""),
			 0);
	assert_string_equal(cluster_server(loaded), "https://[::1]:6443/x");
	assert_string_equal(loaded->url, "https://kubernetes:6443/x");
	assert_string_equal(loaded->connect_to->data, "kubernetes:6443:[::1]:6443");
}

static void load_hostile_aliases_end(void **state)
{
	(void)state;
	/* An alias to what contains it, where arbitrary YAML is turned into JSON. */
	assert_sentence(
		load_text(
			"clusters: [{name: c, cluster: {server: 'https://h', extensions: [{name: "
			"client.authentication.k8s.io/exec, extension: &a {b: [*a, *a]}}]}}]\n"
			"users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, "
			"command: x, provideClusterInfo: true}}}]\n"
			"contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"),
		EINVAL, "nested too deep");
}

/* As another user, since nothing is unreadable to root. */
static void load_unreadable_file_names_owner_and_group(void **state)
{
	char text[1100] = "";
	int fds[2], status;

	(void)state;
	if (geteuid() != 0)
		skip();
	write_file(fixture.kubeconfig, "");
	assert_int_equal(chown(fixture.kubeconfig, 0, 4), 0); /* adm, on every Debian */
	assert_int_equal(chmod(fixture.kubeconfig, 0640), 0);
	assert_int_equal(chmod(fixture.dir, 0755), 0);
	assert_int_equal(pipe(fds), 0);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			if (setgid(65534) < 0 || setuid(65534) < 0)
				_exit(1);
			int r = load(fixture.kubeconfig, NULL);
			ssize_t n = write(fds[1], error.text, strlen(error.text));
			_exit(r == -EACCES && n > 0 ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		ssize_t n = read(fds[0], text, sizeof(text) - 1);
		assert_true(n > 0);
		text[n] = '\0';
		if (i == 0) {
			assert_non_null(strstr(
				text,
				"mode 0640, owner root:adm; join group adm (usermod -aG adm"));
			assert_int_equal(chmod(fixture.kubeconfig, 0600), 0);
		} else {
			assert_non_null(
				strstr(text, "mode 0600, owner root:adm; only its owner may"));
		}
	}
	close(fds[0]);
	close(fds[1]);
}

static void load_in_a_pod_reads_the_service_account(void **state)
{
	struct certificate ca;

	(void)state;
	certificate_make(&ca, NULL, "ca", NULL, 1);
	write_in_dir("ca.crt", ca.cert_pem);
	write_in_dir("token", "t0ken");
	write_in_dir("namespace", "weavers");
	setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	assert_int_equal(load_fields("server: 'https://h'", ""), 0);
	struct cluster *c = calloc(1, sizeof(*c));
	list_init(&c->waiters);
	assert_int_equal(kubeconfig_origin_pod(c, fixture.dir, &error), 0);
	assert_string_equal(cluster_server(c), "https://[fd00::1]:443");
	assert_string_equal(cluster_namespace(c), "weavers");
	assert_string_equal(cluster_context(c), "in-cluster");
	assert_string_equal(c->auth.token, "t0ken");
	cluster_free(c);
	certificate_done(&ca);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(load_plain_file_gives_all_names),
		TEST(load_json_file_is_yaml),
		TEST(load_several_files_first_definition_wins_whole),
		TEST(load_default_source_is_the_first_that_exists),
		TEST(load_relative_path_is_made_absolute),
		TEST(load_named_missing_file_is_enoent),
		TEST(load_bad_yaml_names_line_and_column),
		TEST(load_missing_pieces_are_named),
		TEST(load_bad_fields_are_refused),
		TEST(load_removed_kinds_are_refused_with_a_way_out),
		TEST(load_certificates_and_keys_are_checked),
		TEST(load_http_server_gets_no_credentials),
		TEST(load_proxy_of_socks_resolves_names_there),
		TEST(load_server_name_replaces_the_host_of_the_url),
		TEST(load_hostile_aliases_end),
		TEST(load_unreadable_file_names_owner_and_group),
		TEST(load_in_a_pod_reads_the_service_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
