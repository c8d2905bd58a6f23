/* SPDX-License-Identifier: Apache-2.0 */
/* k8s/base/sha256.c: as libcrypto has it, for each length around a block and in any pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <openssl/sha.h>

#include "k8s/base/sha256.h"

static void sha256_hex_is_that_of_libcrypto(void **state)
{
	uint8_t bytes[300], digest[32];
	char expected[65], got[SHA256_HEX_LEN + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + 3);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct sha256 s;

		SHA256(bytes, len, digest);
		for (int i = 0; i < 32; i++)
			snprintf(expected + 2 * i, 3, "%02x", digest[i]);
		for (size_t piece = 1; piece <= len + 1; piece += 13) {
			sha256_init(&s);
			for (size_t at = 0; at < len; at += piece)
				sha256_add(&s, bytes + at, piece < len - at ? piece : len - at);
			sha256_hex(&s, got);
			assert_string_equal(got, expected);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(sha256_hex_is_that_of_libcrypto) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
