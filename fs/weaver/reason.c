/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one cause worth naming. The pod says it in up to six places, and the kubelet's own summary
 * word is often useless ("Error" for an eviction, "Pending" for a pod that fits on no node), so the
 * places are asked in the order of how much they know. What is on its way, runs, or has done its
 * work is healthy and has no cause at all.
 */
#include "fs/weaver/reason.h"

#include <signal.h>
#include <string.h>

#include "fs/weaver/events.h"
#include "k8s/base/cleanup.h"
#include "k8s/pod.h"

/* A container that ends sooner had nothing to do (loom-compat: "exits at once"). */
#define AT_ONCE_S 5
/* So often a startup probe fails of one that is only slow. */
#define UNHEALTHY_COUNT 10

void reason_done(struct reason *r)
{
	buf_done(&r->word);
	buf_done(&r->message);
}

static bool is_one_of(const char *word, const char *const words[])
{
	for (size_t i = 0; words[i]; i++) {
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}

/* The kubelet ends some messages in a blank. */
static void set(struct buf *b, const char *s)
{
	size_t len = strlen(s);

	while (len > 0 && strchr(" \t\r\n", s[len - 1]))
		len--;
	buf_add(b, s, len);
}

static bool found(struct reason *r, const char *word, const char *message, const char *without)
{
	set(&r->word, word);
	set(&r->message, *message ? message : without);
	return true;
}

/* ---- the pod as a whole ---- */

static bool find_status(const struct reason_input *in, struct reason *r)
{
	const struct pod *pod = in->pod;

	return *pod->reason && found(r, pod->reason, pod->message,
				     "the pod was ended as a whole, without a message");
}

static bool find_unschedulable(const struct reason_input *in, struct reason *r)
{
	return *in->pod->unschedulable && found(r, "Unschedulable", in->pod->unschedulable, "");
}

/* ---- containers ---- */

static bool has_begun(const struct pod *pod)
{
	const struct pod_container *c = pod_main(pod);

	return c && (c->state == POD_STATE_RUNNING || c->state == POD_STATE_TERMINATED);
}

/* A waiting state that is a step on the way. */
static bool is_progress(const struct pod_container *c)
{
	static const char *const steps[] = { "ContainerCreating", "PodInitializing", "", NULL };

	return is_one_of(c->reason, steps);
}

static const char *terminated_word(const struct pod_container *c, struct buf *scratch)
{
	if (*c->reason)
		return c->reason;
	buf_printf(scratch, c->signal ? "Signal:%d" : "ExitCode:%d",
		   c->signal ? c->signal : c->exit_code);
	return buf_str(scratch);
}

/* The runtime reports a killed process as 128 + signal, like a shell. */
static void add_exit(struct buf *out, const struct pod_container *c)
{
	int killed_by = c->signal ? c->signal : c->exit_code > 128 ? c->exit_code - 128 : 0;
	const char *name = killed_by ? sigabbrev_np(killed_by) : NULL;

	buf_printf(out, "exit code %d", c->exit_code);
	if (name)
		buf_printf(out, " (SIG%s)", name);
}

static bool set_container(struct reason *r, const struct pod_container *c, bool init)
{
	_cleanup_(buf_done) struct buf word = BUF_INIT;

	r->container = c;
	r->init = init;
	if (init)
		buf_printf(&r->message, "%s: ", c->name);
	if (c->state == POD_STATE_WAITING)
		return found(r, c->reason, c->message, "the container cannot start");
	set(&r->word, terminated_word(c, &word));
	if (*c->message)
		set(&r->message, c->message);
	else
		add_exit(&r->message, c);
	return true;
}

/* A sidecar that was up once is not asked again, as in kubectl; neither is one that has done. */
static bool is_through(const struct pod_container *c)
{
	return c->state == POD_STATE_NONE || (c->restartable && c->started) ||
	       (c->state == POD_STATE_TERMINATED && c->exit_code == 0 && !c->restartable);
}

/*
 * Between two failures an init container runs or waits for a moment; the restarts tell that from a
 * first start, so that the cause does not come and go.
 */
static bool set_between_failures(const struct reason_input *in, struct reason *r,
				 const struct pod_container *c)
{
	if (c->restarts == 0)
		return false;
	r->container = c;
	r->init = true;
	pod_status_word(in->pod, &r->word);
	buf_printf(&r->message, "%s: started again %d times and not up yet", c->name, c->restarts);
	return true;
}

/*
 * A sidecar that runs and does not get well: the kubelet asks it once a second, and says so for the
 * first 25 times or so.
 */
static bool set_unhealthy(const struct reason_input *in, struct reason *r,
			  const struct pod_container *c)
{
	static const char *const unhealthy[] = { "Unhealthy", NULL };
	const struct event *event = event_list_find(in->events, unhealthy);

	if (c->state != POD_STATE_RUNNING || c->started || !event || event->count < UNHEALTHY_COUNT)
		return false;
	r->container = c;
	r->init = true;
	set(&r->word, event->reason);
	buf_printf(&r->message, "%s: ", c->name);
	set(&r->message, event->message);
	return true;
}

static bool find_init(const struct reason_input *in, struct reason *r)
{
	const struct pod *pod = in->pod;

	if (has_begun(pod))
		return false;
	for (size_t i = 0; i < pod->n_init; i++) {
		const struct pod_container *c = &pod->init[i];
		if (is_through(c))
			continue;
		if (c->state == POD_STATE_TERMINATED ||
		    (c->state == POD_STATE_WAITING && !is_progress(c)))
			return set_container(r, c, true);
		return set_unhealthy(in, r, c) || set_between_failures(in, r, c);
	}
	return false;
}

/*
 * The end that a deletion brings (deletionTimestamp is when the grace period ends) is no failure.
 */
static bool was_deleted(const struct pod *pod, const struct pod_container *c)
{
	return pod->deleted_s != 0 && c->finished_s >= pod->deleted_s - pod->grace_s;
}

/* Ended well: only of interest when it did so before it can have done anything. */
static bool find_completed(struct reason *r, const struct pod_container *c)
{
	int64_t ran_s = c->finished_s - c->started_s;

	if (c->started_s == 0 || c->finished_s == 0 || ran_s >= AT_ONCE_S)
		return false;
	r->container = c;
	set(&r->word, "Completed");
	buf_printf(&r->message, "ended with exit code 0 after %d s", (int)(ran_s < 0 ? 0 : ran_s));
	return true;
}

static bool find_container(const struct reason_input *in, struct reason *r)
{
	const struct pod_container *c = pod_main(in->pod);

	if (!c)
		return false;
	if (c->state == POD_STATE_WAITING)
		return !is_progress(c) && set_container(r, c, false);
	if (c->state != POD_STATE_TERMINATED || was_deleted(in->pod, c))
		return false;
	bool completed = strcmp(c->reason, "Completed") == 0 || !*c->reason;
	if (c->exit_code == 0 && completed)
		return find_completed(r, c);
	return set_container(r, c, false);
}

/* ---- events, for what no status says ---- */

static bool find_event(const struct reason_input *in, struct reason *r)
{
	static const char *const failures[] = { "FailedMount",
						"FailedAttachVolume",
						"FailedMapVolume",
						"FailedCreatePodSandBox",
						"FailedCreatePodContainer",
						NULL };
	static const char *const steps[] = { "Pulling", "Pulled", "Created", "Started", NULL };

	if (has_begun(in->pod) || in->pod->deleted_s != 0 || strcmp(in->pod->phase, "Pending") != 0)
		return false;
	const struct event *failure = event_list_find(in->events, failures);
	const struct event *step = event_list_find(in->events, steps);
	if (!failure || (step && step->last_s > failure->last_s))
		return false;
	return found(r, failure->reason, failure->message, "no message");
}

/* ---- the summary word, for all else ---- */

static bool find_word(const struct reason_input *in, struct reason *r)
{
	static const char *const healthy[] = {
		"",          "Pending",  "ContainerCreating", "PodInitializing", "Running",
		"Completed", "NotReady", "Succeeded",         "Terminating",     NULL,
	};
	_cleanup_(buf_done) struct buf word = BUF_INIT;

	/* find_container() has spoken for one that has ended, and one that runs is well */
	if (has_begun(in->pod) && (strcmp(in->pod->phase, "Failed") != 0 ||
				   pod_main(in->pod)->state == POD_STATE_TERMINATED))
		return false;
	pod_status_word(in->pod, &word);
	if (in->pod->deleted_s != 0 || is_one_of(buf_str(&word), healthy) ||
	    strncmp(buf_str(&word), "Init:", strlen("Init:")) == 0)
		return false;
	return found(r, buf_str(&word), in->pod->message, "the cluster gives no message");
}

bool reason_find(const struct reason_input *in, struct reason *r)
{
	/* weaver_reason()'s order, filesystem.md §1.1 */
	static bool (*const places[])(const struct reason_input *, struct reason *) = {
		find_status, find_unschedulable, find_init, find_container, find_event, find_word,
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (places[i](in, r))
			return true;
	}
	return false;
}
