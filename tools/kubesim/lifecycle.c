/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See lifecycle.h. A pod is driven by lifecycle_step(): it looks at the containers in their order
 * and does the one next thing. Ending is one path for a DELETE, a deadline and a natural end: the
 * main containers get SIGTERM, then the sidecars, after the grace period everything SIGKILL; when
 * all are down the final phase is published, and a deleted pod's object goes away a moment later.
 */
#include "tools/kubesim/lifecycle.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "k8s/base/rfc3339.h"
#include "tools/kubesim/delete.h"
#include "tools/kubesim/event.h"
#include "tools/kubesim/pod.h"
#include "tools/kubesim/quota.h"

#define STEP_MS 15            /* between the scheduler's, the kubelet's and the runtime's part */
#define SIDECAR_MIN_GRACE_S 2 /* what is left for sidecars when the main containers used it up */
#define REMOVE_MS 260         /* from the final status to DELETED; a follow has ended by then */
#define MOUNT_RETRY_MS 2000

static struct list pods = LIST_INIT(pods);
static char state_dir[400];
static unsigned int addresses;

const char *lifecycle_state_dir(void)
{
	return state_dir;
}

const char *lifecycle_restart_policy(const struct pod *p)
{
	return json_str_or(p->json, "spec.restartPolicy", "Always");
}

/* ---- making and freeing ---- */

static void container_init(struct pod *p, struct container *c, const cJSON *spec, bool init)
{
	bool sidecar = init && strcmp(json_str_or(spec, "restartPolicy", ""), "Always") == 0;
	*c = (struct container){ .pod = p, .spec = spec, .name = json_str_or(spec, "name", "") };
	list_init(&c->taps);
	c->role = !init ? CONTAINER_MAIN : sidecar ? CONTAINER_SIDECAR : CONTAINER_INIT;
	snprintf(c->reason, sizeof(c->reason), "%s",
		 p->init_count ? "PodInitializing" : "ContainerCreating");
}

static struct pod *pod_new(struct object *o)
{
	struct pod *p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	p->object = o;
	p->uid = o->uid;
	p->json = store_json(o);
	const cJSON *inits = json_at(p->json, "spec.initContainers");
	const cJSON *mains = json_at(p->json, "spec.containers");
	p->init_count = (size_t)cJSON_GetArraySize(inits);
	p->count = p->init_count + (size_t)cJSON_GetArraySize(mains);
	p->containers = calloc(p->count, sizeof(*p->containers));
	if (!p->containers)
		abort();
	size_t n = 0;
	const cJSON *c;
	cJSON_ArrayForEach(c, inits)
		container_init(p, &p->containers[n++], c, true);
	cJSON_ArrayForEach(c, mains)
		container_init(p, &p->containers[n++], c, false);
	p->cpu_milli = quota_pod_sum(p->json, "requests", "cpu");
	p->memory_milli = quota_pod_sum(p->json, "requests", "memory");
	p->grace_s = json_int(p->json, "spec.terminationGracePeriodSeconds", 30);
	addresses++;
	snprintf(p->ip, sizeof(p->ip), "127.88.%u.%u", addresses / 250 % 250, addresses % 250 + 2);
	snprintf(p->dir, sizeof(p->dir), "%s/pods/%s", state_dir, p->uid);
	list_push_back(&pods, &p->all);
	o->run = p;
	return p;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void pod_free(struct pod *p)
{
	list_remove(&p->all);
	loop_timer_stop(&p->step);
	loop_timer_stop(&p->deadline);
	loop_timer_stop(&p->grace);
	for (size_t i = 0; i < p->count; i++)
		container_done(&p->containers[i]);
	cgroup_remove_pod(p->uid);
	nftw(p->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	cJSON_Delete(p->json);
	free(p->containers);
	p->object->run = NULL;
	free(p);
}

/* ---- the scheduler ---- */

static void schedule(struct loop_timer *t);

static bool selector_fits(const struct pod *p)
{
	static const char *const labels[][2] = { { "kubernetes.io/hostname", LIFECYCLE_NODE },
						 { "kubernetes.io/os", "linux" },
						 { "kubernetes.io/arch", "amd64" } };
	cJSON *want;
	cJSON_ArrayForEach(want, json_at(p->json, "spec.nodeSelector")) {
		bool has = false;
		for (size_t i = 0; i < ARRAY_SIZE(labels) && !has; i++)
			has = strcmp(want->string, labels[i][0]) == 0 && want->valuestring &&
			      strcmp(want->valuestring, labels[i][1]) == 0;
		if (!has)
			return false;
	}
	return true;
}

/* Why p does not fit on the node, in the scheduler's words; NULL: it does. */
static const char *misfit(const struct pod *p)
{
	if (!selector_fits(p))
		return "1 node(s) didn't match Pod's node affinity/selector";
	int64_t cpu = p->cpu_milli, memory = p->memory_milli;
	list_for_each(other, &pods, struct pod, all) {
		if (!other->scheduled || other->finished)
			continue;
		cpu += other->cpu_milli;
		memory += other->memory_milli;
	}
	if (cpu > LIFECYCLE_CPU_MILLI)
		return "1 Insufficient cpu";
	return memory / 1000 > LIFECYCLE_MEMORY ? "1 Insufficient memory" : NULL;
}

static void kubelet_sees(struct loop_timer *t);

static void schedule(struct loop_timer *t)
{
	struct pod *p = container_of(t, struct pod, step);
	const char *why = misfit(p);
	if (why) {
		char text[400];
		snprintf(
			text, sizeof(text),
			"0/1 nodes are available: %s. no new claims to deallocate, preemption: 0/1 "
			"nodes are available: 1 Preemption is not helpful for scheduling.",
			why);
		podstatus_unschedulable(p, text);
		event_record(p->object,
			     &(struct event){ "Warning", "FailedScheduling", "default-scheduler",
					      NULL },
			     "%s", text);
		return;
	}
	p->scheduled = true;
	podstatus_publish(p);
	event_record(p->object, &(struct event){ "Normal", "Scheduled", "default-scheduler", NULL },
		     "Successfully assigned %s/%s to " LIFECYCLE_NODE, p->object->ns,
		     p->object->name);
	loop_timer_set(&p->step, STEP_MS, kubelet_sees);
}

/* Somebody left: those who found no room try again. */
static void reschedule(void)
{
	list_for_each(p, &pods, struct pod, all)
		if (!p->scheduled && !p->foreign && !p->gated && !p->deleting)
			loop_timer_set(&p->step, STEP_MS, schedule);
}

/* ---- the end ---- */

static void pod_remove(struct loop_timer *t)
{
	struct pod *p = container_of(t, struct pod, step);
	struct object *o = p->object;
	pod_free(p);
	delete_finish(o);
	reschedule();
}

static bool any_running(const struct pod *p, bool mains_only)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct container *c = &p->containers[i];
		if (c->sandbox && (!mains_only || c->role != CONTAINER_SIDECAR))
			return true;
	}
	return false;
}

static void signal_all(struct pod *p, int signal, bool sidecars)
{
	for (size_t i = p->count; i-- > 0;)
		if (signal == SIGKILL || (p->containers[i].role == CONTAINER_SIDECAR) == sidecars)
			container_signal(&p->containers[i], signal);
}

static void grace_over(struct loop_timer *t)
{
	struct pod *p = container_of(t, struct pod, grace);
	bool mains = any_running(p, true);
	for (size_t i = 0; mains && i < p->count; i++)
		if (p->containers[i].role != CONTAINER_SIDECAR)
			container_signal(&p->containers[i], SIGKILL);
	if (mains)
		loop_timer_set(t, 1000 * SIDECAR_MIN_GRACE_S, grace_over);
	else
		signal_all(p, SIGKILL, true);
}

static void stop_step(struct pod *p)
{
	if (any_running(p, true))
		return;
	if (any_running(p, false)) {
		signal_all(p, SIGTERM, true);
		return;
	}
	if (!p->finished) {
		p->finished = true;
		loop_timer_stop(&p->grace);
		loop_timer_stop(&p->deadline);
		podstatus_publish(p);
		reschedule();
	}
	if (p->deleting)
		loop_timer_set(&p->step, REMOVE_MS, pod_remove);
}

static void pod_stop(struct pod *p)
{
	bool kill_later = !p->stopping;
	p->stopping = true;
	loop_timer_stop(&p->step);
	for (size_t i = 0; i < p->count; i++) {
		struct container *c = &p->containers[i];
		char path[320];
		container_field_path(c, path, sizeof(path));
		if (c->sandbox && kill_later)
			event_record(p->object,
				     &(struct event){ "Normal", "Killing", "kubelet", path },
				     "Stopping container %s", c->name);
		container_stop(c);
	}
	signal_all(p, SIGTERM, false);
	loop_timer_set(&p->grace, 1000 * p->grace_s, grace_over);
	stop_step(p);
}

static void deadline_over(struct loop_timer *t)
{
	struct pod *p = container_of(t, struct pod, deadline);
	if (p->finished)
		return;
	p->deadline_exceeded = true;
	event_record(p->object, &(struct event){ "Normal", "DeadlineExceeded", "kubelet", NULL },
		     "Pod was active on the node longer than the specified deadline");
	pod_stop(p);
}

static void deadline_arm(struct pod *p, const cJSON *json)
{
	int64_t seconds = json_int(json, "spec.activeDeadlineSeconds", 0);
	if (seconds <= 0 || !p->start_s || p->finished)
		return;
	int64_t left = p->start_s + seconds - time(NULL);
	loop_timer_set(&p->deadline, left > 0 ? 1000 * left : 0, deadline_over);
}

/* ---- going on ---- */

/* Whether an ended container runs again. */
static bool restarts(const struct container *c)
{
	const char *policy = lifecycle_restart_policy(c->pod);
	if (c->role == CONTAINER_SIDECAR)
		return true;
	if (c->role == CONTAINER_INIT)
		return c->exit_code != 0 && strcmp(policy, "Never") != 0;
	return strcmp(policy, "Always") == 0 || (strcmp(policy, "OnFailure") == 0 && c->exit_code);
}

/* One init container; true: the next one may be looked at. */
static bool init_step(struct container *c)
{
	if (c->state == CONTAINER_WAITING) {
		if (!c->begun)
			container_begin(c);
		return false;
	}
	if (c->state == CONTAINER_RUNNING)
		return c->role == CONTAINER_SIDECAR && c->started;
	if (restarts(c)) {
		container_restart(c);
		return false;
	}
	if (c->exit_code == 0)
		return true;
	pod_stop(c->pod);
	return false;
}

static void mains_step(struct pod *p)
{
	bool over = true;
	for (size_t i = p->init_count; i < p->count && !p->stopping; i++) {
		struct container *c = &p->containers[i];
		bool ended = c->state == CONTAINER_TERMINATED;
		if (ended && restarts(c))
			container_restart(c);
		else if (c->state == CONTAINER_WAITING && !c->begun)
			container_begin(c);
		over = over && c->state == CONTAINER_TERMINATED && !restarts(c);
	}
	if (over && !p->stopping)
		pod_stop(p);
}

void lifecycle_step(struct pod *p)
{
	if (p->stopping) {
		stop_step(p);
		return;
	}
	bool mains_begun = p->containers[p->init_count].begun;
	for (size_t i = 0; i < p->init_count; i++)
		if (!init_step(&p->containers[i]) && !mains_begun)
			return;
	if (!p->stopping)
		mains_step(p);
}

/* Missing pull secrets stop nothing; they are only told of, in case a pull then fails. */
static void pull_secrets_check(const struct pod *p)
{
	_cleanup_(buf_done) struct buf missing = BUF_INIT;
	const cJSON *secret;
	cJSON_ArrayForEach(secret, json_at(p->json, "spec.imagePullSecrets")) {
		const char *name = json_str_or(secret, "name", "");
		if (!store_find(&kind_table[KIND_SECRET], p->object->ns, name))
			buf_printf(&missing, "%s%s", missing.len ? ", " : "", name);
	}
	if (missing.len)
		event_record(
			p->object,
			&(struct event){ "Warning", "FailedToRetrieveImagePullSecret", "kubelet",
					 NULL },
			"Unable to retrieve some image pull secrets (%s); attempting to pull the "
			"image may not succeed.",
			buf_str(&missing));
}

static void volumes_ready(struct loop_timer *t)
{
	struct pod *p = container_of(t, struct pod, step);
	char why[512];
	if (podspec_volumes_ready(p, why, sizeof(why))) {
		pull_secrets_check(p);
		lifecycle_step(p);
		return;
	}
	event_record(p->object, &(struct event){ "Warning", "FailedMount", "kubelet", NULL }, "%s",
		     why);
	loop_timer_set(t, MOUNT_RETRY_MS, volumes_ready);
}

static void kubelet_sees(struct loop_timer *t)
{
	struct pod *p = container_of(t, struct pod, step);
	char volumes[600];
	p->start_s = time(NULL);
	snprintf(volumes, sizeof(volumes), "%s/volumes", p->dir);
	mkdir(p->dir, 0755);
	mkdir(volumes, 0755);
	podstatus_publish(p);
	deadline_arm(p, p->json);
	loop_timer_set(t, 4 * STEP_MS, volumes_ready);
}

/* ---- from the API ---- */

void lifecycle_added(struct object *o)
{
	struct pod *p = pod_new(o);
	const char *node = json_str(p->json, "spec.nodeName");
	p->foreign = node && strcmp(node, LIFECYCLE_NODE) != 0;
	p->gated = json_at(p->json, "spec.schedulingGates") != NULL;
	if (p->foreign || p->gated)
		return;
	loop_timer_set(&p->step, STEP_MS, schedule);
}

void lifecycle_changed(struct object *o)
{
	struct pod *p = o->run;
	if (!p)
		return;
	_cleanup_(cJSON_Deletep) cJSON *json = store_json(o);
	deadline_arm(p, json);
}

static void deletion_mark(struct object *o, int64_t grace_s)
{
	char stamp[RFC3339_SECONDS_LEN + 1];
	cJSON *json = store_json(o), *metadata = json_at(json, "metadata");
	rfc3339_format(time(NULL) + grace_s, stamp);
	json_set_str(metadata, "deletionTimestamp", stamp);
	json_set_int(metadata, "deletionGracePeriodSeconds", grace_s);
	store_update(o, json);
}

bool lifecycle_delete(struct object *o, int64_t grace_s)
{
	struct pod *p = o->run;
	if (!p || grace_s == 0 || (p->finished && !p->deleting)) {
		if (p)
			pod_free(p);
		delete_finish(o);
		reschedule();
		return false;
	}
	if (p->deleting && grace_s >= p->grace_s)
		return true; /* a second DELETE may only shorten */
	p->grace_s = grace_s;
	p->deleting = true;
	deletion_mark(o, grace_s);
	if (p->foreign)
		loop_timer_set(&p->step, 1000 * grace_s, pod_remove);
	else
		pod_stop(p);
	return true;
}

struct container *lifecycle_container(const struct object *pod, const char *name)
{
	struct pod *p = pod->run;
	for (size_t i = 0; p && i < p->count; i++)
		if (strcmp(p->containers[i].name, name) == 0)
			return &p->containers[i];
	return NULL;
}

int lifecycle_init(const char *dir, struct error *e)
{
	char path[500];
	snprintf(state_dir, sizeof(state_dir), "%s", dir);
	snprintf(path, sizeof(path), "%s/pods", dir);
	if (mkdir(path, 0711) < 0 && errno != EEXIST)
		return error_set(e, errno, "%s: %s", path, strerror(errno));
	cgroup_init();
	return 0;
}

void lifecycle_done(void)
{
	list_for_each(p, &pods, struct pod, all)
		for (size_t i = 0; i < p->count; i++)
			container_signal(&p->containers[i], SIGKILL);
	list_for_each(p, &pods, struct pod, all)
		pod_free(p);
	cgroup_done();
}
