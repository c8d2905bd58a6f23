/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP transfer of a request: curl's options and callbacks, and what its failures mean. Nothing
 * here calls the user: bytes are collected and handed over by request.c from a timer, because curl
 * allows no handle to be added or removed while it is inside a callback.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "k8s/base/clock.h"
#include "k8s/cluster.h"
#include "k8s/request_private.h"

#define REQUEST_CONNECT_MS 10000L
#define REQUEST_BODY_MAX (256U << 20)
#define REQUEST_ERROR_BODY_MAX (256U << 10)
/* The API server closes idle connections after 90 s; ours go earlier, so that they rarely meet. */
#define REQUEST_IDLE_S 60L

static const char *const request_attempt_methods[] = {
	[REQUEST_GET] = "GET",
	[REQUEST_POST] = "POST",
	[REQUEST_PATCH] = "PATCH",
	[REQUEST_DELETE] = "DELETE",
};

static size_t request_attempt_write(char *bytes, size_t size, size_t count, void *data)
{
	struct request *r = data;
	size_t len = size * count;
	bool good = r->http >= 200 && r->http < 300;
	struct buf *to = good && r->spec.on_data ? &r->pending : &r->reply_body;

	r->last_byte_ns = clock_monotonic_ns();
	if (!good && to->len >= REQUEST_ERROR_BODY_MAX)
		return len;
	if (to->len + len > REQUEST_BODY_MAX) {
		r->data_result = error_set(&r->error, EFBIG, "the reply is over 256 MiB");
		return 0;
	}
	buf_add(to, bytes, len);
	if (buf_error(to) < 0) {
		r->data_result = error_oom(&r->error);
		return 0;
	}
	if (to == &r->pending)
		loop_timer_set(r->client->loop, &r->flush, 0);
	return len;
}

/*
 * Warning: 299 - "text" (RFC 7234 §5.5); the text's \ escapes are undone. Several are joined, and
 * what a terminal might obey is escaped.
 */
static void request_attempt_add_warning(struct buf *out, const char *value, size_t len)
{
	const char *open = memchr(value, '"', len);
	const char *end = value + len;
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	for (const char *p = open ? open + 1 : value; p < end && (!open || *p != '"'); p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
		buf_add_char(&text, *p);
	}
	if (out->len > 0)
		buf_add_str(out, "; ");
	buf_add_escaped(out, buf_str(&text), text.len);
}

static bool request_attempt_header_is(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);

	return len > n && line[n] == ':' && strncasecmp(line, name, n) == 0;
}

static size_t request_attempt_header(char *line, size_t size, size_t count, void *data)
{
	struct request *r = data;
	size_t len = size * count;
	long http = 0;

	r->last_byte_ns = clock_monotonic_ns();
	curl_easy_getinfo(r->transfer.easy, CURLINFO_RESPONSE_CODE, &http);
	if (len > 5 && strncmp(line, "HTTP/", 5) == 0)
		buf_reset(&r->warning); /* a 100 Continue may have come before */
	else if (request_attempt_header_is(line, len, "warning"))
		request_attempt_add_warning(&r->warning, line + 8, strcspn(line + 8, "\r\n"));
	else if (request_attempt_header_is(line, len, "date"))
		client_note_date(r->client, curl_getdate(line + 5, NULL), r->started_ns);
	/* The empty line ends the headers; of a stream the rest may take hours. */
	else if (line[0] == '\r' && http >= 200) {
		r->http = (int)http;
		client_note_answered(r->client, r->http);
		if (r->spec.on_data)
			loop_timer_set(r->client->loop, &r->flush, 0);
	}
	return len;
}

static size_t request_attempt_read(char *out, size_t size, size_t count, void *data)
{
	struct request *r = data;
	size_t len = r->spec.body_len - r->body_sent;

	if (len > size * count)
		len = size * count;
	memcpy(out, r->body + r->body_sent, len);
	r->body_sent += len;
	return len;
}

/*
 * When a kept connection dies before a byte of the reply has come, curl sends the request again
 * over a new one, whatever its method: a POST that the dying server had carried out would be made
 * twice. curl does so only if it can rewind the body. So what is not idempotent is read through a
 * function that cannot be rewound (no CURLOPT_SEEKFUNCTION): curl then ends with
 * CURLE_SEND_FAIL_REWIND if any of the body had gone out, which is ambiguous, and still tries again
 * if none had.
 */
static void request_attempt_set_body(struct request *r, CURL *easy)
{
	const char *method = request_attempt_methods[r->spec.method];

	if (!r->body && r->spec.method == REQUEST_GET)
		return;
	if (!r->body && r->spec.method == REQUEST_DELETE) {
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->spec.body_len);
	if (r->spec.idempotent || !r->body) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body ? r->body : "");
		return;
	}
	r->body_sent = 0;
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, request_attempt_read);
	curl_easy_setopt(easy, CURLOPT_READDATA, r);
}

static int request_attempt_add_header(struct request *r, const char *name, const char *value,
				      struct error *e)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT;

	buf_printf(&line, "%s: %s", name, value);
	struct curl_slist *more =
		buf_error(&line) < 0 ? NULL : curl_slist_append(r->headers, line.data);
	if (!more)
		return error_oom(e);
	r->headers = more;
	return 0;
}

static int request_attempt_set_headers(struct request *r, CURL *easy, struct error *e)
{
	/*
	 * Logs are text, but kubectl asks for them this way, too. What was secret in the body shall
	 * not come back.
	 */
	const char *accept = r->spec.secret ? "application/json;as=PartialObjectMetadata;"
					      "g=meta.k8s.io;v=v1, application/json"
					    : "application/json, */*";
	int res = request_attempt_add_header(r, "Accept", accept, e);

	/* No waiting for a 100 Continue, which curl does with bodies over 1 MiB. */
	if (res == 0)
		res = request_attempt_add_header(r, "Expect", "", e);
	if (res == 0 && r->body && r->spec.content_type)
		res = request_attempt_add_header(r, "Content-Type", r->spec.content_type, e);
	if (res == 0)
		curl_easy_setopt(easy, CURLOPT_HTTPHEADER, r->headers);
	return res;
}

/* In ms, at least 1, rounded up. */
static long request_attempt_time_left(const struct request *r)
{
	int64_t ns = r->spec.deadline_ns - clock_monotonic_ns();

	if (ns <= 0)
		return 1;
	int64_t ms = (ns + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
	return ms < INT32_MAX ? (long)ms : INT32_MAX;
}

static void request_attempt_set_times(struct request *r, CURL *easy)
{
	struct loop *loop = r->client->loop;

	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, REQUEST_IDLE_S);
	if (r->spec.deadline_ns)
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, request_attempt_time_left(r));
	else
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, REQUEST_CONNECT_MS);
	r->started_ns = r->last_byte_ns = clock_monotonic_ns();
	if (r->spec.stall_ms > 0)
		loop_timer_set(loop, &r->stall, r->started_ns + r->spec.stall_ms * CLOCK_NS_PER_MS);
}

static void request_attempt_forget_reply(struct request *r)
{
	buf_reset(&r->reply_body);
	buf_reset(&r->pending);
	buf_reset(&r->warning);
	r->http = 0;
	r->data_result = 0;
	r->curl_error[0] = '\0';
}

int request_attempt_start(struct request *r, struct error *e)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		return error_oom(e);
	request_attempt_forget_reply(r);
	r->transfer = (struct loop_transfer){ .easy = easy, .done = request_attempt_done };
	r->generation = cluster_generation(r->client->cluster);

	int res = cluster_prepare(r->client->cluster, easy, r->path, &r->headers, e);
	if (res == 0)
		res = request_attempt_set_headers(r, easy, e);
	if (res == 0) {
		request_attempt_set_body(r, easy);
		curl_easy_setopt(easy, CURLOPT_USERAGENT, r->client->user_agent);
		curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, r->curl_error);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, request_attempt_write);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
		curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, request_attempt_header);
		curl_easy_setopt(easy, CURLOPT_HEADERDATA, r);
		request_attempt_set_times(r, easy);
		res = loop_transfer_start(r->client->loop, &r->transfer, e);
	}
	if (res < 0)
		request_attempt_end(r);
	else
		r->transferring = true;
	return res;
}

void request_attempt_end(struct request *r)
{
	if (r->transferring)
		loop_transfer_cancel(r->client->loop, &r->transfer);
	r->transferring = false;
	curl_easy_cleanup(r->transfer.easy);
	r->transfer.easy = NULL;
	curl_slist_free_all(r->headers);
	r->headers = NULL;
	loop_timer_cancel(&r->stall);
	loop_timer_cancel(&r->flush);
}

/* The server, or what stands for it, went away in the middle of the handshake: no fault of TLS. */
static bool request_attempt_was_cut(const struct request *r)
{
	return strstr(r->curl_error, "SSL_ERROR_SYSCALL") ||
	       strstr(r->curl_error, "SSL_connect: Connection") ||
	       strstr(r->curl_error, "unexpected eof");
}

static int request_attempt_unreachable(const struct request *r, struct error *e)
{
	const char *server = cluster_server(r->client->cluster);
	long os_errno = 0;

	/* curl's words name whom it did not reach, without a password */
	if (cluster_has_proxy(r->client->cluster))
		return error_set(e, EHOSTUNREACH, "cannot connect to %s through its proxy-url: %s",
				 server, r->curl_error);
	curl_easy_getinfo(r->transfer.easy, CURLINFO_OS_ERRNO, &os_errno);
	if (os_errno)
		return error_set(e, EHOSTUNREACH, "cannot connect to %s: %s", server,
				 strerror((int)os_errno));
	return error_set(e, EHOSTUNREACH, "cannot connect to %s: %s", server, r->curl_error);
}

static int request_attempt_tls_error(const struct request *r, struct error *e)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT;
	long verify_result = 0;

	curl_easy_getinfo(r->transfer.easy, CURLINFO_SSL_VERIFYRESULT, &verify_result);
	cluster_explain_tls(r->client->cluster, verify_result, r->curl_error, &why);
	return error_set(e, EPROTO, "no TLS connection to %s: %s",
			 cluster_server(r->client->cluster), buf_str(&why));
}

static int request_attempt_timeout(const struct request *r, bool connected, struct error *e)
{
	double s = (double)(clock_monotonic_ns() - r->started_ns) / (double)CLOCK_NS_PER_S;

	return error_set(e, ETIMEDOUT, "%s: %s within %.1f s", cluster_server(r->client->cluster),
			 r->http     ? "the reply did not end"
			 : connected ? "no answer"
				     : "no connection (is the API server stopped?)",
			 s);
}

int request_attempt_error(struct request *r, CURLcode code, bool *ret_ambiguous, struct error *e)
{
	CURL *easy = r->transfer.easy;
	curl_off_t ready_us = 0;
	long sent = 0;

	/* PRETRANSFER_TIME is set when the connection stands and the request is about to go out. */
	curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
	*ret_ambiguous = sent > 0;
	if (r->curl_error[0] == '\0')
		strncat(r->curl_error, curl_easy_strerror(code), sizeof(r->curl_error) - 1);

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_PROXY:
		return request_attempt_unreachable(r, e);
	case CURLE_SSL_CONNECT_ERROR:
		if (request_attempt_was_cut(r))
			return request_attempt_unreachable(r, e);
		return request_attempt_tls_error(r, e);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_USE_SSL_FAILED:
		return request_attempt_tls_error(r, e);
	case CURLE_OPERATION_TIMEDOUT:
		return request_attempt_timeout(r, ready_us > 0, e);
	case CURLE_OUT_OF_MEMORY:
		return error_oom(e);
	default:
		return error_set(e, EIO, "%s: %s", cluster_server(r->client->cluster),
				 r->curl_error);
	}
}
