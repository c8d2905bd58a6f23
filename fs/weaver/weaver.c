/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod's labels, annotations and states mean for a weaver. Annotations can be written by
 * anyone who may patch the pod, so each is checked and a bad one counts as missing.
 */
#include "fs/weaver/weaver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/weaver/podspec.h"
#include "fs/weaver/reason.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"
#include "k8s/base/uuid.h"

#define HOUR_S 3600
#define LIFETIME_HOURS 4 /* Loom's, where the annotation is missing or bad */
#define MODE_DEFAULT 0750

/* Longer than any lifetime there is, short enough to be multiplied and added. */
#define HOURS_MAX (100 * 365 * 24)

/*
 * A whole pod that the kubelet or the node controller has ended (Evicted, DeadlineExceeded, node
 * lost or shut down) has failed, whatever its process said when it got the signal; containers of a
 * lost node stay "running" in their last status. Else the weaver container alone decides, with its
 * exit code: an OOM kill of one of its children (reason OOMKilled, exit code 0, phase Succeeded)
 * leaves it succeeded, and `reason` tells of the kill. The phase would be late: it stays Running
 * for seconds, until the sidecar has ended too.
 */
enum weaver_status weaver_outcome(const struct pod *pod)
{
	const struct pod_container *c = pod_main(pod);
	bool failed = strcmp(pod->phase, "Failed") == 0;
	bool succeeded = strcmp(pod->phase, "Succeeded") == 0;
	enum pod_state state = c ? c->state : POD_STATE_NONE;

	if (failed && *pod->reason)
		return WEAVER_FAILED;
	if (state == POD_STATE_TERMINATED)
		return c->exit_code == 0 ? WEAVER_SUCCEEDED : WEAVER_FAILED;
	if (failed || succeeded)
		return failed ? WEAVER_FAILED : WEAVER_SUCCEEDED;
	if (state == POD_STATE_RUNNING)
		return WEAVER_RUNNING;
	if (state == POD_STATE_NONE && strcmp(pod->phase, "Running") == 0)
		return WEAVER_RUNNING;
	return WEAVER_PENDING;
}

enum weaver_status weaver_status(const struct pod *pod)
{
	return pod->deleted_s != 0 ? WEAVER_TERMINATING : weaver_outcome(pod);
}

const char *weaver_status_word(enum weaver_status status)
{
	static const char *const words[] = {
		[WEAVER_PENDING] = "pending",         [WEAVER_RUNNING] = "running",
		[WEAVER_SUCCEEDED] = "succeeded",     [WEAVER_FAILED] = "failed",
		[WEAVER_TERMINATING] = "terminating",
	};

	return words[status];
}

bool weaver_active(const struct pod *pod)
{
	return strcmp(pod->phase, "Succeeded") != 0 && strcmp(pod->phase, "Failed") != 0;
}

const char *weaver_id(const struct pod *pod)
{
	const char *id = pod_label(pod, LOOM_LABEL_ID);

	if (id && uuid_valid(id))
		return id;
	size_t prefix = strlen(LOOM_POD_PREFIX);
	if (strncmp(pod->name, LOOM_POD_PREFIX, prefix) == 0 && uuid_valid(pod->name + prefix))
		return pod->name + prefix;
	return pod->uid;
}

const char *weaver_name(const struct pod *pod)
{
	const char *name = pod_label(pod, LOOM_LABEL_NAME);

	return name && podspec_check_name(name, NULL) == 0 ? name : weaver_id(pod);
}

/* A whole number in decimal (or octal) and nothing else. */
static bool parse_number(const char *s, int base, int64_t max, int64_t *ret)
{
	char *end;

	if (!s || *s < '0' || *s > '9')
		return false;
	errno = 0;
	long long n = strtoll(s, &end, base);
	if (errno != 0 || *end || n > max)
		return false;
	*ret = n;
	return true;
}

static int64_t hard_limit(const struct pod *pod, const struct config *config)
{
	return pod->created_s + config->max_ttl_hours * HOUR_S;
}

int64_t weaver_limit(const struct pod *pod, const struct config *config)
{
	int64_t limit = hard_limit(pod, config);

	if (pod->started_s == 0 || pod->active_deadline_s == 0)
		return limit;
	int64_t deadline = pod->started_s + pod->active_deadline_s;
	return deadline < limit ? deadline : limit;
}

/* expires-at, a fraction of a second rounded up. */
static bool parse_expires(const struct pod *pod, int64_t *ret)
{
	const char *at = pod_annotation(pod, LOOM_ANNOTATION_EXPIRES);
	int64_t ns;

	if (!at || rfc3339_parse(at, strlen(at), &ns, NULL) < 0)
		return false;
	*ret = ns / CLOCK_NS_PER_S + (ns % CLOCK_NS_PER_S != 0);
	return true;
}

int64_t weaver_expires(const struct pod *pod, const struct config *config)
{
	int64_t limit = hard_limit(pod, config);
	int64_t hours, expires;

	if (!parse_expires(pod, &expires)) {
		const char *lifetime = pod_annotation(pod, LOOM_ANNOTATION_LIFETIME);
		if (!parse_number(lifetime, 10, HOURS_MAX, &hours) || hours == 0)
			hours = LIFETIME_HOURS;
		expires = pod->created_s + hours * HOUR_S;
	}
	return expires < limit ? expires : limit;
}

struct weaver_owner weaver_owner(const struct pod *pod, uid_t mount_uid, gid_t mount_gid)
{
	/* the highest number stands for "nobody in particular" in chown(2) */
	int64_t id_max = UINT32_MAX - 1;
	int64_t uid, gid, mode;
	struct weaver_owner owner = { mount_uid, mount_gid, MODE_DEFAULT };

	if (parse_number(pod_annotation(pod, LOOM_ANNOTATION_UID), 10, id_max, &uid) &&
	    parse_number(pod_annotation(pod, LOOM_ANNOTATION_GID), 10, id_max, &gid)) {
		owner.uid = (uid_t)uid;
		owner.gid = (gid_t)gid;
	}
	if (parse_number(pod_annotation(pod, LOOM_ANNOTATION_MODE), 8, 07777, &mode))
		owner.mode = (mode_t)mode & 0777;
	return owner;
}

bool weaver_hold(const struct pod *pod)
{
	const char *hold = pod_annotation(pod, LOOM_ANNOTATION_HOLD);

	return hold && (strcmp(hold, "1") == 0 || strcmp(hold, "true") == 0);
}

const struct pod_container *weaver_sidecar(const struct pod *pod)
{
	for (size_t i = 0; i < pod->n_init; i++)
		if (pod->init[i].restartable && strcmp(pod->init[i].name, LOOM_SIDECAR) == 0)
			return &pod->init[i];
	return NULL;
}

const char *weaver_env(const struct pod *pod, const char *name)
{
	/* of a name that is there twice the later one wins, as in the container */
	for (size_t i = pod->n_env; i > 0; i--) {
		if (strcmp(pod->env[i - 1].key, name) == 0)
			return pod->env[i - 1].value;
	}
	return NULL;
}

void weaver_reason(const struct reason_input *in, struct buf *out)
{
	_cleanup_(reason_done) struct reason r = { 0 };

	if (!reason_find(in, &r))
		return;
	buf_add_escaped(out, buf_str(&r.word), r.word.len);
	buf_add_str(out, ": ");
	buf_add_escaped(out, buf_str(&r.message), r.message.len);
	buf_add_char(out, '\n');
	hint_add(in, &r, out);
	if (buf_error(&r.word) < 0 || buf_error(&r.message) < 0)
		out->failed = true;
}
