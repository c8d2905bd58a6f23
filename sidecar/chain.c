/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcrypto's SHA-256 makes use of the processor's own instructions; it is linked for TLS anyway.
 */
#include "sidecar/chain.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

struct chain {
	EVP_MD_CTX *open; /* of the batch that has not ended; owned */
	uint64_t batch;
	size_t open_bytes;
	char last[SEGMENT_HASH_LEN + 1];
};

static int failed(struct error *e)
{
	return error_set(e, EIO, "SHA-256: libcrypto refused it");
}

static int begin(struct chain *c, struct error *e)
{
	c->open_bytes = 0;
	if (EVP_DigestInit_ex(c->open, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(c->open, c->last, SEGMENT_HASH_LEN) != 1)
		return failed(e);
	return 0;
}

int chain_new(const struct segment_head *head, struct chain **ret, struct error *e)
{
	struct chain *c = calloc(1, sizeof(*c));

	if (!c)
		return error_oom(e);
	memset(c->last, '0', SEGMENT_HASH_LEN);
	if (head->batch > 0)
		memcpy(c->last, head->hash, SEGMENT_HASH_LEN);
	c->batch = head->batch;
	c->open = EVP_MD_CTX_new();
	int r = c->open ? begin(c, e) : error_oom(e);
	if (r < 0)
		chain_free(c);
	else
		*ret = c;
	return r;
}

void chain_free(struct chain *c)
{
	if (!c)
		return;
	EVP_MD_CTX_free(c->open);
	free(c);
}

static int update(struct chain *c, const char *lines, size_t len, struct error *e)
{
	c->open_bytes += len;
	return EVP_DigestUpdate(c->open, lines, len) == 1 ? 0 : failed(e);
}

int chain_add(struct chain *c, const char *lines, size_t len, struct error *e)
{
	const char *end = lines + len;

	for (const char *mark;
	     (mark = memmem(lines, (size_t)(end - lines), CHAIN_MARK, sizeof(CHAIN_MARK) - 1));) {
		const char *newline = memchr(mark, '\n', (size_t)(end - mark));
		const char *hash = newline ? memmem(mark, (size_t)(newline - mark), CHAIN_HASH,
						    sizeof(CHAIN_HASH) - 1)
					   : NULL;

		if (!hash || newline - hash < (ptrdiff_t)(sizeof(CHAIN_HASH) + SEGMENT_HASH_LEN))
			return error_set(e, EBADMSG,
					 "audit buffer: an audit_batch line has no hash");
		memcpy(c->last, hash + sizeof(CHAIN_HASH) - 1, SEGMENT_HASH_LEN);
		c->batch++;
		lines = newline + 1;
		int r = begin(c, e);
		if (r < 0)
			return r;
	}
	return update(c, lines, (size_t)(end - lines), e);
}

int chain_hash(const struct chain *c, const char *lines, size_t len, char ret[SEGMENT_HASH_LEN + 1],
	       struct error *e)
{
	static const char hex[] = "0123456789abcdef";
	_cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char digest[SEGMENT_HASH_LEN / 2];

	if (!ctx)
		return error_oom(e);
	if (EVP_MD_CTX_copy_ex(ctx, c->open) != 1 || EVP_DigestUpdate(ctx, lines, len) != 1 ||
	    EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
		return failed(e);
	for (size_t i = 0; i < sizeof(digest); i++) {
		ret[2 * i] = hex[digest[i] >> 4];
		ret[2 * i + 1] = hex[digest[i] & 15];
	}
	ret[SEGMENT_HASH_LEN] = '\0';
	return 0;
}

uint64_t chain_batch(const struct chain *c)
{
	return c->batch;
}

const char *chain_last(const struct chain *c)
{
	return c->last;
}

size_t chain_open_bytes(const struct chain *c)
{
	return c->open_bytes;
}
