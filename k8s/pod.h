/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pod, compact and immutable: about 40 fields of core/v1 Pod in one allocation with the struct;
 * what thousands of pods have alike (keys, images, reasons) is stored once for the process. A
 * reference count: readers on any thread hold a reference and need no lock.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"

/* Strings are never NULL: "" where the pod has none. Times are seconds since the epoch, 0: none. */
struct pod_pair {
	const char *key, *value;
};

enum pod_state { POD_STATE_NONE, POD_STATE_WAITING, POD_STATE_RUNNING, POD_STATE_TERMINATED };

struct pod_container {
	const char *name;
	const char *id; /* containerd://…, "" before it was made */
	enum pod_state state;
	int restarts;
	const char *reason;  /* of the waiting or terminated state: "ErrImagePull", "OOMKilled" */
	const char *message; /* ditto */
	int exit_code, signal;
	int64_t started_s, finished_s; /* 0 where the server says 1970 (StartError) */
	bool ready, started;
	bool restartable;      /* an init container with restartPolicy Always: a native sidecar */
	unsigned char order;   /* its place among the statuses: the kubelet sorts them by name */
	uint16_t metrics_port; /* what its literal env …_METRICS_PORT says; 0: nothing good */
};

struct pod {
	int refs;                                      /* atomic */
	bool initialized, pod_ready, scheduling_gated; /* conditions */
	bool tty;                                      /* of the main container */
	const char *name, *namespace_, *uid, *resource_version;
	const char *phase;            /* "Pending" … */
	const char *reason, *message; /* status.reason: Evicted, DeadlineExceeded */
	const char *node, *ip, *hostname;
	int64_t created_s, deleted_s /* deletionTimestamp */, started_s /* status.startTime */;
	int64_t active_deadline_s; /* spec.activeDeadlineSeconds, 0: none */
	int64_t grace_s;           /* deletionGracePeriodSeconds, 0: none */
	const char
		*unschedulable; /* message of PodScheduled=False, reason Unschedulable; "" else */
	const struct pod_pair *labels;
	size_t n_labels;
	const struct pod_pair *annotations;
	size_t n_annotations;
	const struct pod_container *init;
	size_t n_init; /* length of spec.initContainers; state NONE without a status */
	const struct pod_container *containers;
	size_t n_containers;
	/* Of the main container: the one named as pod_parse() was told, else the first. */
	size_t main;
	const char *image, *workdir;
	const char *const *command; /* NULL-terminated */
	const char *const *args;    /* NULL-terminated */
	const struct pod_pair *env; /* literal values only; valueFrom ones are left out */
	size_t n_env;
	const char *cpu_limit, *memory_limit;
};

/*
 * json: one Pod, NUL-terminated. main_container: whose image, command, env … are kept.
 * managedFields and annotations of other tools (a domain that no label has) over 4 KiB are skipped.
 * -EPROTO: no pod (no name or uid), -ENOMEM.
 */
int pod_parse(const char *json, const char *main_container, struct pod **ret, struct error *e);
struct pod *pod_ref(const struct pod *p); /* atomically; immutable, hence const in */
void pod_unref(struct pod *p);
DEFINE_CLEANUP(struct pod *, pod_unref)

const char *pod_label(const struct pod *p, const char *key);      /* NULL: none */
const char *pod_annotation(const struct pod *p, const char *key); /* NULL: none */
const struct pod_container *pod_main(const struct pod *p);        /* NULL: a pod without any */
size_t pod_size(const struct pod *p);                             /* bytes of memory */

/*
 * The word of kubectl's STATUS column, as kube-apiserver computes it (pkg/printers/internalversion,
 * printPod), and the two other columns.
 */
void pod_status_word(const struct pod *p, struct buf *out);
void pod_ready_counts(const struct pod *p, int *ready, int *total, int *restarts);
