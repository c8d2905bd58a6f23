/* SPDX-License-Identifier: Apache-2.0 */
/* encode_details.c, encode_net.c: parts of details, and who makes them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sidecar/encode.h"

/* Shares of a line, in output bytes. */
#define ENCODE_PARTS_PATH 4600     /* of the only path */
#define ENCODE_PARTS_PATH_TWO 3200 /* of each of two */

/* A string that needs no escapes. */
void encode_parts_word(struct line *l, const char *s);
/*
 * "key":"…", its end where it is too long; where it is no UTF-8 also "bytes":"…", in hex; and
 * "path_truncated":true when something is missing.
 */
enum encode_path_key { ENCODE_PATH, ENCODE_TO, ENCODE_TARGET, ENCODE_NAME, ENCODE_CWD };
void encode_parts_path(struct line *l, enum encode_path_key key, const char *path, size_t len,
		       size_t most, bool truncated);
void encode_parts_first_path(struct line *l, const struct event *ev, size_t most);
void encode_parts_second(struct line *l, const struct event *ev, enum encode_path_key key);
size_t encode_parts_share(const struct event *ev); /* of the first path */
void encode_parts_result(struct line *l, const struct event *ev, int32_t result);
void encode_parts_call(struct line *l, const struct event *ev);
void encode_parts_fd(struct line *l, int32_t fd);

/* encode_net.c */
void encode_net_add(const struct encoder *c, const struct event *ev, struct line *l);
void encode_net_add_dns(const struct encoder *c, const struct event *ev, struct line *l);
