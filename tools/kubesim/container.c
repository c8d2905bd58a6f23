/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One container of a pod, from its image to its end: pull, configuration, start, startup probe,
 * exit, and the back-off before it is tried again. Each change is published, then the pod steps.
 */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "k8s/base/clock.h"
#include "k8s/base/quantity.h"
#include "k8s/base/rfc3339.h"
#include "tools/kubesim/event.h"
#include "tools/kubesim/pod.h"
#include "tools/kubesim/sidecar.h"

#define PULL_FAILED_MS 3000 /* how long ErrImagePull shows before ImagePullBackOff */
#define PULL_BACKOFF_S 10
#define CRASH_BACKOFF_S 10
#define BACKOFF_MAX_S 300
#define CONFIG_RETRY_MS 2000
#define SLOW_IMAGE_MS 30000

void container_field_path(const struct container *c, char *out, size_t size)
{
	snprintf(out, size, "spec.%s{%s}",
		 c->role == CONTAINER_MAIN ? "containers" : "initContainers", c->name);
}

static void tell(const struct container *c, bool warning, const char *reason, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void tell(const struct container *c, bool warning, const char *reason, const char *fmt, ...)
{
	char path[320];
	_cleanup_(buf_done) struct buf text = BUF_INIT;
	container_field_path(c, path, sizeof(path));
	va_list ap;
	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	event_record(c->pod->object,
		     &(struct event){ warning ? "Warning" : "Normal", reason, "kubelet", path },
		     "%s", buf_str(&text));
}

static void set_waiting(struct container *c, const char *reason, const char *message)
{
	c->state = CONTAINER_WAITING;
	c->ready = c->started = false;
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	snprintf(c->message, sizeof(c->message), "%s", message);
}

static void set_terminated(struct container *c, int code, const char *reason, const char *message)
{
	c->state = CONTAINER_TERMINATED;
	c->ready = c->started = false;
	c->exit_code = code;
	c->finished_s = time(NULL);
	snprintf(c->reason, sizeof(c->reason), "%s", reason);
	snprintf(c->message, sizeof(c->message), "%s", message);
}

/* It ended: when that ends the pod, both are published as one change. */
static void ended(struct container *c)
{
	struct pod *p = c->pod;
	lifecycle_step(p);
	podstatus_publish(p);
}

/* ---- images ---- */

static const char *image_of(const struct container *c)
{
	return json_str_or(c->spec, "image", "");
}

static bool image_has(const struct container *c, const char *part)
{
	const char *at = strstr(image_of(c), part);
	return at && (at == image_of(c) || at[-1] == '/');
}

/* Enough of distribution/reference: no empty part, lower case before the tag. */
static bool image_valid(const char *image)
{
	const char *slash = strrchr(image, '/');
	const char *end = strchr(slash ? slash : image, ':');
	size_t n = end ? (size_t)(end - image) : strcspn(image, "@");
	if (n == 0 || image[n - 1] == '/' || strstr(image, "//") ||
	    (end && strchr(end + 1, ':') && !strchr(image, '@')))
		return false;
	const char *first = strchr(image, '/');
	for (size_t i = 0; i < n; i++) {
		unsigned char ch = (unsigned char)image[i];
		bool host = first && image + i < first; /* a registry may be upper case */
		if (isupper(ch) && !(host && memchr(image, '.', (size_t)(first - image))))
			return false;
		if (!isalnum(ch) && !strchr("._-/:@", ch))
			return false;
	}
	return true;
}

static void retry(struct loop_timer *t)
{
	struct container *c = container_of(t, struct container, timer);
	container_begin(c);
}

static void pull_back_off(struct loop_timer *t)
{
	struct container *c = container_of(t, struct container, timer);
	char text[400];
	snprintf(text, sizeof(text), "Back-off pulling image \"%s\"", image_of(c));
	set_waiting(c, "ImagePullBackOff", text);
	tell(c, false, "BackOff", "%s", text);
	tell(c, true, "Failed", "Error: ImagePullBackOff");
	c->backoff_s = c->backoff_s ? c->backoff_s * 2 : PULL_BACKOFF_S;
	c->backoff_s = c->backoff_s < 40 ? c->backoff_s : 40;
	podstatus_publish(c->pod);
	loop_timer_set(t, 1000 * c->backoff_s, retry);
}

static void pull_fail(struct container *c)
{
	const char *image = image_of(c);
	char text[512];
	snprintf(
		text, sizeof(text),
		"failed to pull and unpack image \"%.100s\": failed to resolve reference \"%.100s\": "
		"%.100s: not found",
		image, image, image);
	tell(c, false, "Pulling", "Pulling image \"%s\"", image);
	tell(c, true, "Failed", "Failed to pull image \"%s\": %s", image, text);
	tell(c, true, "Failed", "Error: ErrImagePull");
	set_waiting(c, "ErrImagePull", text);
	podstatus_publish(c->pod);
	loop_timer_set(&c->timer, PULL_FAILED_MS, pull_back_off);
}

static void image_refuse(struct container *c)
{
	char text[512];
	snprintf(
		text, sizeof(text),
		"Failed to apply default image tag \"%s\": couldn't parse image name \"%s\": invalid "
		"reference format",
		image_of(c), image_of(c));
	set_waiting(c, "InvalidImageName", text);
	tell(c, true, "InspectFailed", "%s", text);
	tell(c, true, "Failed", "Error: InvalidImageName");
	podstatus_publish(c->pod);
}

/* ---- probes ---- */

static void probe_next(struct loop_timer *t);

static void container_started(struct container *c)
{
	c->started = true;
	if (json_at(c->spec, "startupProbe"))
		podstatus_publish(c->pod); /* the real one is ready a moment after it started */
	c->ready = c->role != CONTAINER_INIT;
	podstatus_publish(c->pod);
	lifecycle_step(c->pod);
}

static void probe_result(void *data, bool good, const char *text)
{
	struct container *c = data;
	const cJSON *spec = json_at(c->spec, "startupProbe");
	c->probe = NULL;
	if (good) {
		container_started(c);
		return;
	}
	tell(c, true, "Unhealthy", "Startup probe failed: %s", text);
	if (++c->probe_failures >= json_int(spec, "failureThreshold", 3)) {
		tell(c, false, "Killing", "Init container %s failed startup probe", c->name);
		container_signal(c, SIGTERM);
		container_signal(c, SIGKILL);
		return;
	}
	loop_timer_set(&c->probe_timer, 1000 * json_int(spec, "periodSeconds", 10), probe_next);
}

static void probe_next(struct loop_timer *t)
{
	struct container *c = container_of(t, struct container, probe_timer);
	const cJSON *spec = json_at(c->spec, "startupProbe");
	bool asks = json_at(spec, "httpGet") || json_at(spec, "tcpSocket");
	if (asks && !c->stand_in)
		c->probe = probe_start(spec, c->pod->ip,
				       c->private_network ? sandbox_pid(c->sandbox) : 0,
				       probe_result, c);
	else
		container_started(c); /* an exec probe, or a stand-in that has no port */
}

static void probe_begin(struct container *c)
{
	const cJSON *spec = json_at(c->spec, "startupProbe");
	c->probe_failures = 0;
	if (!spec) {
		container_started(c);
		return;
	}
	int64_t delay = json_int(spec, "initialDelaySeconds", 0);
	delay = delay ? delay : json_int(spec, "periodSeconds", 10);
	podstatus_publish(c->pod);
	loop_timer_set(&c->probe_timer, 1000 * delay, probe_next);
}

/* ---- the stand-in for the audit sidecar ---- */

static void stand_in_log(struct container *c, const char *type, const cJSON *details)
{
	static unsigned long long seq;
	_cleanup_(buf_done) struct buf line = BUF_INIT;
	const cJSON *labels = json_at(c->pod->json, "metadata.labels");
	const char *id = json_member(labels, "loom.dev/weaver-id");
	const char *org = json_member(labels, "loom.dev/org-id");
	const char *owner = json_member(labels, "loom.dev/owner-user-id");
	buf_printf(&line,
		   "{\"seq\":%llu,\"weaver_id\":\"%s\",\"org_id\":\"%s\",\"owner_user_id\":\"%s\","
		   "\"timestamp_ns\":%lld,\"pid\":1,\"tid\":1,\"comm\":\"kubesim\","
		   "\"event_type\":\"%s\",\"details\":",
		   ++seq, id ? id : "", org ? org : "", owner ? owner : "",
		   (long long)clock_realtime_ns(), type);
	json_add(&line, details);
	buf_add_str(&line, "}\n");
	logfile_append(c->log, 0, line.data, line.len);
}

static void stand_in_start(struct container *c)
{
	_cleanup_(cJSON_Deletep) cJSON *details = cJSON_CreateObject();
	cJSON_AddBoolToObject(details, "stand_in", true);
	const char *why = "";
	sidecar_binary(&why);
	cJSON_AddStringToObject(details, "note", "kubesim: no probes, nothing is audited");
	cJSON_AddStringToObject(details, "reason", why);
	stand_in_log(c, "audit_start", details);
}

/* A main container began: the stand-ins of its pod say so, as the real sidecar's probes would. */
static void stand_in_exec(const struct container *c, char *const *argv)
{
	for (size_t i = 0; i < c->pod->init_count; i++) {
		struct container *sidecar = &c->pod->containers[i];
		if (!sidecar->stand_in || !sidecar->log)
			continue;
		_cleanup_(cJSON_Deletep) cJSON *details = cJSON_CreateObject();
		cJSON_AddStringToObject(details, "path", argv[0]);
		cJSON *list = cJSON_AddArrayToObject(details, "argv");
		for (size_t j = 0; argv[j]; j++)
			cJSON_AddItemToArray(list, cJSON_CreateString(argv[j]));
		cJSON_AddNumberToObject(details, "uid", 1000);
		cJSON_AddNumberToObject(details, "gid", 1000);
		cJSON_AddNumberToObject(details, "ppid", 0);
		stand_in_log(sidecar, "process_exec", details);
	}
}

/* ---- running ---- */

static void output(void *data, int stream, const char *bytes, size_t len)
{
	struct container *c = data;
	logfile_append(c->log, stream, bytes, len);
	list_for_each(tap, &c->taps, struct container_tap, all)
		tap->output(tap, stream, bytes, len);
}

static void taps_end(struct container *c)
{
	list_for_each(tap, &c->taps, struct container_tap, all) {
		list_remove(&tap->all);
		tap->ended(tap);
	}
}

static void exited(void *data, int code)
{
	struct container *c = data;
	bool oom = cgroup_oom_killed(c->cgroup) || (code == 137 && image_has(c, "oom/"));
	set_terminated(c, code, oom ? "OOMKilled" : code ? "Error" : "Completed", "");
	loop_timer_stop(&c->probe_timer);
	probe_cancel(c->probe);
	c->probe = NULL;
	sandbox_free(c->sandbox);
	c->sandbox = NULL;
	cgroup_free(c->cgroup);
	c->cgroup = NULL;
	logfile_end(c->log);
	taps_end(c);
	ended(c);
}

static const struct sandbox_ops sandbox_ops = { output, exited };

static void id_new(struct container *c)
{
	unsigned char raw[32];
	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		memset(raw, (int)clock_realtime_ns(), sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(c->id + 2 * i, 3, "%02x", raw[i]);
}

static bool log_open(struct container *c, bool tty)
{
	char path[700];
	logfile_unref(c->previous);
	c->previous = move_ptr(&c->log);
	snprintf(path, sizeof(path), "%s/%s.%d.log", c->pod->dir, c->name, c->restarts);
	c->log = logfile_new(path, tty, NULL);
	return c->log != NULL;
}

static void start_error(struct container *c, const char *message)
{
	c->started_s = 0;
	id_new(c);
	logfile_end(c->log);
	set_terminated(c, 128, "StartError", message);
	tell(c, true, "Failed", "Error: %s", message);
	ended(c);
}

static int64_t memory_limit(const struct container *c)
{
	int64_t bytes = 0;
	const char *limit = json_member(json_at(c->spec, "resources.limits"), "memory");
	return limit && quantity_parse(limit, &bytes, NULL) == 0 ? bytes : 0;
}

static void run(struct container *c, struct podspec *spec)
{
	struct sandbox_spec *sandbox = podspec_sandbox(spec);
	struct error e = ERROR_INIT;
	if (!log_open(c, sandbox->tty)) {
		set_waiting(c, "CreateContainerError", "cannot open the log");
		podstatus_publish(c->pod);
		return;
	}
	tell(c, false, "Created", "Created container: %s", c->name);
	if (!sandbox_finds(sandbox->argv[0])) {
		char text[512];
		snprintf(
			text, sizeof(text),
			"failed to create containerd task: failed to create shim task: OCI runtime "
			"create failed: runc create failed: unable to start container process: exec: "
			"\"%.100s\": %s: unknown",
			sandbox->argv[0],
			strchr(sandbox->argv[0], '/') ? "no such file or directory"
						      : "executable file not found in $PATH");
		start_error(c, text);
		return;
	}
	id_new(c);
	c->cgroup = cgroup_new(c->pod->uid, c->id, memory_limit(c));
	sandbox->cgroup = c->cgroup;
	if (sandbox_start(sandbox, &sandbox_ops, c, &c->sandbox, &e) < 0) {
		start_error(c, e.text);
		return;
	}
	c->state = CONTAINER_RUNNING;
	c->started_s = time(NULL);
	c->message[0] = c->reason[0] = '\0';
	tell(c, false, "Started", "Started container %s", c->name);
	if (c->stand_in)
		stand_in_start(c);
	else if (c->role == CONTAINER_MAIN)
		stand_in_exec(c, sandbox->argv);
	probe_begin(c);
}

static void configure(struct container *c)
{
	struct error e = ERROR_INIT;
	_cleanup_(podspec_freep) struct podspec *spec = NULL;
	tell(c, false, "Pulled", "Container image \"%s\" already present on machine", image_of(c));
	int r = podspec_new(c, &spec, &e);
	if (r == 0) {
		run(c, spec);
		return;
	}
	set_waiting(c, "CreateContainerConfigError", e.text);
	tell(c, true, "Failed", "Error: %s", e.text);
	podstatus_publish(c->pod);
	loop_timer_set(&c->timer, CONFIG_RETRY_MS, retry);
}

static void slow_done(struct loop_timer *t)
{
	configure(container_of(t, struct container, timer));
}

/* ---- what the pod asks for ---- */

static void last_keep(struct container *c)
{
	char started[RFC3339_SECONDS_LEN + 1], finished[RFC3339_SECONDS_LEN + 1], id[96];
	rfc3339_format(c->started_s, started);
	rfc3339_format(c->finished_s, finished);
	snprintf(id, sizeof(id), "containerd://%s", c->id);
	cJSON_Delete(c->last);
	c->last = cJSON_CreateObject();
	cJSON_AddNumberToObject(c->last, "exitCode", c->exit_code);
	cJSON_AddStringToObject(c->last, "reason", c->reason);
	cJSON_AddStringToObject(c->last, "startedAt", started);
	cJSON_AddStringToObject(c->last, "finishedAt", finished);
	cJSON_AddStringToObject(c->last, "containerID", id);
	c->restarts++;
}

/* A container that ended and shall run again waits first, longer each time. */
void container_restart(struct container *c)
{
	if (c->pod->stopping || loop_timer_active(&c->timer))
		return;
	last_keep(c);
	int wait_s = c->backoff_s;
	c->backoff_s = c->backoff_s ? c->backoff_s * 2 : CRASH_BACKOFF_S;
	c->backoff_s = c->backoff_s < BACKOFF_MAX_S ? c->backoff_s : BACKOFF_MAX_S;
	if (wait_s && c->role == CONTAINER_MAIN) {
		char text[400];
		snprintf(text, sizeof(text),
			 "back-off %ds restarting failed container=%s pod=%s_%s(%s)", wait_s,
			 c->name, c->pod->object->name, c->pod->object->ns, c->pod->uid);
		set_waiting(c, "CrashLoopBackOff", text);
		tell(c, true, "BackOff", "Back-off restarting failed container %s in pod %s_%s(%s)",
		     c->name, c->pod->object->name, c->pod->object->ns, c->pod->uid);
		podstatus_publish(c->pod);
	}
	loop_timer_set(&c->timer, wait_s ? 1000 * wait_s : 1000, retry);
}

void container_begin(struct container *c)
{
	if (c->pod->stopping)
		return;
	c->begun = true;
	if (!image_valid(image_of(c)))
		image_refuse(c);
	else if (image_has(c, "missing/"))
		pull_fail(c);
	else if (image_has(c, "slow/") && !c->id[0])
		loop_timer_set(&c->timer, SLOW_IMAGE_MS, slow_done);
	else
		configure(c);
}

void container_signal(struct container *c, int signal)
{
	if (!c->sandbox)
		return;
	if (signal == SIGKILL) {
		cgroup_kill(c->cgroup);
		sandbox_kill(c->sandbox);
	} else {
		sandbox_signal(c->sandbox, signal);
	}
}

void container_stop(struct container *c)
{
	loop_timer_stop(&c->timer);
	loop_timer_stop(&c->probe_timer);
	if (c->state != CONTAINER_WAITING)
		return;
	set_terminated(c, 137, "ContainerStatusUnknown",
		       "The container could not be located when the pod was terminated");
	c->started_s = 0;
}

void container_done(struct container *c)
{
	loop_timer_stop(&c->timer);
	loop_timer_stop(&c->probe_timer);
	probe_cancel(c->probe);
	taps_end(c);
	cgroup_kill(c->cgroup);
	sandbox_free(c->sandbox);
	cgroup_free(c->cgroup);
	if (c->log && !logfile_ended(c->log))
		logfile_end(c->log);
	logfile_unref(c->log);
	logfile_unref(c->previous);
	cJSON_Delete(c->last);
}
