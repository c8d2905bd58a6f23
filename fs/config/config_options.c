/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fstab, mount(8), systemd and people write into one list what belongs to the kernel, to libfuse,
 * to the init system and to us. Each word that is not ours is known here by name: an unknown one is
 * a typing error more often than not.
 */
#include "fs/config/config_options.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "k8s/base/cleanup.h"

/* libfuse 3.14 (lib/mount.c) takes these; "=" stands for a word with a value. */
static const char *const passed[] = {
	"ro",         "rw",          "suid",         "nosuid",    "dev",      "nodev",
	"exec",       "noexec",      "async",        "sync",      "dirsync",  "atime",
	"noatime",    "nodiratime",  "debug",        "fsname=",   "subtype=", "context=",
	"fscontext=", "defcontext=", "rootcontext=", "max_read=",
};

/* Meant for others, or what is always so here (both of allow_other and default_permissions). */
static const char *const dropped[] = {
	"defaults",   "auto",       "noauto",      "user",          "nouser",
	"users",      "group",      "owner",       "nofail",        "_netdev",
	"relatime",   "norelatime", "strictatime", "nostrictatime", "lazytime",
	"nolazytime", "diratime",   "silent",      "allow_other",   "default_permissions",
	"comment=",   "uhelper=",   "helper=",
};

static bool is_in(const char *const words[], size_t n, const char *key, bool has_value)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < n; i++) {
		size_t known = strcspn(words[i], "=");
		if (known == len && strncmp(words[i], key, len) == 0 &&
		    (words[i][known] == '=') == has_value)
			return true;
	}
	return false;
}

static int take_word(const struct buf *word, const char *raw, size_t raw_len,
		     config_options_set *set, void *data, struct buf *ret_fuse_options,
		     struct error *e)
{
	_cleanup_(buf_done) struct buf key = BUF_INIT;
	const char *text = buf_str(word);
	size_t len = strcspn(text, "=");
	const char *value = text[len] ? text + len + 1 : NULL;

	buf_add(&key, text, len);
	if (buf_error(&key) < 0)
		return error_oom(e);
	int r = set(data, buf_str(&key), value, e);
	if (r != 0)
		return r;
	if (strncmp(text, "x-", 2) == 0 ||
	    is_in(dropped, ARRAY_SIZE(dropped), buf_str(&key), value != NULL))
		return 0;
	if (strcmp(text, "auto_unmount") == 0)
		return error_set(e, EINVAL,
				 "mount option auto_unmount is not supported: a stale "
				 "mount is detached at the next start");
	if (!is_in(passed, ARRAY_SIZE(passed), buf_str(&key), value != NULL))
		return error_set(e, EINVAL,
				 "unknown mount option \"%.100s\"; weaverfs --help lists "
				 "them",
				 buf_str(&key));
	buf_add_str(ret_fuse_options, ret_fuse_options->len ? "," : "");
	buf_add(ret_fuse_options, raw, raw_len);
	return buf_error(ret_fuse_options) < 0 ? error_oom(e) : 0;
}

int config_options_read(const char *options, config_options_set *set, void *data,
			struct buf *ret_fuse_options, struct error *e)
{
	_cleanup_(buf_done) struct buf word = BUF_INIT;
	const char *start = options;

	for (const char *p = options;; p++) {
		if (p[0] == '\\' && p[1] == ',') {
			buf_add_char(&word, *++p);
			continue;
		}
		if (*p && *p != ',') {
			buf_add_char(&word, *p);
			continue;
		}
		if (buf_error(&word) < 0)
			return error_oom(e);
		if (word.len > 0) {
			int r = take_word(&word, start, (size_t)(p - start), set, data,
					  ret_fuse_options, e);
			if (r < 0)
				return r;
		}
		if (!*p)
			return 0;
		buf_reset(&word);
		start = p + 1;
	}
}
