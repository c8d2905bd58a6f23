/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>

struct error;

struct http_url {
	bool tls;
	char host[256]; /* without the brackets of IPv6 */
	char port[6];
	char path[512];      /* without a / at its end: "" or "/x" */
	char authority[272]; /* for Host: */
};
/* http://HOST[:PORT][/PATH] and https. No user:password, no query. -EINVAL with the reason. */
int http_url_parse(const char *url, struct http_url *ret, struct error *e);
