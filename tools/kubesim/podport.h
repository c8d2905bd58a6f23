/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TCP connection to a port of a pod, as a kubelet makes one for pods/portforward. Pods share the
 * host's network, so a pod's port is one of 127.0.0.1; an audit sidecar's is its own.
 */
#pragma once
#include "tools/kubesim/http.h"
#include "tools/kubesim/pump.h"

struct podport;

struct podport_ops {
	void (*received)(struct podport *p, const char *bytes, size_t len);
	/* Nothing more comes; why in the kubelet's words, NULL: the pod closed it. May free p. */
	void (*ended)(struct podport *p, const char *why);
	void (*drained)(struct podport *p); /* NULL allowed */
};

struct podport {
	const struct podport_ops *ops;
	const struct request *r; /* borrowed */
	int number;
	struct loop_fd socket; /* for reading; owned */
	struct pump out;       /* the same socket, duplicated */
	enum { PODPORT_NEW, PODPORT_CONNECTING, PODPORT_CONNECTED, PODPORT_CLOSED } state;
	bool ends, paused;
};

void podport_init(struct podport *p, const struct podport_ops *ops); /* opens nothing */
/* Of the pod that r names. ended() may be called before this returns. */
void podport_open(struct podport *p, const struct request *r, int number);
/* These two at any time; before there is a connection it waits. */
void podport_write(struct podport *p, const char *bytes, size_t len);
void podport_end(struct podport *p);               /* a FIN after what is pending */
void podport_pause(struct podport *p, bool pause); /* the pod's bytes wait */
void podport_close(struct podport *p);             /* safe when closed; ended() is not called */
