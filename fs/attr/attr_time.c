/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a weaver ends: ttl, expires, created. Both writable files set the same two annotations; the
 * second one is for Loom's own cleaner, which counts whole hours from the creation and would kill
 * an extended weaver. Times are whole seconds of the API server's clock, never ours.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fs/attr/attr_handlers.h"
#include "fs/config/config.h"
#include "fs/weaver/podspec.h"
#include "fs/weaver/weaver.h"
#include "k8s/base/clock.h"
#include "k8s/base/duration.h"
#include "k8s/base/rfc3339.h"
#include "k8s/pod.h"

#define HOUR_S 3600

static int show_time(struct buf *out, int64_t seconds, struct error *e)
{
	char stamp[RFC3339_SECONDS_LEN + 1];

	rfc3339_format(seconds, stamp);
	buf_printf(out, "%s\n", stamp);
	return attr_done(out, e);
}

int ttl_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	int64_t left;

	if (w->pod)
		left = weaver_expires(w->pod, w->fs->config) - w->now_s;
	else
		left = w->spec->ttl_s ? w->spec->ttl_s : w->fs->config->default_ttl_hours * HOUR_S;
	buf_printf(out, "%" PRId64 "\n", left > 0 ? left : 0);
	return attr_done(out, e);
}

int expires_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	return show_time(out, weaver_expires(w->pod, w->fs->config), e);
}

int created_show(const struct weaver_view *w, struct buf *out, struct error *e)
{
	return show_time(out, w->pod->created_s, e);
}

static int set_expires(struct store_ctx *c, int64_t expires, struct error *e)
{
	const struct weaver_view *w = &c->view;
	int64_t limit = weaver_limit(w->pod, w->fs->config);
	int64_t hours = (expires - w->pod->created_s + HOUR_S - 1) / HOUR_S;
	char stamp[RFC3339_SECONDS_LEN + 1], latest[RFC3339_SECONDS_LEN + 1];
	char lifetime[24];

	if (expires <= w->now_s)
		return error_set(e, EINVAL, "no time would be left; rmdir ends a weaver at once");
	if (expires > limit) {
		rfc3339_format(limit, latest);
		return error_set(e, ERANGE,
				 "beyond %s, the latest this weaver can live (maxTtlHours %" PRId64
				 ", counted from its creation)",
				 latest, w->fs->config->max_ttl_hours);
	}
	rfc3339_format(expires, stamp);
	snprintf(lifetime, sizeof(lifetime), "%" PRId64, hours > 1 ? hours : 1);
	int r = store_annotation(c, LOOM_ANNOTATION_EXPIRES, stamp);
	if (r == 0)
		r = store_annotation(c, LOOM_ANNOTATION_LIFETIME, lifetime);
	return r < 0 ? error_oom(e) : 0;
}

/* What was written as a string; -EINVAL: too long, or with a NUL inside. */
static int take_text(const char *in, size_t len, char *to, size_t size, struct error *e)
{
	if (len >= size || memchr(in, '\0', len))
		return error_set(e, EINVAL, "not a time: too long, or not text");
	memcpy(to, in, len);
	to[len] = '\0';
	return 0;
}

int ttl_store(struct store_ctx *c, const char *in, size_t len, struct error *e)
{
	const struct weaver_view *w = &c->view;
	struct duration d;
	char text[64];

	int r = take_text(in, len, text, sizeof(text), e);
	if (r == 0)
		r = duration_parse(text, &d, e);
	if (r < 0)
		return error_wrap(e, r, "ttl");
	int64_t from = d.relative ? weaver_expires(w->pod, w->fs->config) : w->now_s;
	r = set_expires(c, from + d.seconds, e);
	return r < 0 ? error_wrap(e, r, "ttl \"%s\"", text) : 0;
}

int expires_store(struct store_ctx *c, const char *in, size_t len, struct error *e)
{
	char text[64];
	int64_t ns;

	int r = take_text(in, len, text, sizeof(text), e);
	if (r == 0)
		r = rfc3339_parse(text, strlen(text), &ns, e);
	if (r < 0)
		return error_wrap(e, r, "expires");
	r = set_expires(c, ns / CLOCK_NS_PER_S + (ns % CLOCK_NS_PER_S != 0), e);
	return r < 0 ? error_wrap(e, r, "expires \"%s\"", text) : 0;
}
