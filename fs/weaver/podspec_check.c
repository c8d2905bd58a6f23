/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/weaver/podspec_check.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/quantity.h"
#include "k8s/base/utf8.h"

#define NAME_MAX_LABEL 63
#define HOUR_S 3600
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"
#define ALNUM LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGIT
#define IMAGE_PATH_MAX 255
#define TAG_MAX 128
#define KEY_MAX 253 /* of a Secret's key */

int podspec_check_name(const char *name, struct error *e)
{
	size_t len = strlen(name);

	if (*name == '.')
		return error_set(e, EPERM, "a weaver's name cannot begin with a dot");
	if (len > NAME_MAX_LABEL)
		return error_set(e, ENAMETOOLONG, "a weaver's name has at most %d characters",
				 NAME_MAX_LABEL);
	if (len == 0 || strspn(name, LOWER DIGIT "-") != len || name[0] == '-' ||
	    name[len - 1] == '-')
		return error_set(e, EINVAL,
				 "a weaver's name is made of a-z, 0-9 and -, with a "
				 "letter or digit at both ends");
	return 0;
}

/* ---- text ---- */

int podspec_check_text(const char *what, const char *text, bool tab, struct error *e)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		size_t len = utf8_length((const char *)p, strnlen((const char *)p, 4));
		bool control = *p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0);

		if (len == 0)
			return error_set(e, EINVAL, "%s: no UTF-8", what);
		if (control && !(tab && *p == '\t'))
			return error_set(e, EINVAL, "%s: a control character", what);
		p += len;
	}
	return 0;
}

int podspec_check_git(const char *what, const char *text, struct error *e)
{
	int r = podspec_check_text(what, text, false, e);

	if (r < 0)
		return r;
	if (*text == '-')
		return error_set(e, EINVAL, "%s: \"%.100s\" begins with a dash", what, text);
	if (strchr(text, ' '))
		return error_set(e, EINVAL, "%s: \"%.100s\" has a blank in it", what, text);
	return 0;
}

int podspec_check_workdir(const char *path, struct error *e)
{
	if (*path && *path != '/')
		return error_set(e, EINVAL, "workdir: \"%.100s\" is no absolute path", path);
	return podspec_check_text("workdir", path, false, e);
}

/* ---- image references ---- */

/* lower-case letters and digits, with one of . _ __ or any number of - between them */
static bool is_path_component(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t word = strspn(s + i, LOWER DIGIT);
		if (word == 0)
			return false;
		i += word;
		if (i >= len)
			return i == len;
		size_t dashes = strspn(s + i, "-");
		i += dashes ? dashes : s[i] == '_' && s[i + 1] == '_' ? 2 : 1;
		if (!dashes && !strchr("._", s[i - 1]))
			return false;
	}
	return false;
}

static bool is_path(const char *s, size_t len)
{
	if (len == 0 || len > IMAGE_PATH_MAX)
		return false;
	for (const char *end = s + len; s <= end;) {
		const char *slash = memchr(s, '/', (size_t)(end - s));
		size_t n = (size_t)((slash ? slash : end) - s);
		if (!is_path_component(s, n))
			return false;
		s += n + 1;
	}
	return true;
}

/* host, host:port or [address]:port */
static bool is_registry(const char *s, size_t len)
{
	const char *host_end = s + strspn(s, ALNUM ".-");

	if (*s == '[') {
		host_end = s + 1 + strspn(s + 1, ALNUM ":");
		if (*host_end++ != ']')
			return false;
	} else if (host_end == s || strchr(".-", *s) || strchr(".-", host_end[-1])) {
		return false;
	}
	if (*host_end == ':') {
		size_t digits = strspn(host_end + 1, DIGIT);
		return digits > 0 && host_end + 1 + digits == s + len;
	}
	return host_end == s + len;
}

/* sha256:… */
static bool is_digest(const char *s)
{
	size_t algorithm = strspn(s, ALNUM "+._-");
	size_t hex = s[algorithm] == ':' ? strspn(s + algorithm + 1, "0123456789abcdefABCDEF") : 0;

	return algorithm > 0 && hex >= 32 && !s[algorithm + 1 + hex];
}

static bool is_tag(const char *s, size_t len)
{
	return len > 0 && len <= TAG_MAX && !strchr(".-", *s) && strspn(s, ALNUM "_.-") >= len;
}

int podspec_check_image(const char *image, struct error *e)
{
	size_t first = strcspn(image, "/");
	const char *path = image;
	bool ok = true;

	if (!*image)
		return error_set(e, EINVAL, "image: empty");
	if (image[first] &&
	    (memchr(image, '.', first) || memchr(image, ':', first) ||
	     (first == strlen("localhost") && memcmp(image, "localhost", first) == 0))) {
		ok = is_registry(image, first);
		path = image + first + 1;
	}
	size_t len = strcspn(path, ":@");
	const char *at = strchr(path, '@');
	const char *tag = path[len] == ':' ? path + len + 1 : NULL;
	ok = ok && is_path(path, len) && (!at || is_digest(at + 1));
	if (tag)
		ok = ok && is_tag(tag, at ? (size_t)(at - tag) : strlen(tag));
	return ok ? 0
		  : error_set(e, EINVAL,
			      "image: \"%.100s\" is no image reference, as "
			      "ghcr.io/your-org/weaver:latest",
			      image);
}

/* ---- numbers and names ---- */

int podspec_check_quantity(const char *what, const char *text, struct error *e)
{
	int64_t n;
	int r = quantity_parse_milli(text, &n, e);

	if (r < 0)
		return error_wrap(e, r == -ERANGE ? -EINVAL : r, "%s", what);
	return n > 0 ? 0 : error_set(e, EINVAL, "%s: must be more than 0", what);
}

/* What Kubernetes takes for the name of an environment variable since always. */
static bool is_env_name(const char *s)
{
	return *s && !strchr(DIGIT, *s) && !s[strspn(s, ALNUM "_-.")] && strcmp(s, ".") != 0 &&
	       strncmp(s, "..", 2) != 0;
}

bool podspec_check_is_ours(const char *name)
{
	static const char *const names[] = {
		LOOM_ENV_REPO,    LOOM_ENV_BRANCH,           "LOOM_SERVER_URL",
		"LOOM_WEAVER_ID", "LOOM_SECRETS_SERVER_URL", "LOOM_SECRETS_ALLOW_INSECURE"
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

int podspec_check_key(const char *what, const char *key, struct error *e)
{
	if (!is_env_name(key) || strlen(key) > KEY_MAX)
		return error_set(e, EINVAL, "%s: \"%.100s\" is no name of a variable", what, key);
	if (podspec_check_is_ours(key))
		return error_set(e, EINVAL, "%s: %s is set by weaverfs%s", what, key,
				 strcmp(key, LOOM_ENV_REPO) == 0     ? ": write repo"
				 : strcmp(key, LOOM_ENV_BRANCH) == 0 ? ": write branch"
								     : "");
	if (strncmp(key, "LD_", 3) == 0)
		return error_set(e, EINVAL, "%s: %.100s: LD_* is not allowed", what, key);
	return 0;
}

/* ---- the whole ---- */

static int check_ttl(const struct podspec *s, const struct config *config, struct error *e)
{
	if (s->ttl_s <= config->max_ttl_hours * HOUR_S)
		return 0;
	return error_set(e, ERANGE,
			 "ttl: %" PRId64 " s is more than the longest lifetime, %" PRId64 " h",
			 s->ttl_s, config->max_ttl_hours);
}

int podspec_check_together(const struct podspec *s, const struct config *config, struct error *e)
{
	for (size_t i = 0; i < s->n_secrets; i++) {
		for (size_t k = 0; k < s->n_env; k++) {
			if (strcmp(s->secrets[i].key, s->env[k].key) == 0)
				return error_set(e, EINVAL, "%.100s is in env and in secrets",
						 s->env[k].key);
		}
	}
	return check_ttl(s, config, e);
}

int podspec_check_build(const struct podspec *s, const char *name, const struct config *config,
			struct error *e)
{
	int r = podspec_check_name(name, e);

	if (r < 0)
		return r;
	/* The setting's image is the operator's affair; the kubelet says InvalidImageName. */
	if (!s->image || !*s->image || strpbrk(s->image, " \t\n"))
		return error_set(e, EINVAL, "image: no image reference: \"%.100s\"",
				 s->image ? s->image : "");
	for (size_t i = 0; i < s->n_env; i++) {
		if (!is_env_name(s->env[i].key))
			return error_set(e, EINVAL, "env: no name of a variable: \"%.100s\"",
					 s->env[i].key);
	}
	r = check_ttl(s, config, e);
	if (r == 0 && s->cpu)
		r = podspec_check_quantity("cpu", s->cpu, e);
	return r == 0 && s->memory ? podspec_check_quantity("memory", s->memory, e) : r;
}
