/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 (FIPS 180-4), for `weaver`, which is copied into containers and needs nothing but the C
 * library. Programs that have libcrypto take its own, which is several times as fast.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SHA256_HEX_LEN 64

struct sha256 {
	uint32_t state[8];
	uint64_t len; /* bytes so far */
	uint8_t block[64];
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *bytes, size_t len);
/* Lower case hex and a NUL; s is used up. */
void sha256_hex(struct sha256 *s, char out[SHA256_HEX_LEN + 1]);
