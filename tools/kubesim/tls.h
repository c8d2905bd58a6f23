/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for one run: a CA, the server's for localhost and 127.0.0.1, and the administrator's
 * client certificate. Like the API server, a client certificate that does not verify does not fail
 * the handshake: the request is answered with 401.
 */
#pragma once
#include <openssl/ssl.h>
#include <stdbool.h>

#include "k8s/base/error.h"

/* PEM texts, NUL-terminated; valid until tls_done(). */
struct tls_material {
	char *ca_cert;
	char *server_cert, *server_key;
	char *client_cert, *client_key;
};

int tls_init(struct error *e);
void tls_done(void);
const struct tls_material *tls_material(void);
void tls_setup(SSL_CTX *ctx); /* asks clients for a certificate, takes any */

enum tls_client { TLS_CLIENT_NONE, TLS_CLIENT_GOOD, TLS_CLIENT_BAD };
/* What the peer showed: no certificate, one of our CA within its dates, or another one. */
enum tls_client tls_client(SSL *ssl, char *name, size_t name_size);
