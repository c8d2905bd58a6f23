/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See manifests.h. The assembler takes the files in; a unit of the build, not of the run: an
 * installed program needs nothing beside it.
 */
#include "tools/cluster/manifests.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/yaml_json.h"

#define MANIFESTS_NAMESPACE "loom-weavers"

/* clang-format off */
#define MANIFESTS(row) \
	row(namespace, "namespace.yaml") \
	row(rbac, "rbac.yaml") \
	row(quota, "quota.yaml") \
	row(quota_limits, "quota-limits.yaml") \
	row(policy, "policy.yaml") \
	row(network, "network.yaml")

#define MANIFESTS_INCLUDE(name, file) \
	__asm__(".section .rodata\n" \
		"manifests_" #name ": .incbin \"k8s/manifests/" file "\"\n" \
		"manifests_" #name "_end: .byte 0\n" \
		".previous\n"); \
	extern const char manifests_##name[] __asm__("manifests_" #name); \
	extern const char manifests_##name##_end[] __asm__("manifests_" #name "_end");
MANIFESTS(MANIFESTS_INCLUDE)

#define MANIFESTS_ROW(name, file) { file, manifests_##name, manifests_##name##_end },
static const struct {
	const char *file, *text, *end;
} manifests[] = { MANIFESTS(MANIFESTS_ROW) };
/* clang-format on */

static bool manifests_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The namespace's name as a word of its own, as the tests' sed has it. */
static void manifests_rename(const char *text, const char *namespace_, struct buf *out)
{
	size_t len = strlen(MANIFESTS_NAMESPACE);
	const char *from = text;

	for (const char *at; (at = strstr(text, MANIFESTS_NAMESPACE)); text = at + len) {
		if ((at > from && manifests_word_char(at[-1])) || manifests_word_char(at[len])) {
			buf_add(out, text, (size_t)(at - text) + len);
			continue;
		}
		buf_add(out, text, (size_t)(at - text));
		buf_add_str(out, namespace_);
	}
	buf_add_str(out, text);
}

int manifests_read(const char *namespace_, manifests_object *object, void *data, struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(manifests); i++) {
		_cleanup_(buf_done) struct buf text = BUF_INIT;

		manifests_rename(manifests[i].text, namespace_, &text);
		if (buf_error(&text) < 0)
			return error_oom(e);
		int r = yaml_json_documents(manifests[i].file, buf_str(&text), text.len, object,
					    data, e);
		if (r < 0)
			return r;
	}
	return 0;
}
