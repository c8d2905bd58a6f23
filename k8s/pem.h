/* SPDX-License-Identifier: Apache-2.0 */
/* PEM from memory. What wants a passphrase is not read: OpenSSL would ask on the terminal. */
#pragma once
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "k8s/base/cleanup.h"

DEFINE_CLEANUP(BIO *, BIO_free)
DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)

BIO *pem_open(const char *text); /* borrows text while it is read; NULL: out of memory */
/* The next certificate; NULL: no more. Returns owned. */
X509 *pem_certificate(BIO *bio);
/* NULL: no private key, or not without a passphrase. Returns owned. */
EVP_PKEY *pem_private_key(BIO *bio);
