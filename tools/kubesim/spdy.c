/* SPDX-License-Identifier: Apache-2.0 */
/* See spdy.h. Numbers are in network order, lengths of 24 bits after 8 of flags. */
#include "tools/kubesim/spdy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"

#define SPDY_HEAD 8
#define SPDY_CONTROL 0x80030000u /* the control bit and the version */
#define SPDY_FIN 1
#define SPDY_ID_MASK 0x7fffffffu
#define SPDY_CONTROL_MAX (64 * 1024)

/* ---- header blocks ---- */

/* §2.6.10.1: each word with its length before it, then the rest. */
static const char *const dictionary_words[] = {
	"options",
	"head",
	"post",
	"put",
	"delete",
	"trace",
	"accept",
	"accept-charset",
	"accept-encoding",
	"accept-language",
	"accept-ranges",
	"age",
	"allow",
	"authorization",
	"cache-control",
	"connection",
	"content-base",
	"content-encoding",
	"content-language",
	"content-length",
	"content-location",
	"content-md5",
	"content-range",
	"content-type",
	"date",
	"etag",
	"expect",
	"expires",
	"from",
	"host",
	"if-match",
	"if-modified-since",
	"if-none-match",
	"if-range",
	"if-unmodified-since",
	"last-modified",
	"location",
	"max-forwards",
	"pragma",
	"proxy-authenticate",
	"proxy-authorization",
	"range",
	"referer",
	"retry-after",
	"server",
	"te",
	"trailer",
	"transfer-encoding",
	"upgrade",
	"user-agent",
	"vary",
	"via",
	"warning",
	"www-authenticate",
	"method",
	"get",
	"status",
	"200 OK",
	"version",
	"HTTP/1.1",
	"url",
	"public",
	"set-cookie",
	"keep-alive",
	"origin",
};
static const char dictionary_rest[] =
	"100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
	"203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request"
	"401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented"
	"503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 "
	"Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,"
	"application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age="
	"gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

static uint32_t number_at(const char *bytes)
{
	const unsigned char *b = (const unsigned char *)bytes;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void number_add(struct buf *b, uint32_t n)
{
	char bytes[4] = { (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n };
	buf_add(b, bytes, sizeof(bytes));
}

static void dictionary_make(struct buf *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(dictionary_words); i++) {
		number_add(b, (uint32_t)strlen(dictionary_words[i]));
		buf_add_str(b, dictionary_words[i]);
	}
	buf_add_str(b, dictionary_rest);
	if (buf_error(b))
		abort();
}

static int dictionary_give(z_stream *z, int (*give)(z_stream *, const Bytef *, uInt))
{
	_cleanup_(buf_done) struct buf words = BUF_INIT;
	dictionary_make(&words);
	return give(z, (const Bytef *)words.data, (uInt)words.len);
}

static int block_inflate(struct spdy_reader *r, const char *bytes, size_t len)
{
	z_stream *z = &r->zlib;
	if (!r->zlib_begun && inflateInit(z) != Z_OK)
		abort();
	r->zlib_begun = true;
	buf_reset(&r->headers);
	buf_reserve(&r->headers, SPDY_CONTROL_MAX);
	if (buf_error(&r->headers))
		abort();
	z->next_in = (const Bytef *)bytes;
	z->avail_in = (uInt)len;
	z->next_out = (Bytef *)r->headers.data;
	z->avail_out = SPDY_CONTROL_MAX;
	int result = inflate(z, Z_SYNC_FLUSH);
	if (result == Z_NEED_DICT && dictionary_give(z, inflateSetDictionary) == Z_OK)
		result = inflate(z, Z_SYNC_FLUSH);
	if (result != Z_OK || z->avail_in > 0 || z->avail_out == 0)
		return -EPROTO;
	r->headers.len = SPDY_CONTROL_MAX - z->avail_out;
	return 0;
}

/* A number and as many bytes; NULL: the block ends before. */
static const char *string_at(const char **at, const char *end, size_t *len)
{
	if (end - *at < 4)
		return NULL;
	const char *s = *at + 4;
	*len = number_at(*at);
	if (*len > (size_t)(end - s))
		return NULL;
	*at = s + *len;
	return s;
}

bool spdy_header(const struct spdy_frame *f, const char *name, char *out, size_t size)
{
	const char *at = f->bytes, *end = f->bytes + f->len;
	uint32_t count = f->len < 4 ? 0 : number_at(at);
	at += count ? 4 : 0;
	for (uint32_t i = 0; i < count; i++) {
		size_t name_len, value_len;
		const char *key = string_at(&at, end, &name_len);
		const char *value = key ? string_at(&at, end, &value_len) : NULL;
		if (!value)
			return false;
		if (name_len != strlen(name) || memcmp(key, name, name_len) != 0)
			continue;
		if (value_len >= size || memchr(value, '\0', value_len))
			return false;
		memcpy(out, value, value_len);
		out[value_len] = '\0';
		return true;
	}
	return false;
}

/* ---- reading ---- */

void spdy_reader_done(struct spdy_reader *r)
{
	buf_done(&r->in);
	buf_done(&r->headers);
	if (r->zlib_begun)
		inflateEnd(&r->zlib);
}

void spdy_reader_add(struct spdy_reader *r, const char *bytes, size_t len)
{
	buf_drop_front(&r->in, r->taken);
	r->taken = 0;
	buf_add(&r->in, bytes, len);
	if (buf_error(&r->in))
		abort();
}

static int data_read(struct spdy_reader *r, const char *at, size_t there, struct spdy_frame *f)
{
	f->type = SPDY_DATA;
	f->stream = r->data_stream;
	f->bytes = at;
	f->len = there < r->data_left ? there : r->data_left;
	r->data_left -= f->len;
	r->taken += f->len;
	f->fin = r->data_fin && r->data_left == 0;
	return 1;
}

static int control_read(struct spdy_reader *r, const char *at, size_t len, struct spdy_frame *f)
{
	/* What comes before the header block, or all there is. */
	static const uint8_t fixed[] = {
		[SPDY_SYN_STREAM] = 10, [SPDY_SYN_REPLY] = 4,    [SPDY_RST_STREAM] = 8,
		[SPDY_SETTINGS] = 4,    [SPDY_PING] = 4,         [SPDY_GOAWAY] = 8,
		[SPDY_HEADERS] = 4,     [SPDY_WINDOW_UPDATE] = 8
	};
	uint32_t head = number_at(at);
	f->type = (int)(head & 0xffff);
	f->fin = at[4] & SPDY_FIN;
	at += SPDY_HEAD;
	size_t before = (size_t)f->type < ARRAY_SIZE(fixed) ? fixed[f->type] : 0;
	if ((head & 0xffff0000u) != SPDY_CONTROL || f->type == SPDY_DATA || len < before)
		return -EPROTO;
	if (before)
		f->stream = number_at(at) & (f->type == SPDY_PING ? UINT32_MAX : SPDY_ID_MASK);
	if (f->type != SPDY_SYN_STREAM && f->type != SPDY_SYN_REPLY && f->type != SPDY_HEADERS)
		return 1;
	if (block_inflate(r, at + before, len - before) < 0)
		return -EPROTO;
	f->bytes = r->headers.data;
	f->len = r->headers.len;
	return 1;
}

int spdy_read(struct spdy_reader *r, struct spdy_frame *ret)
{
	const char *at = buf_str(&r->in) + r->taken;
	size_t there = r->in.len - r->taken;
	memset(ret, 0, sizeof(*ret));
	if (r->data_left)
		return there ? data_read(r, at, there, ret) : 0;
	if (there < SPDY_HEAD)
		return 0;
	size_t len = number_at(at + 4) & 0xffffff;
	if (at[0] & 0x80) {
		if (len > SPDY_CONTROL_MAX)
			return -EPROTO;
		if (there - SPDY_HEAD < len)
			return 0;
		r->taken += SPDY_HEAD + len;
		return control_read(r, at, len, ret);
	}
	r->taken += SPDY_HEAD;
	r->data_stream = number_at(at);
	r->data_left = len;
	r->data_fin = at[4] & SPDY_FIN;
	if (len && there == SPDY_HEAD)
		return 0;
	return data_read(r, at + SPDY_HEAD, there - SPDY_HEAD, ret);
}

/* ---- writing ---- */

void spdy_writer_done(struct spdy_writer *w)
{
	if (w->zlib_begun)
		deflateEnd(&w->zlib);
}

static void control_add(struct buf *out, enum spdy_type type, size_t len)
{
	number_add(out, SPDY_CONTROL | type);
	number_add(out, (uint32_t)len);
}

void spdy_add_reply(struct spdy_writer *w, struct buf *out, uint32_t stream)
{
	static const Bytef none[4] = { 0 };
	Bytef block[256];
	z_stream *z = &w->zlib;
	if (!w->zlib_begun && (deflateInit(z, Z_BEST_COMPRESSION) != Z_OK ||
			       dictionary_give(z, deflateSetDictionary) != Z_OK))
		abort();
	w->zlib_begun = true;
	z->next_in = none;
	z->avail_in = sizeof(none);
	z->next_out = block;
	z->avail_out = sizeof(block);
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_out == 0)
		abort();
	size_t len = sizeof(block) - z->avail_out;
	control_add(out, SPDY_SYN_REPLY, 4 + len);
	number_add(out, stream);
	buf_add(out, block, len);
}

void spdy_add_data(struct buf *out, uint32_t stream, bool fin, const char *bytes, size_t len)
{
	number_add(out, stream);
	number_add(out, (fin ? (uint32_t)SPDY_FIN << 24 : 0) | (uint32_t)len);
	buf_add(out, bytes, len);
}

void spdy_add_reset(struct buf *out, uint32_t stream, enum spdy_status status)
{
	control_add(out, SPDY_RST_STREAM, 8);
	number_add(out, stream);
	number_add(out, status);
}

void spdy_add_ping(struct buf *out, uint32_t number)
{
	control_add(out, SPDY_PING, 4);
	number_add(out, number);
}

void spdy_add_goaway(struct buf *out, uint32_t last_good, uint32_t status)
{
	control_add(out, SPDY_GOAWAY, 8);
	number_add(out, last_good);
	number_add(out, status);
}
