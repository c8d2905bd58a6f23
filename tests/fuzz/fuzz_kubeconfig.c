/* SPDX-License-Identifier: Apache-2.0 */
/* A kubeconfig of any bytes: either a cluster with a server, or a sentence that names the file. */
#include "k8s/kubeconfig.c"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int fuzz_build(struct cluster *c, const char *text, size_t len, struct error *e)
{
	_cleanup_(kubeconfig_done) struct kubeconfig k = { .count = 1,
							   .source = strdup("/fuzz/config") };
	const char *context = NULL;

	int r = kubeconfig_yaml_parse(&k.files[0], k.source, text, len, e);
	if (r == 0)
		r = kubeconfig_current_context(&k, &context, e);
	if (r == 0)
		r = kubeconfig_build(&k, c, context ? context : "x", e);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct cluster *c = calloc(1, sizeof(*c));
	struct error e = ERROR_INIT;
	_cleanup_(buf_done) struct buf words = BUF_INIT;

	assert(c);
	list_init(&c->waiters);
	int r = fuzz_build(c, (const char *)data, len, &e);
	assert((r == 0 && e.code == 0) || (r < 0 && e.code == -r && e.text[0]));
	if (r == 0) {
		assert(cluster_server(c)[0] && cluster_context(c) && c->url);
		cluster_explain_unauthorized(c, &words);
	}
	cluster_free(c);
	return 0;
}
