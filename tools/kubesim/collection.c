/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See collection.h. Pages of one list come from one snapshot, kept five minutes, as etcd keeps its
 * revisions: all pages show the same resourceVersion, and a token that outlived it gets 410.
 */
#include "tools/kubesim/collection.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/clock.h"
#include "tools/kubesim/reply.h"
#include "tools/kubesim/store.h"
#include "tools/kubesim/table.h"

#define COLLECTION_PAGED 64
#define COLLECTION_KEEP_NS (300 * CLOCK_NS_PER_S)

static struct paged {
	struct snapshot *snapshot;
	unsigned long long id;
	int64_t until_ns;
} paged[COLLECTION_PAGED];
static unsigned long long paged_last;

bool collection_selectors(struct request *r, const struct kind *k, struct selector **ret_labels,
			  struct selector **ret_fields)
{
	struct error e = ERROR_INIT;
	*ret_labels = *ret_fields = NULL;
	if (selector_parse(http_arg(r, "labelSelector"), ret_labels, &e) < 0) {
		reply_bad_request(r, "%s", e.text);
		return false;
	}
	if (selector_parse(http_arg(r, "fieldSelector"), ret_fields, &e) < 0) {
		reply_bad_request(r, "%s", e.text);
	} else {
		const char *unknown = selector_unknown_key(*ret_fields, k->fields);
		if (!unknown)
			return true;
		reply_bad_request(r, "field label not supported: %s", unknown);
	}
	selector_free(*ret_labels);
	selector_free(*ret_fields);
	return false;
}

/* Takes s; the oldest one makes room. */
static unsigned long long paged_keep(struct snapshot *s)
{
	struct paged *p = &paged[++paged_last % COLLECTION_PAGED];
	store_snapshot_free(p->snapshot);
	*p = (struct paged){ s, paged_last, clock_monotonic_ns() + COLLECTION_KEEP_NS };
	return paged_last;
}

static struct snapshot *paged_find(unsigned long long id)
{
	struct paged *p = &paged[id % COLLECTION_PAGED];
	return p->id == id && p->until_ns > clock_monotonic_ns() ? p->snapshot : NULL;
}

void collection_done(void)
{
	for (size_t i = 0; i < COLLECTION_PAGED; i++)
		store_snapshot_free(paged[i].snapshot);
	memset(paged, 0, sizeof(paged));
}

static void token_make(unsigned long long id, size_t at, char *out)
{
	char plain[64];
	int n = snprintf(plain, sizeof(plain), "{\"v\":\"kubesim\",\"id\":%llu,\"at\":%zu}", id,
			 at);
	EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)plain, n);
}

static bool token_read(const char *token, unsigned long long *ret_id, size_t *ret_at)
{
	char plain[256] = "";
	size_t n = strlen(token);
	if (n > 200 ||
	    EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)token, (int)n) < 0)
		return false;
	return sscanf(plain, "{\"v\":\"kubesim\",\"id\":%llu,\"at\":%zu}", ret_id, ret_at) == 2;
}

struct page {
	const struct kind *kind;
	const struct selector *labels, *fields;
	enum table_mode table;
	size_t limit; /* 0: all */
};

/* The rows of s from *at on; *at is where the next page begins (s->count: no more). */
static void page_rows(const struct page *p, const struct snapshot *s, size_t *at, struct buf *out)
{
	size_t sent = 0;
	for (; *at < s->count && (!p->limit || sent < p->limit); (*at)++) {
		const struct revision *v = s->items[*at];
		if (!selector_matches(p->labels, v->labels) ||
		    !selector_matches(p->fields, v->fields))
			continue;
		if (sent++)
			buf_add_char(out, ',');
		if (p->table == TABLE_OFF)
			buf_add(out, v->text, v->len);
		else
			table_row(p->kind, v, p->table, out);
	}
}

static void list_begin(const struct kind *k, uint64_t rv, const char *token, size_t remaining,
		       struct buf *out)
{
	char api[96];
	kind_api_version(k, api, sizeof(api));
	buf_printf(out,
		   "{\"kind\":\"%sList\",\"apiVersion\":\"%s\",\"metadata\":"
		   "{\"resourceVersion\":\"%llu\"",
		   k->kind, api, (unsigned long long)rv);
	if (token[0])
		buf_printf(out, ",\"continue\":\"%s\"", token);
	if (token[0] && remaining)
		buf_printf(out, ",\"remainingItemCount\":%zu", remaining);
	buf_add_str(out, "},\"items\":[");
}

/* Whether the resourceVersion asked for can be served; false: answered. */
static bool version_check(struct request *r)
{
	const char *rv = http_arg(r, "resourceVersion");
	const char *match = http_arg(r, "resourceVersionMatch");
	if (!rv || !rv[0])
		return true;
	char *end;
	unsigned long long n = strtoull(rv, &end, 10);
	if (*end) {
		reply_bad_request(r, "Invalid value: \"%s\": strconv.ParseUint", rv);
		return false;
	}
	if (n > store_rv()) {
		cJSON *cause = cJSON_CreateObject(), *causes = cJSON_CreateArray();
		cJSON_AddStringToObject(cause, "reason", "ResourceVersionTooLarge");
		cJSON_AddStringToObject(cause, "message", "Too large resource version");
		cJSON_AddItemToArray(causes, cause);
		http_header(r, "Retry-After", "1");
		reply_status(r,
			     &(struct reply_status){ .code = 504,
						     .reason = "Timeout",
						     .causes = causes,
						     .retry_after = 1 },
			     "Too large resource version: %llu, current: %llu", n,
			     (unsigned long long)store_rv());
		return false;
	}
	if (match && strcmp(match, "Exact") == 0 && n != store_rv() && n != 0) {
		reply_status(r, &(struct reply_status){ 410, "Expired" },
			     "The resourceVersion for the provided list is too old.");
		return false;
	}
	return true;
}

static void list_reply(struct request *r, const struct route *route, const struct page *p)
{
	const char *token = http_arg(r, "continue");
	unsigned long long id = 0;
	size_t at = 0;
	struct snapshot *s = NULL;
	if (token && token[0]) {
		if (!token_read(token, &id, &at)) {
			reply_bad_request(r, "continue key is not valid: %s", token);
			return;
		}
		s = paged_find(id);
		if (!s || at > s->count) {
			reply_status(r, &(struct reply_status){ 410, "Expired" },
				     "The provided continue parameter is too old to display a "
				     "consistent list result. You can start a new list without the "
				     "continue parameter.");
			return;
		}
	} else {
		s = store_snapshot(route->kind, route->ns);
	}
	_cleanup_(buf_done) struct buf rows = BUF_INIT;
	page_rows(p, s, &at, &rows);
	char next[128] = "";
	size_t remaining = p->labels || p->fields ? 0 : s->count - at;
	uint64_t rv = s->rv;
	if (at < s->count)
		token_make(id ? id : (id = paged_keep(s)), at, next);
	else if (!id)
		store_snapshot_free(s);
	struct buf body = BUF_INIT;
	if (p->table == TABLE_OFF)
		list_begin(route->kind, rv, next, remaining, &body);
	else
		table_begin(route->kind, rv, next, true, &body);
	buf_add(&body, buf_str(&rows), rows.len);
	buf_add_str(&body, "]}\n");
	http_reply(r, 200, "application/json", &body);
}

void collection_list(struct request *r, const struct route *route)
{
	_cleanup_(selector_freep) struct selector *labels = NULL;
	_cleanup_(selector_freep) struct selector *fields = NULL;
	struct selector *l, *f;
	if (!version_check(r) || !collection_selectors(r, route->kind, &l, &f))
		return;
	labels = l;
	fields = f;
	const char *limit = http_arg(r, "limit");
	const char *rv = http_arg(r, "resourceVersion");
	const char *token = http_arg(r, "continue");
	struct page p = { route->kind, labels, fields, table_wanted(r),
			  limit ? strtoul(limit, NULL, 10) : 0 };
	if (rv && strcmp(rv, "0") == 0 && !(token && token[0]))
		p.limit = 0; /* served from the watch cache, which knows no pages */
	list_reply(r, route, &p);
}
