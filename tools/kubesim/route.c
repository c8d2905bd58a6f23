/* SPDX-License-Identifier: Apache-2.0 */
/* See route.h. */
#include "tools/kubesim/route.h"

#include <string.h>
#include <strings.h>

/* Copies the next path segment; false: none left, or too long. */
static bool segment(const char **p, char *out, size_t size)
{
	while (**p == '/')
		(*p)++;
	size_t n = strcspn(*p, "/");
	if (n == 0 || n >= size)
		return false;
	memcpy(out, *p, n);
	out[n] = '\0';
	*p += n;
	return true;
}

bool route_arg_true(const struct request *r, const char *name)
{
	const char *v = http_arg(r, name);
	return v && (strcmp(v, "1") == 0 || strcasecmp(v, "true") == 0);
}

bool route_parse(const struct request *r, struct route *ret)
{
	memset(ret, 0, sizeof(*ret));
	const char *p = r->path;
	char root[16], group[96] = "", version[32], word[64];
	if (!segment(&p, root, sizeof(root)))
		return false;
	if (strcmp(root, "apis") == 0) {
		if (!segment(&p, group, sizeof(group)))
			return false;
	} else if (strcmp(root, "api") != 0) {
		return false;
	}
	if (!segment(&p, version, sizeof(version)) || !segment(&p, word, sizeof(word)))
		return false;
	if (strcmp(word, "namespaces") == 0) {
		const char *before = p;
		char kind[64];
		if (segment(&p, ret->ns, sizeof(ret->ns)) && segment(&p, kind, sizeof(kind)) &&
		    kind_find(group, version, kind)) {
			memcpy(word, kind, sizeof(word));
		} else {
			p = before; /* the namespace itself, perhaps with a subresource */
			ret->ns[0] = '\0';
		}
	}
	ret->kind = kind_find(group, version, word);
	if (!ret->kind)
		return false;
	if (segment(&p, ret->name, sizeof(ret->name)))
		segment(&p, ret->sub, sizeof(ret->sub));
	ret->watch = r->method == HTTP_GET && route_arg_true(r, "watch");
	return true;
}

const char *route_verb(const struct request *r)
{
	struct route route;
	bool resource = route_parse(r, &route);
	bool one = resource && route.name[0];
	switch (r->method) {
	case HTTP_GET:
		return resource && route.watch ? "watch" : resource && !one ? "list" : "get";
	case HTTP_POST:
		return "create";
	case HTTP_PUT:
		return "update";
	case HTTP_PATCH:
		return "patch";
	case HTTP_DELETE:
		return resource && !one ? "deletecollection" : "delete";
	case HTTP_OTHER:
	default:
		return "options";
	}
}

const char *route_method(const struct request *r)
{
	static const char *const names[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "OTHER" };
	return names[r->method];
}
