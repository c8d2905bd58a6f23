/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/http_url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/error.h"

static int bad(const char *url, const char *why, struct error *e)
{
	return error_set(e, EINVAL, "\"%.200s\": %s", url, why);
}

/* text: "host", "host:port", "[v6]:port", of len bytes. */
static bool parse_authority(const char *text, size_t len, struct http_url *u)
{
	bool v6 = len > 0 && *text == '[';
	const char *end = v6 ? memchr(text, ']', len) : memchr(text, ':', len);
	size_t host = end ? (size_t)(end - text) - v6 : len;
	const char *port = end ? end + v6 : text + len;
	size_t port_len = (size_t)(text + len - port);

	if ((v6 && !end) || host == 0 || host >= sizeof(u->host) || len >= sizeof(u->authority))
		return false;
	snprintf(u->host, sizeof(u->host), "%.*s", (int)host, text + v6);
	snprintf(u->authority, sizeof(u->authority), "%.*s", (int)len, text);
	snprintf(u->port, sizeof(u->port), "%s", u->tls ? "443" : "80");
	if (port_len == 0)
		return true;
	if (*port != ':' || port_len < 2 || port_len > 6)
		return false;
	snprintf(u->port, sizeof(u->port), "%.*s", (int)port_len - 1, port + 1);
	long number = strtol(u->port, NULL, 10);
	return strspn(u->port, "0123456789") == port_len - 1 && number > 0 && number < 65536;
}

int http_url_parse(const char *url, struct http_url *ret, struct error *e)
{
	*ret = (struct http_url){ 0 };
	ret->tls = strncmp(url, "https://", 8) == 0;
	if (!ret->tls && strncmp(url, "http://", 7) != 0)
		return bad(url, "begins with neither https:// nor http://", e);
	const char *at = url + (ret->tls ? 8 : 7);
	size_t authority = strcspn(at, "/?#"), path = strlen(at + authority);

	if (memchr(at, '@', authority))
		return error_set(e, EINVAL,
				 "a password in a URL is for everybody to see: use the "
				 "token file");
	if (!parse_authority(at, authority, ret))
		return bad(url, "no host and port", e);
	if (strpbrk(at, "?# \t\r\n"))
		return bad(url, "has a query, a fragment or blanks", e);
	while (path > 0 && at[authority + path - 1] == '/')
		path--;
	if (path >= sizeof(ret->path))
		return bad(url, "its path is too long", e);
	memcpy(ret->path, at + authority, path);
	return 0;
}
