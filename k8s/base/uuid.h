/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs of RFC 9562 in their 36-character lower case text form. */
#pragma once
#include <stdbool.h>

#include "k8s/base/error.h"

#define UUID_LEN 36
#define UUID_ID8_LEN 8

/* Version 7: milliseconds since the epoch, then getrandom(2). Rising within a process. */
int uuid_v7(char out[UUID_LEN + 1], struct error *e);
bool uuid_valid(const char *s); /* any version, lower or upper case hex */
/* The last 8 digits, of any text: the first ones of a version 7 are a clock. Borrowed from uuid. */
const char *uuid_id8(const char *uuid);
