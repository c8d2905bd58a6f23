/* SPDX-License-Identifier: Apache-2.0 */
/* See request.h. */
#include "tools/kubesim/request.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"

void request_free(struct request *r)
{
	if (r->stream)
		r->stream->close(r->stream_data);
	loop_unwatch(&r->hangup);
	loop_timer_stop(&r->delay);
	for (size_t i = 0; i < r->arg_count; i++)
		free(r->args[i].name);
	free(r->path);
	free(r->accept);
	free(r->content_type);
	free(r->authorization);
	free(r->user_agent);
	buf_done(&r->body);
	buf_done(&r->chunks);
	buf_done(&r->head);
	buf_done(&r->out);
	free(r);
}

static char *header_copy(struct lws *wsi, enum lws_token_indexes token)
{
	int n = lws_hdr_total_length(wsi, token);
	char *s = calloc(1, (size_t)n + 1);
	if (s && n > 0 && lws_hdr_copy(wsi, s, n + 1, token) < 0)
		s[0] = '\0';
	return s;
}

static void args_read(struct request *r, struct lws *wsi)
{
	int room = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) + 1;
	for (int i = 0; i < HTTP_MAX_ARGS; i++) {
		char *s = calloc(1, (size_t)room + 1);
		if (!s)
			return;
		if (lws_hdr_copy_fragment(wsi, s, room, WSI_TOKEN_HTTP_URI_ARGS, i) < 0) {
			free(s);
			return;
		}
		char *equals = strchr(s, '=');
		if (equals)
			*equals = '\0';
		r->args[r->arg_count].name = s;
		r->args[r->arg_count].value = equals ? equals + 1 : s + strlen(s);
		r->arg_count++;
	}
}

struct request *request_new(struct lws *wsi)
{
	static const struct {
		enum lws_token_indexes token;
		enum http_method method;
	} methods[] = {
		{ WSI_TOKEN_GET_URI, HTTP_GET },       { WSI_TOKEN_POST_URI, HTTP_POST },
		{ WSI_TOKEN_PUT_URI, HTTP_PUT },       { WSI_TOKEN_PATCH_URI, HTTP_PATCH },
		{ WSI_TOKEN_DELETE_URI, HTTP_DELETE },
	};
	struct request *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->wsi = wsi;
	r->hangup.fd = -1;
	r->method = HTTP_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (lws_hdr_total_length(wsi, methods[i].token) == 0)
			continue;
		r->method = methods[i].method;
		r->path = header_copy(wsi, methods[i].token);
	}
	if (!r->path)
		r->path = strdup("/");
	args_read(r, wsi);
	r->accept = header_copy(wsi, WSI_TOKEN_HTTP_ACCEPT);
	r->content_type = header_copy(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
	r->authorization = header_copy(wsi, WSI_TOKEN_HTTP_AUTHORIZATION);
	r->user_agent = header_copy(wsi, WSI_TOKEN_HTTP_USER_AGENT);
	if (r->path && r->accept && r->content_type && r->authorization && r->user_agent)
		return r;
	request_free(r);
	return NULL;
}

/* RFC 9112 §7.1, without trailers: true when the last chunk is there and r->body is complete. */
bool request_unchunk(struct request *r)
{
	const char *at = buf_str(&r->chunks), *end = at + r->chunks.len;
	buf_reset(&r->body);
	while (at < end) {
		char *digits_end;
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		unsigned long n = strtoul(at, &digits_end, 16);
		if (!line_end || n > (unsigned long)(end - line_end))
			return false;
		if (n == 0)
			return true;
		buf_add(&r->body, line_end + 1, n);
		at = line_end + 1 + n + 2;
	}
	return false;
}
