/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running side of a pod, shared by lifecycle.c (the pod), container.c (one container) and
 * podstatus.c (what the API shows of them). Made at creation, freed when the object goes away.
 */
#pragma once
#include "tools/kubesim/cgroup.h"
#include "tools/kubesim/logfile.h"
#include "tools/kubesim/loop.h"
#include "tools/kubesim/probe.h"
#include "tools/kubesim/sandbox.h"
#include "tools/kubesim/store.h"

enum container_role { CONTAINER_INIT, CONTAINER_SIDECAR, CONTAINER_MAIN };
enum container_state { CONTAINER_WAITING, CONTAINER_RUNNING, CONTAINER_TERMINATED };

/* Who listens to a container: its attaches. */
struct container_tap {
	struct list all;
	void (*output)(struct container_tap *tap, int stream, const char *bytes, size_t len);
	void (*ended)(struct container_tap *tap);
};

struct container {
	struct pod *pod;
	struct list taps;
	const cJSON *spec; /* borrowed from the pod's */
	const char *name;  /* borrowed from spec */
	enum container_role role;
	enum container_state state;
	char reason[64]; /* of waiting or terminated */
	char message[512];
	int exit_code;
	int64_t started_s, finished_s; /* Unix time; started 0: never (StartError) */
	char id[65];                   /* hex, new for each instance */
	cJSON *last;                   /* lastState.terminated; owned */
	int restarts;
	int backoff_s; /* before the next restart or pull */
	bool begun;    /* being started, or waiting for its timer */
	bool started, ready;
	bool private_network; /* see netns.h */
	bool stand_in;        /* an audit sidecar without a binary: its health is ours */
	struct sandbox *sandbox;
	struct cgroup *cgroup;
	struct logfile *log, *previous;
	struct loop_timer timer;       /* pull, slow start, back-off */
	struct loop_timer probe_timer; /* next probe */
	struct probe *probe;           /* one under way */
	int probe_failures;
};

struct pod {
	struct list all;
	struct object *object; /* object->run points back */
	cJSON *json;           /* the pod as created; owned */
	const char *uid;       /* borrowed from object */
	char dir[512];         /* under the state directory */
	char ip[16];
	struct container *containers; /* init first, then main */
	size_t count, init_count;
	int64_t cpu_milli, memory_milli;
	int64_t start_s; /* 0: the kubelet has not seen it */
	int64_t grace_s;
	bool scheduled; /* on our node */
	bool foreign;   /* bound to a node that is not there */
	bool gated;     /* schedulingGates: nobody lifts them */
	bool stopping, finished, deleting, deadline_exceeded;
	struct loop_timer step, deadline, grace;
};

/* lifecycle.c */
void lifecycle_step(struct pod *p); /* does what is next; after every change of a container */
const char *lifecycle_state_dir(void);
const char *lifecycle_restart_policy(const struct pod *p);

/* container.c */
void container_begin(struct container *c);
void container_restart(struct container *c); /* it ended: begins again after its back-off */
void container_signal(struct container *c, int signal);
void container_stop(struct container *c); /* what has not started never will */
void container_done(struct container *c); /* kills at once, frees what it holds */
void container_field_path(const struct container *c, char *out, size_t size);

/* podstatus.c */
void podstatus_publish(struct pod *p);
void podstatus_unschedulable(struct pod *p, const char *message);
const char *podstatus_phase(const struct pod *p);

/* podspec.c */
struct podspec; /* argv, env, mounts of one container, as sandbox_start() wants them */
int podspec_new(struct container *c, struct podspec **ret, struct error *e); /* -ENOENT: config */
void podspec_free(struct podspec *s);
DEFINE_CLEANUP(struct podspec *, podspec_free)
struct sandbox_spec *podspec_sandbox(struct podspec *s);
/* A volume's secret or config map that is missing: false and what. */
bool podspec_volumes_ready(const struct pod *p, char *why, size_t size);
