/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes are a weaver's own: each length is checked, compression pointers only go backwards, so
 * that no message is a loop. Names are in presentation form (RFC 1035, 5.1): a dot within a label
 * is \., a byte that is no printable ASCII \DDD.
 */
#include "sidecar/dns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define HEAD_LEN 12
#define TYPE_A 1
#define TYPE_AAAA 28
#define CLASS_IN 1

struct reader {
	const uint8_t *bytes;
	size_t len, at;
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static size_t put_byte(char *out, uint8_t c)
{
	if (c == '.' || c == '\\') {
		out[0] = '\\';
		out[1] = (char)c;
		return 2;
	}
	if (c > 0x20 && c < 0x7f) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = '\\';
	out[1] = (char)('0' + c / 100);
	out[2] = (char)('0' + c / 10 % 10);
	out[3] = (char)('0' + c % 10);
	return 4;
}

/* A name at r->at; out NULL: skipped. false: cut or damaged. */
static bool read_name(struct reader *r, char *out)
{
	size_t at = r->at, end = 0, limit = r->at, len = 0, bytes = 0;

	for (;;) {
		if (at >= r->len)
			return false;
		uint8_t n = r->bytes[at];
		if (n == 0)
			break;
		if ((n & 0xc0) == 0xc0) {
			if (at + 2 > r->len)
				return false;
			size_t to = get16(r->bytes + at) & 0x3fff;
			if (end == 0)
				end = at + 2;
			if (to >= limit)
				return false;
			at = limit = to;
			continue;
		}
		bytes += n + 1U;
		if (n > 63 || bytes > 255 || at + 1 + n > r->len)
			return false;
		for (size_t i = 0; out && i < n; i++)
			len += put_byte(out + len, r->bytes[at + 1 + i]);
		if (out)
			out[len++] = '.';
		at += 1U + n;
	}
	if (out) {
		if (len > 1)
			len--; /* the last dot, but of the root */
		else if (len == 0)
			out[len++] = '.';
		out[len] = '\0';
	}
	r->at = end ? end : at + 1;
	return true;
}

static void add_address(struct dns_message *m, uint8_t family, const uint8_t *bytes, size_t len,
			uint32_t ttl)
{
	if (m->count == 0 || ttl < m->ttl)
		m->ttl = ttl;
	if (m->count == DNS_ADDRESSES) {
		m->more++;
		return;
	}
	struct dns_address *a = &m->addresses[m->count++];
	a->family = family;
	memcpy(a->bytes, bytes, len);
	a->ttl = ttl;
}

/* One resource record of the answer section; false: cut or damaged. */
static bool read_answer(struct reader *r, struct dns_message *m)
{
	if (!read_name(r, NULL) || r->len - r->at < 10)
		return false;
	const uint8_t *p = r->bytes + r->at;
	uint16_t type = get16(p), class = get16(p + 2), len = get16(p + 8);
	uint32_t ttl = (uint32_t)get16(p + 4) << 16 | get16(p + 6);

	r->at += 10;
	if (len > r->len - r->at)
		return false;
	if (type == TYPE_A && class == CLASS_IN && len == 4)
		add_address(m, AF_INET, r->bytes + r->at, len, ttl);
	else if (type == TYPE_AAAA && class == CLASS_IN && len == 16)
		add_address(m, AF_INET6, r->bytes + r->at, len, ttl);
	r->at += len;
	return true;
}

int dns_parse(const uint8_t *bytes, size_t len, struct dns_message *ret)
{
	struct reader r = { bytes, len, HEAD_LEN };

	memset(ret, 0, offsetof(struct dns_message, addresses));
	memset(ret->addresses, 0, sizeof(ret->addresses));
	ret->count = ret->more = 0;
	ret->ttl = 0;
	if (len < HEAD_LEN)
		return -EBADMSG;
	ret->response = bytes[2] & 0x80;
	ret->partial = bytes[2] & 0x02; /* TC */
	ret->code = bytes[3] & 0x0f;
	ret->questions = get16(bytes + 4);
	if (ret->questions == 0 || !read_name(&r, ret->name) || r.len - r.at < 4)
		return -EBADMSG;
	ret->type = get16(bytes + r.at);
	r.at += 4;
	for (unsigned i = 1; i < ret->questions && !ret->partial; i++) {
		if (!read_name(&r, NULL) || r.len - r.at < 4)
			ret->partial = true;
		else
			r.at += 4;
	}
	for (unsigned n = get16(bytes + 6); n > 0 && ret->response; n--) {
		if (!read_answer(&r, ret)) {
			ret->partial = true;
			break;
		}
	}
	return 0;
}

const char *dns_type_name(uint16_t type)
{
	/* clang-format off */
	static const char *const names[] = {
		[1] = "A", [2] = "NS", [5] = "CNAME", [6] = "SOA", [12] = "PTR", [15] = "MX",
		[16] = "TXT", [28] = "AAAA", [33] = "SRV", [64] = "SVCB", [65] = "HTTPS",
		[255] = "ANY",
	};
	/* clang-format on */

	return type < sizeof(names) / sizeof(*names) ? names[type] : NULL;
}
