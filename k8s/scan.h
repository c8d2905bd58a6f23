/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Splits a byte stream into JSON objects with O(largest object) memory, wherever the network has
 * cut it. Two shapes: objects back to back (a watch), or the elements of the top-level "items" array of
 * a list, with the list's own "metadata" object. A DOM is never built for a list.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/buf.h"
#include "k8s/base/error.h"

enum scan_shape { SCAN_SEQUENCE, SCAN_LIST };

struct scan {
	enum scan_shape shape;
	/* Each object, NUL-terminated, borrowed until it returns; < 0 stops the scan with that. */
	int (*object)(void *data, char *json, size_t len, struct error *e);
	/* SCAN_LIST: the list's metadata; may come before or after the items. */
	int (*metadata)(void *data, char *json, size_t len, struct error *e);
	void *data;
	/* private */
	struct buf pending; /* the object that is not complete yet */
	char key[16];       /* SCAN_LIST: the last top-level key, cut */
	unsigned char key_len;
	unsigned state, depth;
	uint64_t brackets; /* a bit per level: 1 for [, 0 for { */
	bool in_string, escaped;
};

#define SCAN_OBJECT_MAX (8u << 20) /* etcd refuses objects over 1.5 MiB */
#define SCAN_DEPTH_MAX 64          /* a Pod with its managedFields nests 20 deep */

void scan_init(struct scan *s, enum scan_shape shape);
void scan_done(struct scan *s);
/* 0; -EPROTO: no JSON, or an object over SCAN_OBJECT_MAX; or what a callback returned. */
int scan_feed(struct scan *s, const char *bytes, size_t len, struct error *e);
/* At the end of the stream: -EPROTO when it ended inside an object or a list. */
int scan_finish(const struct scan *s, struct error *e);

/*
 * Peeks into an object that the scan has delivered, without a DOM: the bytes of its member `key`
 * (quotes and brackets included), borrowed from json. NULL: none, or no object.
 */
const char *scan_member(const char *json, size_t len, const char *key, size_t *ret_len);
/* The end of the JSON value that begins at p, which is no blank; NULL: not before end. */
const char *scan_value_end(const char *p, const char *end);
