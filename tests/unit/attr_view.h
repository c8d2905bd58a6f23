/* SPDX-License-Identifier: Apache-2.0 */
/* What an attribute handler gets, for unit tests: one weaver, or a podspec. */
#pragma once
#include "tests/unit/pods.h"

#include "fs/attr/attr_handlers.h"
#include "fs/config/config.h"
#include "fs/weaver/podspec.h"

#define ATTR_VIEW_NOW INT64_C(1767229200) /* 2026-01-01T01:00:00Z */

struct attr_view {
	struct config config;
	struct weaverfs fs;
	struct registry_view registered;
	struct weaver_view view;
};

/* pod (borrowed) or spec; *v may not be moved afterwards. */
static inline void attr_view_init(struct attr_view *v, struct pod *pod, const struct podspec *spec)
{
	memset(v, 0, sizeof(*v));
	v->config.max_ttl_hours = 48;
	v->config.default_ttl_hours = 4;
	v->fs.config = &v->config;
	v->fs.uid = 7;
	v->fs.gid = 8;
	v->registered.pod = pod;
	v->view.fs = &v->fs;
	v->view.now_s = ATTR_VIEW_NOW;
	v->view.w = pod ? &v->registered : NULL;
	v->view.pod = pod;
	v->view.spec = spec;
}

typedef int attr_view_show(const struct weaver_view *w, struct buf *out, struct error *e);

static inline void attr_view_check(const struct attr_view *v, attr_view_show *show,
				   const char *expected)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT;

	assert_int_equal(show(&v->view, &out, NULL), 0);
	assert_string_equal(buf_str(&out), expected);
}

/* The same of a pod given as JSON. */
static inline void attr_view_check_pod(const char *json, attr_view_show *show, const char *expected)
{
	_cleanup_(pod_unrefp) struct pod *pod = pods_parse(json);
	struct attr_view v;

	attr_view_init(&v, pod, NULL);
	attr_view_check(&v, show, expected);
}
