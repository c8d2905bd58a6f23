/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a weaver is not well, in two steps: reason.c finds the one cause worth naming, hint.c knows
 * what to do about it. Both are pure; weaver_reason() in weaver.h is their caller.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "k8s/base/buf.h"

struct config;
struct event_list;
struct last_line;
struct pod;
struct pod_container;

/* What reason_find() reads; all borrowed. */
struct reason_input {
	const struct pod *pod;
	const struct event_list *events;   /* NULL: none */
	const struct last_line *last_line; /* NULL: not known */
	const struct config *config;
};

struct reason {
	struct buf word;    /* "ErrImagePull"; the cluster's own bytes, not yet escaped */
	struct buf message; /* ditto; never without text */
	const struct pod_container *container; /* whose state it is; NULL: the pod's as a whole */
	bool init;                             /* container is an init container */
};
void reason_done(struct reason *r);
/* Whether there is a cause; r starts out as zeros. */
bool reason_find(const struct reason_input *in, struct reason *r);

/* The `hint: …` lines of that cause. */
void hint_add(const struct reason_input *in, const struct reason *r, struct buf *out);
