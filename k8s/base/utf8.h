/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
#pragma once
#include <stddef.h>

/* Bytes of the character at s, of which len > 0 bytes may be read; 0: there is none. */
size_t utf8_length(const char *s, size_t len);
