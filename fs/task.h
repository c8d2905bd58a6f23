/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work in flight on the cluster thread that holds a FUSE request (mkdir, rmdir, a write, a fetch),
 * so that shutdown can end each: cancel() answers the request with EIO, cancels its call, frees.
 */
#pragma once
#include "k8s/base/list.h"

struct task {
	struct list node; /* in weaverfs.tasks; cluster thread */
	void (*cancel)(struct task *t);
};

static inline void task_begin(struct list *tasks, struct task *t, void (*cancel)(struct task *))
{
	t->cancel = cancel;
	list_push_back(tasks, &t->node);
}
static inline void task_end(struct task *t)
{
	list_remove(&t->node);
}
static inline void task_cancel_all(struct list *tasks)
{
	while (!list_empty(tasks)) {
		struct task *t = list_entry(tasks->next, struct task, node);
		list_remove(&t->node);
		t->cancel(t);
	}
}
