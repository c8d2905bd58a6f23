/* SPDX-License-Identifier: Apache-2.0 */
/* See tls.h. */
#include "tools/kubesim/tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"

#define TLS_VALID_SECONDS (365L * 24 * 3600)

DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)

static struct {
	EVP_PKEY *ca_key;
	X509 *ca;
	struct tls_material pem;
} tls;

static int tls_fail(struct error *e, const char *what)
{
	char text[256];
	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	return error_set(e, EIO, "%s: %s", what, text);
}

static char *bio_steal(BIO *bio)
{
	char *data;
	long n = BIO_get_mem_data(bio, &data);
	char *s = n > 0 ? strndup(data, (size_t)n) : NULL;
	BIO_free(bio);
	return s;
}

static char *cert_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	if (bio)
		PEM_write_bio_X509(bio, cert);
	return bio ? bio_steal(bio) : NULL;
}

static char *key_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	if (bio)
		PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	return bio ? bio_steal(bio) : NULL;
}

static int extension_add(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
	int ok = ext && X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

struct cert_wish {
	const char *organization, *common_name;
	const char *usage, *extended, *alt_names; /* extensions; NULL: none */
	bool ca;
};

/* Signs with the CA, or by itself when the CA is what is being made. Returns owned. */
static X509 *cert_new(EVP_PKEY *key, const struct cert_wish *w)
{
	_cleanup_(X509_freep) X509 *cert = X509_new();
	uint64_t serial;
	if (!cert || RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		return NULL;
	X509_set_version(cert, 2);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), TLS_VALID_SECONDS);
	X509_set_pubkey(cert, key);
	X509_NAME *name = X509_get_subject_name(cert);
	if (w->organization)
		X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
					   (const unsigned char *)w->organization, -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)w->common_name,
				   -1, -1, 0);
	X509 *issuer = w->ca ? cert : tls.ca;
	X509_set_issuer_name(cert, X509_get_subject_name(issuer));
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	int ok = extension_add(cert, &ctx, NID_basic_constraints,
			       w->ca ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
		 extension_add(cert, &ctx, NID_key_usage, w->usage) &&
		 extension_add(cert, &ctx, NID_subject_key_identifier, "hash") &&
		 extension_add(cert, &ctx, NID_authority_key_identifier, "keyid:always");
	if (ok && w->extended)
		ok = extension_add(cert, &ctx, NID_ext_key_usage, w->extended);
	if (ok && w->alt_names)
		ok = extension_add(cert, &ctx, NID_subject_alt_name, w->alt_names);
	if (!ok || !X509_sign(cert, w->ca ? key : tls.ca_key, EVP_sha256()))
		return NULL;
	return move_ptr(&cert);
}

static int pair_new(const struct cert_wish *w, char **ret_cert, char **ret_key, struct error *e)
{
	_cleanup_(EVP_PKEY_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	_cleanup_(X509_freep) X509 *cert = key ? cert_new(key, w) : NULL;
	if (!cert)
		return tls_fail(e, w->common_name);
	*ret_cert = cert_pem(cert);
	*ret_key = key_pem(key);
	return *ret_cert && *ret_key ? 0 : error_oom(e);
}

int tls_init(struct error *e)
{
	tls.ca_key = EVP_EC_gen("P-256");
	if (!tls.ca_key)
		return tls_fail(e, "key of the CA");
	tls.ca = cert_new(tls.ca_key,
			  &(struct cert_wish){
				  .common_name = "kubesim-ca",
				  .ca = true,
				  .usage = "critical,keyCertSign,cRLSign,digitalSignature" });
	if (!tls.ca)
		return tls_fail(e, "certificate of the CA");
	tls.pem.ca_cert = cert_pem(tls.ca);
	if (!tls.pem.ca_cert)
		return error_oom(e);
	int r = pair_new(&(struct cert_wish){ .common_name = "kubesim",
					      .usage = "critical,digitalSignature",
					      .extended = "serverAuth",
					      .alt_names =
						      "DNS:localhost,DNS:kubernetes,IP:127.0.0.1" },
			 &tls.pem.server_cert, &tls.pem.server_key, e);
	if (r < 0)
		return r;
	return pair_new(&(struct cert_wish){ .organization = "system:masters",
					     .common_name = "kubernetes-admin",
					     .usage = "critical,digitalSignature",
					     .extended = "clientAuth" },
			&tls.pem.client_cert, &tls.pem.client_key, e);
}

void tls_done(void)
{
	EVP_PKEY_free(tls.ca_key);
	X509_free(tls.ca);
	free(tls.pem.ca_cert);
	free(tls.pem.server_cert);
	free(tls.pem.server_key);
	free(tls.pem.client_cert);
	free(tls.pem.client_key);
	memset(&tls, 0, sizeof(tls));
}

const struct tls_material *tls_material(void)
{
	return &tls.pem;
}

static int take_any(int ok, X509_STORE_CTX *ctx)
{
	(void)ok;
	(void)ctx;
	return 1;
}

void tls_setup(SSL_CTX *ctx)
{
	static const unsigned char session_context[] = "kubesim";
	SSL_CTX_set_session_id_context(ctx, session_context, sizeof(session_context) - 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, take_any);
	SSL_CTX_add_client_CA(ctx, tls.ca);
}

enum tls_client tls_client(SSL *ssl, char *name, size_t name_size)
{
	_cleanup_(X509_freep) X509 *cert = ssl ? SSL_get1_peer_certificate(ssl) : NULL;
	if (!cert)
		return TLS_CLIENT_NONE;
	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name,
				  (int)name_size);
	if (X509_verify(cert, tls.ca_key) != 1)
		return TLS_CLIENT_BAD;
	if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0 ||
	    X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
		return TLS_CLIENT_BAD;
	return TLS_CLIENT_GOOD;
}
