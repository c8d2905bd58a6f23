/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Secret beside a pod. It is made of pieces in one buffer of the right size instead of by a
 * JSON library, whose copies of the values nobody could wipe.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "fs/weaver/podspec.h"

#define FRAME_LEN 1024 /* all but keys and values, with room to spare */

void podspec_secret_name(const char *id, char out[PODSPEC_SECRET_NAME_LEN + 1])
{
	snprintf(out, PODSPEC_SECRET_NAME_LEN + 1, LOOM_POD_PREFIX "%s-secrets", id);
}

static size_t base64_len(size_t len)
{
	return (len + 2) / 3 * 4;
}

/* Room is there: buf_reserve() was asked for all. */
static void add_base64(struct buf *out, const char *value)
{
	size_t len = strlen(value);

	if (buf_error(out) < 0)
		return;
	EVP_EncodeBlock((unsigned char *)out->data + out->len, (const unsigned char *)value,
			(int)len);
	out->len += base64_len(len);
}

int podspec_secret_build(const struct podspec *s, const char *id, const char *pod_uid,
			 struct buf *out, struct error *e)
{
	char name[PODSPEC_SECRET_NAME_LEN + 1];
	size_t room = FRAME_LEN;

	for (size_t i = 0; i < s->n_secrets; i++)
		room += strlen(s->secrets[i].key) + base64_len(strlen(s->secrets[i].value)) + 8;
	if (buf_reserve(out, room) < 0)
		return error_oom(e);
	podspec_secret_name(id, name);
	buf_printf(out,
		   "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"Opaque\",\"immutable\":"
		   "true,\"metadata\":{\"name\":\"%s\",\"labels\":{\"" LOOM_LABEL_MANAGED
		   "\":\"true\",\"" LOOM_LABEL_ID "\":\"%s\"},\"ownerReferences\":[{\"apiVersion\":"
		   "\"v1\",\"kind\":\"Pod\",\"name\":\"" LOOM_POD_PREFIX "%s\",\"uid\":",
		   name, id, id);
	buf_add_json(out, pod_uid, strlen(pod_uid));
	buf_add_str(out, "}]},\"data\":{");
	for (size_t i = 0; i < s->n_secrets; i++) {
		buf_printf(out, "%s\"%s\":\"", i ? "," : "", s->secrets[i].key);
		add_base64(out, s->secrets[i].value);
		buf_add_char(out, '"');
	}
	buf_add_str(out, "}}");
	return buf_error(out) < 0 ? error_oom(e) : 0;
}
