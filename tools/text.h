/* SPDX-License-Identifier: Apache-2.0 */
/* How things look to people: colours on terminals, times and sizes in few letters. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_MAX 24

/* stdout or stderr is a terminal that shows colours, and $NO_COLOR is not set. */
bool text_coloured(int fd);
/* The escape sequence for a status word, "" without colours; text_plain() ends it. */
const char *text_status_colour(bool coloured, const char *status);
const char *text_bold(bool coloured);
const char *text_plain(bool coloured);

/* "3d4h", "3h41m", "12m5s", "42s"; negative: "-". */
void text_duration(int64_t s, char ret[TEXT_MAX]);
void text_bytes(int64_t bytes, char ret[TEXT_MAX]); /* "1.2Gi" */
/* The last part of a path; borrowed from it. */
const char *text_name(const char *path);
