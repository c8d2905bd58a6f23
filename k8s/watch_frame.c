/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One frame of a watch: {"type":"ADDED","object":{…}}. No tree is built: the object is parsed once,
 * by whoever wants it; here only its place, its version and a bookmark's annotation are looked up.
 */
#include <errno.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/scan.h"
#include "k8s/watch_private.h"

const char *watch_frame_string(const char *json, size_t len, const char *key, size_t *ret_len)
{
	size_t n;
	const char *value = json ? scan_member(json, len, key, &n) : NULL;

	if (!value || *value != '"')
		return NULL;
	*ret_len = n - 2;
	return value + 1;
}

static bool is_text(const char *s, size_t len, const char *text)
{
	return s && len == strlen(text) && memcmp(s, text, len) == 0;
}

const char *watch_frame_version(const struct watch_frame *f, size_t *ret_len)
{
	size_t len = 0;
	const char *metadata = scan_member(f->object, f->len, "metadata", &len);

	return watch_frame_string(metadata, len, "resourceVersion", ret_len);
}

static bool is_initial_end(const struct watch_frame *f)
{
	size_t len = 0, n = 0;
	const char *metadata = scan_member(f->object, f->len, "metadata", &len);
	const char *annotations = metadata ? scan_member(metadata, len, "annotations", &n) : NULL;
	const char *end = watch_frame_string(annotations, n, "k8s.io/initial-events-end", &len);

	return is_text(end, len, "true");
}

int watch_frame_parse(struct watch_frame *f, char *json, size_t len, struct error *e)
{
	static const struct {
		const char *name;
		enum watch_frame_kind kind;
		enum watch_event event;
	} types[] = {
		{ "ADDED", WATCH_FRAME_OBJECT, WATCH_ADDED },
		{ "MODIFIED", WATCH_FRAME_OBJECT, WATCH_MODIFIED },
		{ "DELETED", WATCH_FRAME_OBJECT, WATCH_DELETED },
		{ "BOOKMARK", WATCH_FRAME_BOOKMARK, WATCH_MODIFIED },
		{ "ERROR", WATCH_FRAME_ERROR, WATCH_MODIFIED },
	};
	size_t n = 0;
	const char *type = watch_frame_string(json, len, "type", &n);
	*f = (struct watch_frame){ .kind = WATCH_FRAME_UNKNOWN };
	const char *object = scan_member(json, len, "object", &f->len);

	if (!type || !object || *object != '{')
		return error_set(e, EPROTO, "the server sent a watch frame without type or object");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (is_text(type, n, types[i].name)) {
			f->kind = types[i].kind;
			f->event = types[i].event;
		}
	}
	f->object = json + (object - json);
	if (f->kind == WATCH_FRAME_BOOKMARK && is_initial_end(f))
		f->kind = WATCH_FRAME_INITIAL_END;
	f->object[f->len] = '\0'; /* was the frame's own brace or comma */
	return 0;
}
