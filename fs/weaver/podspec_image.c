/* SPDX-License-Identifier: Apache-2.0 */
/* An image reference in label values. */
#include <string.h>

#include "fs/weaver/podspec.h"

#define LABEL_MAX 63

/* ASCII whatever the locale. */
static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* As a label's value: other characters become _, ends are alphanumeric, 63 at most. */
static void add_label_value(struct buf *out, const char *s, size_t len)
{
	while (len && !is_alnum(*s)) {
		s++;
		len--;
	}
	if (len > LABEL_MAX)
		len = LABEL_MAX;
	while (len && !is_alnum(s[len - 1]))
		len--;
	for (size_t i = 0; i < len; i++)
		buf_add_char(out, is_alnum(s[i]) || strchr("._-", s[i]) ? s[i] : '_');
}

/* The length of the registry in front of the first slash, 0: it has none. */
static size_t registry_len(const char *image)
{
	size_t len = strcspn(image, "/");

	if (!image[len])
		return 0;
	if (memchr(image, '.', len) || memchr(image, ':', len) ||
	    (len == 9 && memcmp(image, "localhost", 9) == 0))
		return len;
	return 0;
}

void podspec_image_labels(const char *image, struct buf *image_label, struct buf *registry,
			  struct buf *name)
{
	size_t len = registry_len(image);
	const char *path = len ? image + len + 1 : image;

	add_label_value(image_label, image, strlen(image));
	if (len)
		add_label_value(registry, image, len);
	else
		buf_add_str(registry, "docker.io");
	/* no tag, no digest: the registry with its port is gone already */
	add_label_value(name, path, strcspn(path, ":@"));
}
