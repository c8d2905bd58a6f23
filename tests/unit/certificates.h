/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of a test: EC keys, made in memory, as PEM. */
#pragma once
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct certificate {
	X509 *x509;
	EVP_PKEY *key;
	char cert_pem[4096], key_pem[1024];
};

static inline void certificate_done(struct certificate *c)
{
	X509_free(c->x509);
	EVP_PKEY_free(c->key);
	*c = (struct certificate){ 0 };
}

static inline void certificate_extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
}

static inline void certificate_to_pem(BIO *bio, char *out, size_t size)
{
	int n = BIO_read(bio, out, (int)size - 1);

	out[n > 0 ? n : 0] = '\0';
	BIO_free(bio);
}

/*
 * Signed by issuer, NULL: by itself, as a CA. san: "DNS:x,IP:127.0.0.1", NULL: none. Valid from two
 * days ago until days from now, which may be negative.
 */
static inline void certificate_make(struct certificate *c, const struct certificate *issuer,
				    const char *name, const char *san, int days)
{
	X509 *x = X509_new(), *by = issuer ? issuer->x509 : x;
	BIO *bio;

	c->x509 = x;
	c->key = EVP_EC_gen("P-256");
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), rand());
	X509_gmtime_adj(X509_getm_notBefore(x), -2L * 86400);
	X509_gmtime_adj(X509_getm_notAfter(x), days * 86400L);
	X509_set_pubkey(x, c->key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(by));
	certificate_extend(x, by, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
	if (san)
		certificate_extend(x, by, NID_subject_alt_name, san);
	X509_sign(x, issuer ? issuer->key : c->key, EVP_sha256());

	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(bio, x);
	certificate_to_pem(bio, c->cert_pem, sizeof(c->cert_pem));
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(bio, c->key, NULL, NULL, 0, NULL, NULL);
	certificate_to_pem(bio, c->key_pem, sizeof(c->key_pem));
}

/* A server with cert; asks for client certificates of client_ca, NULL: asks for none. */
static inline SSL_CTX *certificate_server(const struct certificate *cert,
					  const struct certificate *client_ca)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_use_certificate(ctx, cert->x509);
	SSL_CTX_use_PrivateKey(ctx, cert->key);
	if (client_ca) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), client_ca->x509);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"t", 1);
	}
	return ctx;
}

/* text in base64, without line breaks. Returns owned. */
static inline char *certificate_base64(const char *text)
{
	size_t len = strlen(text);
	unsigned char *out = calloc(1, len / 3 * 4 + 5);

	EVP_EncodeBlock(out, (const unsigned char *)text, (int)len);
	return (char *)out;
}
