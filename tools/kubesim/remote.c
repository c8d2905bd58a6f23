/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See remote.h. An exec is a process of its own that joins the container's namespaces; it outlives
 * its connection, as it does under a kubelet. An attach is a tap on the container: no replay,
 * output to every one, input from any. Channels: 0 stdin, 1 stdout, 2 stderr, 3 status, 4 resize.
 */
#include "tools/kubesim/remote.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/kubesim/forward.h"
#include "tools/kubesim/lifecycle.h"
#include "tools/kubesim/pod.h"
#include "tools/kubesim/pump.h"
#include "tools/kubesim/reply.h"
#include "tools/kubesim/route.h"
#include "tools/kubesim/spdy_forward.h"

#define REMOTE_QUEUE_HIGH (1024 * 1024)
#define REMOTE_PENDING_HIGH (256 * 1024)

struct remote {
	struct ws *w;
	bool stdin_wanted, stdout_wanted, stderr_wanted, tty, over;
	struct sandbox *process;  /* of an exec */
	struct container_tap tap; /* of an attach */
	struct pump input;
	int terminal; /* for resizes; borrowed, -1: none */
};

/* ---- who and where ---- */

struct place {
	struct route route;
	const struct object *pod;
	char container[ROUTE_NAME_MAX];
	struct container *c; /* NULL: it is not running */
};

static void place_find(const struct request *r, struct place *p)
{
	memset(p, 0, sizeof(*p));
	if (!route_parse(r, &p->route))
		return;
	p->pod = store_find(p->route.kind, p->route.ns, p->route.name);
	if (!p->pod)
		return;
	_cleanup_(cJSON_Deletep) cJSON *json = store_json(p->pod);
	const cJSON *first = cJSON_GetArrayItem(json_at(json, "spec.containers"), 0);
	const char *name = http_arg(r, "container");
	snprintf(p->container, sizeof(p->container), "%s",
		 name && name[0] ? name : json_str_or(first, "name", ""));
	p->c = lifecycle_container(p->pod, p->container);
	if (p->c && (!p->c->sandbox || sandbox_pid(p->c->sandbox) <= 0))
		p->c = NULL;
}

static void not_running(const struct place *p, char *out, size_t size)
{
	if (strcmp(p->route.sub, "attach") == 0)
		snprintf(out, size, "container %s not found in pod %s_%s", p->container,
			 p->pod->name, p->pod->ns);
	else
		snprintf(out, size, "unable to upgrade connection: container not found (\"%s\")",
			 p->container);
}

bool remote_check(struct request *r, bool v5)
{
	struct place p;
	place_find(r, &p);
	bool forward = strcmp(p.route.sub, "portforward") == 0;
	if (!forward && strcmp(p.route.sub, "exec") != 0 && strcmp(p.route.sub, "attach") != 0) {
		reply_status(r, &(struct reply_status){ 404, "NotFound" },
			     "the server could not find the requested resource");
		return false;
	}
	if (!p.pod) {
		reply_not_found(r, "pods", p.route.name);
		return false;
	}
	if (!json_member(p.pod->now->fields, "spec.nodeName")[0]) {
		reply_bad_request(r, "pod %s does not have a host assigned", p.pod->name);
		return false;
	}
	if (forward)
		return true;
	if (!lifecycle_container(p.pod, p.container)) {
		reply_bad_request(r, "container %s is not valid for pod %s", p.container,
				  p.pod->name);
		return false;
	}
	if (p.c || v5)
		return true;
	char text[700];
	not_running(&p, text, sizeof(text));
	reply_text(r, 500, "text/plain; charset=utf-8", text);
	return false;
}

/* ---- the end ---- */

static void status_send(struct remote *m, const char *json)
{
	if (m->over)
		return;
	m->over = true;
	ws_send(m->w, 3, json, strlen(json));
	ws_finish(m->w);
}

static void failure_send(struct remote *m, const char *message)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT;
	buf_add_str(&b, "{\"metadata\":{},\"status\":\"Failure\",\"message\":");
	buf_add_json(&b, message, strlen(message));
	buf_add_str(&b, ",\"reason\":\"InternalError\",\"details\":{\"causes\":[{\"message\":");
	buf_add_json(&b, message, strlen(message));
	buf_add_str(&b, "}]},\"code\":500}");
	status_send(m, buf_str(&b));
}

static void exit_send(struct remote *m, int code)
{
	char text[300];
	snprintf(text, sizeof(text),
		 "{\"metadata\":{},\"status\":\"Failure\",\"message\":\"command terminated with "
		 "non-zero exit code: exit code %d\",\"reason\":\"NonZeroExitCode\",\"details\":"
		 "{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"%d\"}]}}",
		 code, code);
	status_send(m, code ? text : "{\"metadata\":{},\"status\":\"Success\"}");
}

/* ---- bytes ---- */

static void output_send(struct remote *m, int stream, const char *bytes, size_t len)
{
	if (m->over || (stream ? !m->stderr_wanted : !m->stdout_wanted))
		return;
	ws_send(m->w, stream ? 2 : 1, bytes, len);
	if (m->process && ws_queued(m->w) > REMOTE_QUEUE_HIGH)
		sandbox_pause(m->process, true);
}

static void process_output(void *data, int stream, const char *bytes, size_t len)
{
	output_send(data, stream, bytes, len);
}

static void process_exited(void *data, int code)
{
	struct remote *m = data;
	sandbox_free(move_ptr(&m->process));
	exit_send(m, code);
}

static const struct sandbox_ops process_ops = { process_output, process_exited };

static void tap_output(struct container_tap *tap, int stream, const char *bytes, size_t len)
{
	output_send(container_of(tap, struct remote, tap), stream, bytes, len);
}

static void tap_ended(struct container_tap *tap)
{
	exit_send(container_of(tap, struct remote, tap), 0);
}

static void input_drained(struct pump *p)
{
	ws_hold(container_of(p, struct remote, input)->w, false);
}

static void resize(struct remote *m, const char *bytes, size_t len)
{
	_cleanup_(cJSON_Deletep) cJSON *o = json_parse(bytes, len);
	struct winsize size = { .ws_col = (unsigned short)json_int(o, "Width", 80),
				.ws_row = (unsigned short)json_int(o, "Height", 24) };
	if (m->terminal >= 0)
		ioctl(m->terminal, TIOCSWINSZ, &size);
}

static void on_message(void *data, int channel, const char *bytes, size_t len)
{
	struct remote *m = data;
	if (channel == 4)
		resize(m, bytes, len);
	if (channel != 0 || !m->stdin_wanted)
		return;
	pump_write(&m->input, bytes, len);
	if (m->input.pending.len > REMOTE_PENDING_HIGH)
		ws_hold(m->w, true);
}

static void on_half_closed(void *data, int channel)
{
	struct remote *m = data;
	if (channel != 0)
		return;
	if (m->process)
		pump_end(&m->input);
	else
		exit_send(m, 0); /* of an attach: its end, and the process is told nothing */
}

static void on_drained(void *data)
{
	struct remote *m = data;
	if (m->process)
		sandbox_pause(m->process, false);
}

static void on_closed(void *data)
{
	struct remote *m = data;
	list_remove(&m->tap.all);
	pump_done(&m->input);
	if (m->process)
		sandbox_abandon(m->process);
	free(m);
}

static const struct ws_ops remote_ops = { on_message, on_half_closed, on_drained, on_closed };

/* ---- beginning ---- */

static int duplicate(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static void exec_begin(struct remote *m, struct container *c, const struct request *r)
{
	char *argv[HTTP_MAX_ARGS + 1];
	size_t n = 0;
	struct error e = ERROR_INIT;
	for (size_t i = 0; i < r->arg_count; i++)
		if (strcmp(r->args[i].name, "command") == 0)
			argv[n++] = r->args[i].value;
	argv[n] = NULL;
	_cleanup_(podspec_freep) struct podspec *spec = NULL;
	if (n == 0 || podspec_new(c, &spec, &e) < 0) {
		failure_send(m,
			     n ? e.text : "you must specify at least 1 command for the container");
		return;
	}
	if (!sandbox_finds(argv[0])) {
		char text[512];
		snprintf(
			text, sizeof(text),
			"error executing command in container: failed to exec in container: failed to "
			"start exec: OCI runtime exec failed: exec failed: unable to start container "
			"process: exec: \"%.100s\": executable file not found in $PATH",
			argv[0]);
		failure_send(m, text);
		return;
	}
	struct sandbox_spec *sandbox = podspec_sandbox(spec);
	sandbox->argv = argv;
	sandbox->join = sandbox_pid(c->sandbox);
	sandbox->tty = m->tty;
	sandbox->open_stdin = m->stdin_wanted;
	sandbox->cgroup = c->cgroup;
	if (sandbox_start(sandbox, &process_ops, m, &m->process, &e) < 0) {
		failure_send(m, e.text);
		return;
	}
	m->terminal = m->tty ? sandbox_stdin(m->process) : -1;
	pump_init(&m->input, m->tty ? duplicate(m->terminal) : sandbox_take_stdin(m->process));
	m->input.drained = input_drained;
}

static void attach_begin(struct remote *m, struct container *c)
{
	bool terminal = json_true(c->spec, "tty");
	if (terminal && !m->tty) {
		status_send(m, "{\"metadata\":{}}"); /* the real one says no more than that */
		return;
	}
	m->terminal = terminal ? sandbox_stdin(c->sandbox) : -1;
	pump_init(&m->input, m->stdin_wanted ? duplicate(sandbox_stdin(c->sandbox)) : -1);
	m->input.drained = input_drained;
	m->tap.output = tap_output;
	m->tap.ended = tap_ended;
	list_push_back(&c->taps, &m->tap.all);
}

void remote_open(struct ws *w)
{
	struct place p;
	const struct request *r = ws_request(w);
	place_find(r, &p);
	bool forward = strcmp(p.route.sub, "portforward") == 0;
	if (forward || ws_tunnel(w)) {
		if (!forward)
			ws_finish(w); /* nothing else is spoken in a tunnel */
		else if (ws_tunnel(w))
			spdy_forward_open(w);
		else
			forward_open(w);
		return;
	}
	struct remote *m = calloc(1, sizeof(*m));
	if (!m)
		abort();
	*m = (struct remote){ .w = w,
			      .terminal = -1,
			      .stdin_wanted = route_arg_true(r, "stdin"),
			      .stdout_wanted = route_arg_true(r, "stdout"),
			      .stderr_wanted =
				      route_arg_true(r, "stderr") && !route_arg_true(r, "tty"),
			      .tty = route_arg_true(r, "tty") };
	pump_init(&m->input, -1);
	list_init(&m->tap.all);
	ws_serve(w, &remote_ops, m);
	/* The first frame of each channel is its bare number. */
	if (m->stdout_wanted)
		ws_send(w, 1, "", 0);
	if (m->stderr_wanted)
		ws_send(w, 2, "", 0);
	ws_send(w, 3, "", 0);
	if (!p.pod || !p.c) {
		char text[700] = "pod not found";
		if (p.pod)
			not_running(&p, text, sizeof(text));
		failure_send(m, text);
	} else if (strcmp(p.route.sub, "exec") == 0) {
		exec_begin(m, p.c, r);
	} else {
		attach_begin(m, p.c);
	}
}
