/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection into a pod (k8s/channel.h) for the cluster thread: an exec or a port-forward whose
 * output and end come as calls there, while the connection itself lives on the ws thread. What is
 * not taken fast enough waits in the pod.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "k8s/channel.h"

struct relay;
struct relays;
struct weaverfs;

int relay_new(struct weaverfs *fs, struct relays **ret, struct error *e);
/* Any other thread than ws, before ws_detach(): all end with ESHUTDOWN, also those that come. */
void relay_close_all(struct relays *all);
void relay_free(struct relays *all); /* after ws_free(); NULL allowed */

struct relay_ops {
	/* May stop the relay. */
	void (*output)(void *data, enum channel_stream stream, const char *bytes, size_t len);
	/* Once, unless it was stopped: it is gone when this returns. end as of a channel. */
	void (*ended)(void *data, const struct channel_end *end);
};

struct relay_spec {
	enum channel_kind kind;                   /* exec or forward */
	const char *namespace_, *pod, *container; /* copied, as the words */
	const char *const *argv;                  /* exec: at most RELAY_WORDS, NULL at the end */
	uint16_t port;                            /* forward */
	const char *input;                        /* forward: what is sent first; copied */
	const struct relay_ops *ops;              /* borrowed, as data */
	void *data;
};
#define RELAY_WORDS 7

/* ---- cluster thread ---- */
/* An exec has an input which ends with the connection, and is empty. 0 or -ENOMEM. */
int relay_start(struct relays *all, const struct relay_spec *spec, struct relay **ret,
		struct error *e);
void relay_stop(struct relay *r); /* nothing is called any more; NULL allowed */
