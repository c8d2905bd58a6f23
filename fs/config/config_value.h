/* SPDX-License-Identifier: Apache-2.0 */
/* One setting's value: text ↔ the field in struct config, by kind. Private to config.c. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/buf.h"
#include "k8s/base/error.h"

enum config_kind {
	CONFIG_BOOL,     /* bool */
	CONFIG_NUMBER,   /* int64_t in min..max */
	CONFIG_BYTES,    /* int64_t in min..max, a quantity: 1073741824 or 1Gi */
	CONFIG_MODE,     /* mode_t, octal, up to max */
	CONFIG_TEXT,     /* char *, printable */
	CONFIG_PATH,     /* char *, absolute */
	CONFIG_URL,      /* char *, http:// or https:// */
	CONFIG_NAME,     /* char *, an RFC 1123 label (a namespace) */
	CONFIG_OBJECT,   /* char *, an RFC 1123 subdomain (any other object) */
	CONFIG_LABEL,    /* char *, the value of a label */
	CONFIG_IMAGE,    /* char *, an image reference */
	CONFIG_WORD,     /* char *, one of words */
	CONFIG_OBJECTS,  /* char **, a comma list of CONFIG_OBJECT */
	CONFIG_WEBHOOKS, /* char *, JSON */
};

struct config_setting {
	const char *name, *alias; /* as mount option and YAML key; alias may be NULL */
	const char *env;          /* NULL: none */
	enum config_kind kind;
	size_t offset;        /* of the field in struct config */
	const char *fallback; /* the default; NULL: not set, and may be set to nothing */
	int64_t min, max;
	const char *words; /* CONFIG_WORD: "a b c" */
	const char *help;
};

/* Sets the field, whose old value is freed. On -EINVAL e says what is allowed and nothing changed.
 */
int config_value_set(const struct config_setting *s, void *field, const char *text,
		     struct error *e);
void config_value_free(const struct config_setting *s, void *field);
/* As it would be written; secrets in webhooks are masked. */
void config_value_show(const struct config_setting *s, const void *field, struct buf *out);
