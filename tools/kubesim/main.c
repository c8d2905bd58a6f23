/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubesim: the Kubernetes API of one small cluster in one program, for trying weaverfs without a
 * cluster and for its tests. Pods are local processes in bubblewrap sandboxes; nothing here is a
 * security boundary. State lives in memory; DIR has the kubeconfig, the token and the pods' files.
 * Start: certificates, listening, the objects a fresh cluster has, then the kubeconfig, written
 * last and atomically: who sees it can connect. SIGTERM and SIGINT end all pods, then the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "k8s/base/log.h"
#include "k8s/base/uuid.h"
#include "tools/kubesim/api.h"
#include "tools/kubesim/cgroup.h"
#include "tools/kubesim/collection.h"
#include "tools/kubesim/discovery.h"
#include "tools/kubesim/lifecycle.h"
#include "tools/kubesim/object.h"
#include "tools/kubesim/quota.h"
#include "tools/kubesim/sandbox.h"
#include "tools/kubesim/synthetic.h"
#include "tools/kubesim/tls.h"
#include "tools/kubesim/watch.h"

static volatile sig_atomic_t stop_asked;

struct settings {
	char address[64];
	int port;
	char state[PATH_MAX];
	long synthetic;
};

static void on_signal(int signal)
{
	(void)signal;
	stop_asked = 1;
	http_cancel();
}

static int usage(FILE *out)
{
	fputs("usage: kubesim --state DIR [--listen 127.0.0.1:0] [--synthetic N]\n"
	      "               [--kubernetes VERSION]\n"
	      "  --state DIR        where kubeconfig, token and the pods' files go\n"
	      "  --listen ADDR:PORT IPv4 address and port, 0 for a free one\n"
	      "  --synthetic N      N running pods that cost nothing, in loom-weavers\n"
	      "  --kubernetes V     the version it says it is, as in v1.34.4; it behaves alike\n",
	      out);
	return out == stdout ? 0 : 2;
}

static int settings_read(struct settings *s, int argc, char **argv)
{
	static const struct option options[] = { { "listen", required_argument, NULL, 'l' },
						 { "state", required_argument, NULL, 's' },
						 { "synthetic", required_argument, NULL, 'n' },
						 { "kubernetes", required_argument, NULL, 'k' },
						 { "help", no_argument, NULL, 'h' },
						 { NULL, 0, NULL, 0 } };
	const char *state = NULL;
	int c;
	*s = (struct settings){ .address = "127.0.0.1" };
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'l' && sscanf(optarg, "%63[0-9.]:%d", s->address, &s->port) != 2)
			return usage(stderr);
		if (c == 's')
			state = optarg;
		if (c == 'n')
			s->synthetic = atol(optarg);
		if (c == 'k' && !discovery_set_version(optarg))
			return usage(stderr);
		if (c == 'h' || c == '?')
			return usage(c == 'h' ? stdout : stderr) - 1;
	}
	if (!state || optind < argc)
		return usage(stderr);
	mkdir(state, 0711);
	return realpath(state, s->state) ? 0 : usage(stderr);
}

/* Written under another name and moved, so that a reader sees all of it or nothing. */
static int file_put(const char *dir, const char *name, const struct buf *content, struct error *e)
{
	char path[PATH_MAX + 64], temporary[PATH_MAX + 80];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(e, errno, "%s: %s", temporary, strerror(errno));
	bool good = write(fd, buf_str(content), content->len) == (ssize_t)content->len;
	close(fd);
	if (!good || rename(temporary, path) < 0)
		return error_set(e, errno, "%s: %s", path, strerror(errno));
	return 0;
}

static void data_add(struct buf *b, const char *key, const char *pem)
{
	size_t n = strlen(pem);
	unsigned char *encoded = malloc(n / 3 * 4 + 8);
	if (!encoded)
		return;
	EVP_EncodeBlock(encoded, (const unsigned char *)pem, (int)n);
	buf_printf(b, "    %s: %s\n", key, (const char *)encoded);
	free(encoded);
}

static int kubeconfig_write(const struct settings *s, struct error *e)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	const struct tls_material *pem = tls_material();
	buf_add_str(&b, "apiVersion: v1\nkind: Config\nclusters:\n- name: kubesim\n  cluster:\n");
	buf_printf(&b, "    server: https://%s:%d\n", s->address, http_port());
	data_add(&b, "certificate-authority-data", pem->ca_cert);
	buf_add_str(&b, "users:\n- name: kubernetes-admin\n  user:\n");
	data_add(&b, "client-certificate-data", pem->client_cert);
	data_add(&b, "client-key-data", pem->client_key);
	buf_add_str(&b, "contexts:\n- name: kubesim\n  context:\n    cluster: kubesim\n"
			"    user: kubernetes-admin\n    namespace: loom-weavers\n"
			"current-context: kubesim\n");
	return buf_error(&b) ? error_oom(e) : file_put(s->state, "kubeconfig", &b, e);
}

/* What an earlier run in this directory left would be taken for ours. */
static void files_remove(const struct settings *s)
{
	static const char *const names[] = { "kubeconfig", "token" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[PATH_MAX + 64];
		snprintf(path, sizeof(path), "%s/%s", s->state, names[i]);
		unlink(path);
	}
}

static int token_make(const struct settings *s, char *token, size_t size, struct error *e)
{
	char uuid[2][UUID_LEN + 1];
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	if (uuid_v7(uuid[0], e) < 0 || uuid_v7(uuid[1], e) < 0)
		return -EIO;
	snprintf(token, size, "%s.%s", uuid[0], uuid[1]);
	buf_add_str(&b, token);
	return file_put(s->state, "token", &b, e);
}

static void node_make(void)
{
	cJSON *node = cJSON_CreateObject(), *status = json_ensure(node, "status");
	cJSON *labels = json_ensure(json_ensure(node, "metadata"), "labels");
	cJSON_AddStringToObject(labels, "kubernetes.io/hostname", LIFECYCLE_NODE);
	cJSON_AddStringToObject(labels, "kubernetes.io/os", "linux");
	cJSON *capacity = cJSON_CreateObject(), *condition = cJSON_CreateObject();
	cJSON_AddStringToObject(capacity, "cpu", "64");
	cJSON_AddStringToObject(capacity, "memory", "128Gi");
	cJSON_AddStringToObject(capacity, "pods", "1000");
	cJSON_AddItemToObject(status, "allocatable", cJSON_Duplicate(capacity, true));
	cJSON_AddItemToObject(status, "capacity", capacity);
	cJSON_AddStringToObject(condition, "type", "Ready");
	cJSON_AddStringToObject(condition, "status", "True");
	cJSON_AddStringToObject(condition, "reason", "KubeletReady");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(status, "conditions"), condition);
	cJSON *info = json_ensure(status, "nodeInfo");
	cJSON_AddStringToObject(info, "kubeletVersion", discovery_version());
	cJSON_AddStringToObject(info, "containerRuntimeVersion", "bubblewrap://kubesim");
	cJSON_AddStringToObject(info, "osImage", "kubesim (simulated)");
	json_ensure(node, "spec");
	store_add(&kind_table[KIND_NODE], "", LIFECYCLE_NODE, node);
}

static int start(const struct settings *s, char *token, size_t size, struct error *e)
{
	files_remove(s);
	int r = tls_init(e);
	if (r == 0)
		r = token_make(s, token, size, e);
	if (r < 0)
		return r;
	api_init(token);
	const struct tls_material *pem = tls_material();
	r = http_start(&(struct http_options){ .address = s->address,
					       .port = s->port,
					       .cert_pem = pem->server_cert,
					       .key_pem = pem->server_key,
					       .tls_setup = tls_setup,
					       .handle = api_handle,
					       .upgrade = api_upgrade },
		       e);
	if (r == 0)
		r = lifecycle_init(s->state, e);
	if (r < 0)
		return r;
	watch_init();
	node_make();
	object_namespace_make("default");
	object_namespace_make("kube-system");
	object_namespace_make("loom-weavers");
	synthetic_make(s->synthetic);
	return kubeconfig_write(s, e);
}

int main(int argc, char **argv)
{
	static char token[2 * UUID_LEN + 2];
	struct settings s;
	struct error e = ERROR_INIT;
	if (argc > 2 && strcmp(argv[1], CGROUP_JOIN) == 0)
		cgroup_join(argv); /* our own child: not in --help */
	log_init(&(struct log_options){ .program = "kubesim", .level = LOG_LEVEL_INFO });
	int r = settings_read(&s, argc, argv);
	if (r)
		return r < 0 ? 0 : r;
	signal(SIGPIPE, SIG_IGN);
	if (start(&s, token, sizeof(token), &e) < 0) {
		log_write(LOG_LEVEL_ERROR, "cannot start: %s", e.text);
		return 1;
	}
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	printf("kubesim: https://%s:%d KUBECONFIG=%s/kubeconfig\n", s.address, http_port(),
	       s.state);
	fflush(stdout);
	while (!stop_asked && http_service() >= 0)
		continue;
	files_remove(&s);
	lifecycle_done();
	http_stop();
	sandbox_free_abandoned();
	quota_done();
	fault_done();
	collection_done();
	store_done();
	tls_done();
	return 0;
}
