/* SPDX-License-Identifier: Apache-2.0 */
#include "k8s/pem.h"

#include <openssl/pem.h>

static int pem_no_passphrase(char *out, int size, int rwflag, void *data)
{
	(void)out, (void)size, (void)rwflag, (void)data;
	return -1;
}

BIO *pem_open(const char *text)
{
	return BIO_new_mem_buf(text, -1);
}

X509 *pem_certificate(BIO *bio)
{
	return PEM_read_bio_X509(bio, NULL, pem_no_passphrase, NULL);
}

EVP_PKEY *pem_private_key(BIO *bio)
{
	return PEM_read_bio_PrivateKey(bio, NULL, pem_no_passphrase, NULL);
}
