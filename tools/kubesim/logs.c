/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See logs.h. The start of the answer is found by walking the stamps once: the file is scanned in
 * blocks, and what sinceTime or tailLines leave out is skipped. From there on lines are copied,
 * with or without their stamps, until the end of what there is, or, following, of the container.
 */
#include "tools/kubesim/logs.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"
#include "tools/kubesim/lifecycle.h"
#include "tools/kubesim/pod.h"
#include "tools/kubesim/reply.h"

#define LOGS_BATCH (64 * 1024)

struct logs {
	struct logfile *log;
	struct logfile_reader reader;
	struct request *r;
	off_t at;
	bool follow, stamps;
	size_t in_stamp; /* bytes of a line's stamp still to drop */
	int64_t limit;   /* bytes left, -1: no limit */
};

static void logs_close(void *data)
{
	struct logs *l = data;
	list_remove(&l->reader.all);
	logfile_unref(l->log);
	free(l);
}

/* Copies text without the stamps at line starts; the state spans calls. */
static void strip_add(struct logs *l, const char *text, size_t n, struct buf *out)
{
	while (n) {
		size_t drop = l->in_stamp < n ? l->in_stamp : n;
		text += drop;
		n -= drop;
		l->in_stamp -= drop;
		const char *newline = n ? memchr(text, '\n', n) : NULL;
		size_t line = newline ? (size_t)(newline - text) + 1 : n;
		buf_add(out, text, line);
		text += line;
		n -= line;
		if (newline)
			l->in_stamp = LOGFILE_STAMP;
	}
}

static bool logs_fill(struct request *r, void *data, struct buf *out)
{
	struct logs *l = data;
	static char block[LOGS_BATCH];
	(void)r;
	if (l->at < logfile_start(l->log)) {
		l->at = logfile_start(l->log); /* too slow: rotated away, and nobody says so */
		l->in_stamp = LOGFILE_STAMP;
	}
	ssize_t n = logfile_read(l->log, l->at, block, sizeof(block));
	if (n > 0) {
		l->at += n;
		if (l->stamps)
			buf_add(out, block, (size_t)n);
		else
			strip_add(l, block, (size_t)n, out);
	}
	if (l->limit >= 0) {
		if ((int64_t)out->len > l->limit)
			out->len = (size_t)l->limit;
		l->limit -= (int64_t)out->len;
		if (l->limit == 0)
			return false;
	}
	if (l->at < logfile_size(l->log))
		return true;
	return l->follow && !logfile_ended(l->log);
}

static const struct http_stream logs_stream = { logs_fill, logs_close };

static void logs_grown(struct logfile_reader *reader)
{
	struct logs *l = container_of(reader, struct logs, reader);
	http_wake(l->r);
}

/* ---- where to begin ---- */

struct scan {
	int64_t since_ns; /* lines before it are skipped */
	int64_t tail;     /* -1: all */
	off_t *starts;    /* ring of the last `tail` line starts */
	size_t lines;
	off_t first; /* start of the first line not skipped */
	bool found;
};

static void scan_line(struct scan *s, off_t start, const char *stamp, size_t len)
{
	int64_t ns;
	if (!s->found && (rfc3339_parse(stamp, len, &ns, NULL) < 0 || ns < s->since_ns))
		return;
	if (!s->found)
		s->first = start;
	s->found = true;
	if (s->tail > 0)
		s->starts[s->lines % (size_t)s->tail] = start;
	s->lines++;
}

static off_t scan_start(struct scan *s, const struct logfile *log)
{
	static char block[LOGS_BATCH];
	char stamp[LOGFILE_STAMP];
	size_t have = 0;
	off_t at = logfile_start(log), start = at;
	ssize_t n;
	bool in_stamp = true;
	while ((n = logfile_read(log, at, block, sizeof(block))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (in_stamp) {
				stamp[have++] = block[i];
				if (have < LOGFILE_STAMP)
					continue;
				scan_line(s, start, stamp, RFC3339_NANOS_LEN);
				in_stamp = false;
				continue;
			}
			const char *newline = memchr(block + i, '\n', (size_t)(n - i));
			if (!newline)
				break;
			i = newline - block;
			start = at + i + 1;
			have = 0;
			in_stamp = true;
		}
		at += n;
	}
	if (s->tail == 0 || !s->found)
		return at;
	if (s->tail > 0 && s->lines > (size_t)s->tail)
		return s->starts[s->lines % (size_t)s->tail];
	return s->first;
}

/* False: answered with 400. */
static bool since_read(struct request *r, int64_t *ret_ns)
{
	const char *time_arg = http_arg(r, "sinceTime"), *seconds = http_arg(r, "sinceSeconds");
	int64_t s = 0;
	if (time_arg && seconds) {
		reply_bad_request(r, "at most one of sinceTime or sinceSeconds may be specified");
		return false;
	}
	if (time_arg && rfc3339_parse_seconds(time_arg, &s, NULL) < 0) {
		reply_bad_request(r,
				  "parsing time \"%s\" as \"2006-01-02T15:04:05Z07:00\": cannot "
				  "parse",
				  time_arg);
		return false;
	}
	if (seconds)
		s = time(NULL) - atoll(seconds);
	*ret_ns = s * CLOCK_NS_PER_S;
	return true;
}

static bool container_pick(struct request *r, const struct object *pod, char *out, size_t size)
{
	_cleanup_(cJSON_Deletep) cJSON *json = store_json(pod);
	const cJSON *mains = json_at(json, "spec.containers");
	const cJSON *inits = json_at(json, "spec.initContainers");
	const char *name = http_arg(r, "container");
	if (name && name[0]) {
		snprintf(out, size, "%s", name);
		if (json_find_named(mains, name) || json_find_named(inits, name))
			return true;
		reply_bad_request(r, "container %s is not valid for pod %s", name, pod->name);
		return false;
	}
	if (cJSON_GetArraySize(mains) == 1 && cJSON_GetArraySize(inits) == 0) {
		snprintf(out, size, "%s", json_str_or(mains->child, "name", ""));
		return true;
	}
	_cleanup_(buf_done) struct buf names = BUF_INIT;
	const cJSON *c;
	cJSON_ArrayForEach(c, inits)
		buf_printf(&names, "%s%s", names.len ? " " : "", json_str_or(c, "name", ""));
	_cleanup_(buf_done) struct buf main_names = BUF_INIT;
	cJSON_ArrayForEach(c, mains)
		buf_printf(&main_names, "%s%s", main_names.len ? " " : "",
			   json_str_or(c, "name", ""));
	reply_bad_request(
		r, "a container name must be specified for pod %s, choose one of: [%s]%s%s%s",
		pod->name, buf_str(&main_names),
		names.len ? " or one of the init containers: [" : "", buf_str(&names),
		names.len ? "]" : "");
	return false;
}

struct found {
	struct logfile *log; /* a reference; NULL: see why */
	char why[512];       /* text for a 400 */
};

static void log_find(const struct object *pod, const char *container, bool previous,
		     struct found *ret)
{
	*ret = (struct found){ 0 };
	const struct container *c = lifecycle_container(pod, container);
	if (!c)
		return;
	if (previous) {
		if (c->previous)
			ret->log = logfile_ref(c->previous);
		else
			snprintf(ret->why, sizeof(ret->why),
				 "previous terminated container \"%s\" in pod \"%s\" not found",
				 container, pod->name);
		return;
	}
	if (c->log) {
		ret->log = logfile_ref(c->log);
		return;
	}
	const char *what = strcmp(c->reason, "ErrImagePull") == 0
				   ? "trying and failing to pull image"
			   : strcmp(c->reason, "ImagePullBackOff") == 0 ||
					   strcmp(c->reason, "InvalidImageName") == 0
				   ? "image can't be pulled"
				   : c->reason;
	bool pull = what != c->reason && c->reason[0];
	snprintf(ret->why, sizeof(ret->why),
		 "container \"%s\" in pod \"%s\" is waiting to start: %s", container, pod->name,
		 pull || c->reason[0] ? what : "ContainerCreating");
}

void logs_serve(struct request *r, const struct object *pod)
{
	char container[ROUTE_NAME_MAX];
	struct scan s = { .tail = -1 };
	const char *tail = http_arg(r, "tailLines"), *limit = http_arg(r, "limitBytes");
	if (!container_pick(r, pod, container, sizeof(container)) || !since_read(r, &s.since_ns))
		return;
	struct found found;
	log_find(pod, container, route_arg_true(r, "previous"), &found);
	if (!found.log) {
		_cleanup_(cJSON_Deletep) cJSON *json = store_json(pod);
		if (found.why[0] && json_str(json, "spec.nodeName"))
			reply_bad_request(r, "%s", found.why);
		else
			reply_text(r, 200, "text/plain",
				   ""); /* no node: an empty log, not an error */
		return;
	}
	struct logs *l = calloc(1, sizeof(*l));
	s.tail = tail ? atoll(tail) : -1;
	s.starts = calloc(s.tail > 0 ? (size_t)s.tail : 1, sizeof(off_t));
	if (!l || !s.starts)
		abort();
	*l = (struct logs){ .log = found.log,
			    .r = r,
			    .follow = route_arg_true(r, "follow"),
			    .stamps = route_arg_true(r, "timestamps"),
			    .in_stamp = LOGFILE_STAMP,
			    .limit = limit ? atoll(limit) : -1 };
	list_init(&l->reader.all);
	l->at = scan_start(&s, l->log);
	free(s.starts);
	l->reader.grown = logs_grown;
	if (l->follow)
		logfile_follow(l->log, &l->reader);
	http_stream_start(r, "text/plain", &logs_stream, l);
}
