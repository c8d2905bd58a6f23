/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cluster's address and TLS material for libwebsockets, which by itself would take one CA of
 * several, no chain of the client's, and the host of the URL as the name to expect.
 */
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/cluster_private.h"
#include "k8s/pem.h"

static void cleanup_ssl_ctx(SSL_CTX **ctx)
{
	SSL_CTX_free(*ctx);
}

static void cleanup_curlu(CURLU **u)
{
	curl_url_cleanup(*u);
}

static void cleanup_curl_string(char **s)
{
	curl_free(*s);
}

static int cluster_tls_trust(SSL_CTX *ctx, const struct auth_pem *ca, struct error *e)
{
	if (!ca->text)
		return SSL_CTX_set_default_verify_paths(ctx) == 1 ? 0 : error_oom(e);
	_cleanup_(BIO_freep) BIO *bio = pem_open(ca->text);
	if (!bio)
		return error_oom(e);
	for (X509 *cert = pem_certificate(bio); cert; cert = pem_certificate(bio)) {
		int added = X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), cert);
		X509_free(cert);
		if (added != 1)
			return error_oom(e);
	}
	return 0;
}

static int cluster_tls_identify(SSL_CTX *ctx, const struct auth *a, struct error *e)
{
	if (!a->cert.text || !a->key.text)
		return 0;
	_cleanup_(BIO_freep) BIO *certs = pem_open(a->cert.text);
	_cleanup_(BIO_freep) BIO *keys = pem_open(a->key.text);
	if (!certs || !keys)
		return error_oom(e);
	_cleanup_(X509_freep) X509 *leaf = pem_certificate(certs);
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = pem_private_key(keys);

	/* auth_check() has found both good when they were loaded. */
	if (!leaf || !key || SSL_CTX_use_certificate(ctx, leaf) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, key) != 1)
		return error_set(e, EPROTO, "%s: OpenSSL does not take this client certificate",
				 a->cert.origin);
	for (X509 *cert = pem_certificate(certs); cert; cert = pem_certificate(certs)) {
		long added = SSL_CTX_add1_chain_cert(ctx, cert);
		X509_free(cert);
		if (added != 1)
			return error_oom(e);
	}
	return 0;
}

static int cluster_tls_expect(SSL_CTX *ctx, const char *name, struct error *e)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) != 1 &&
	    X509_VERIFY_PARAM_set1_host(param, name, 0) != 1)
		return error_oom(e);
	return 0;
}

int cluster_tls_context(struct cluster *c, SSL_CTX **ret, struct error *e)
{
	struct cluster_address address;

	*ret = NULL;
	if (!c->https)
		return 0;
	_cleanup_(cleanup_ssl_ctx) SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		return error_oom(e);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	int r = cluster_tls_address(c, &address, e);
	if (r < 0)
		return r;
	if (!c->insecure)
		r = cluster_tls_expect(ctx, address.name, e);
	cluster_tls_address_done(&address);
	if (r == 0 && !c->insecure)
		r = cluster_tls_trust(ctx, &c->auth.ca, e);
	if (r == 0)
		r = cluster_tls_identify(ctx, &c->auth, e);
	if (r == 0)
		*ret = move_ptr(&ctx);
	return r;
}

/* One part of a URL, brackets of an IPv6 host dropped. Returns owned, NULL: out of memory. */
static char *cluster_tls_part(CURLU *u, CURLUPart part)
{
	_cleanup_(cleanup_curl_string) char *text = NULL;

	if (curl_url_get(u, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return NULL;
	size_t len = strlen(text);
	if (part == CURLUPART_HOST && text[0] == '[' && len > 2)
		return strndup(text + 1, len - 2);
	return strdup(text);
}

static int cluster_tls_proxy(const char *url, char **ret, struct error *e)
{
	const char *http = "http://";

	if (strncmp(url, http, strlen(http)) != 0)
		return error_set(e, ENOTSUP,
				 "proxy-url %s: only http:// proxies carry exec, attach and ports",
				 url);
	*ret = strdup(url + strlen(http));
	if (!*ret)
		return error_oom(e);
	(*ret)[strcspn(*ret, "/")] = '\0';
	return 0;
}

int cluster_tls_address(const struct cluster *c, struct cluster_address *ret, struct error *e)
{
	_cleanup_(cleanup_curlu) CURLU *real = curl_url();
	_cleanup_(cleanup_curlu) CURLU *named = curl_url();

	*ret = (struct cluster_address){ .https = c->https, .insecure = c->insecure };
	if (!real || !named || curl_url_set(real, CURLUPART_URL, c->server, 0) != CURLUE_OK ||
	    curl_url_set(named, CURLUPART_URL, c->url, 0) != CURLUE_OK)
		return error_oom(e);
	_cleanup_(cleanup_free) char *port = cluster_tls_part(real, CURLUPART_PORT);
	ret->host = cluster_tls_part(real, CURLUPART_HOST);
	ret->path = cluster_tls_part(real, CURLUPART_PATH);
	ret->name = cluster_tls_part(named, CURLUPART_HOST);
	int r = port && ret->host && ret->path && ret->name ? 0 : error_oom(e);
	if (r == 0) {
		ret->port = atoi(port);
		for (size_t len = strlen(ret->path); len > 0 && ret->path[len - 1] == '/'; len--)
			ret->path[len - 1] = '\0';
	}
	if (r == 0 && c->proxy_url)
		r = cluster_tls_proxy(c->proxy_url, &ret->proxy, e);
	if (r < 0)
		cluster_tls_address_done(ret);
	return r;
}

void cluster_tls_address_done(struct cluster_address *a)
{
	free(a->host);
	free(a->name);
	free(a->path);
	free(a->proxy);
	*a = (struct cluster_address){ 0 };
}
