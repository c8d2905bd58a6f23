/* SPDX-License-Identifier: Apache-2.0 */
/* What enter_file.c and enter_serve.c share. */
#pragma once
#include "fs/attr/attr.h"
#include "fs/into/command.h"
#include "fs/into/enter_file.h"
#include "k8s/base/list.h"
#include "k8s/base/lock.h"
#include "k8s/ws.h"

struct park;

struct enter_files {
	struct weaverfs *fs;
	struct list all;  /* ws thread */
	struct list kept; /* struct enter_input; ws thread */
	struct lock lock; /* LOCK_LEAF, guards members that say so */
};

struct enter_file {
	struct list node;
	struct enter_files *files;
	enum attr_enter kind;
	uint64_t object;
	fuse_ino_t ino;
	struct caller caller;
	char name[REGISTRY_NAME_MAX]; /* of the weaver, as it was at the open */
	struct ws_job job;            /* of the open, then of the release */
	fuse_req_t req;               /* of the job */
	/* ws thread */
	struct command *command; /* NULL: not begun, or over */
	struct buf line;         /* of exec, until it is whole */
	bool begun, reading, input_ended, ended, held;
	struct error error; /* how it ended; code 0: well */
	struct buf out;
	struct list writes, reads, flushes; /* struct call, oldest first */
	struct ws_timer flush_deadline;
	/* files->lock */
	unsigned ready;               /* of poll(2) */
	struct fuse_pollhandle *poll; /* owned; NULL: nobody waits */
};

/* A request that has not been answered. */
struct call {
	struct list node;
	struct ws_job job;
	struct enter_file *file;
	struct list *queue; /* of the file */
	fuse_req_t req;     /* until it is parked */
	struct park *park;  /* NULL: not parked */
	bool nonblock;
	size_t size, done; /* of a write, done bytes are taken */
	char data[];       /* of a write */
};

/* ---- enter_serve.c; ws thread ---- */
/* The command of the line that was written, or the attach of stdin. f->error says what failed. */
void enter_serve_start(struct enter_file *f);
/* Answers what can be; the last that a call from the command does. */
void enter_serve_all(struct enter_file *f);
void enter_serve_publish(struct enter_file *f); /* to poll(2) */
/* The request, to be answered; c is gone. */
fuse_req_t enter_serve_take(struct call *c);
void enter_serve_fail(struct list *calls, int code);

/* ---- enter_input.c; ws thread ---- */
/* Takes a connection to a main process' input that nobody has open any more. */
void enter_input_keep(struct enter_files *files, uint64_t object, struct command *c);
/* One that is kept, owned; NULL: there is none. */
struct command *enter_input_take(struct enter_files *files, uint64_t object);
void enter_input_finish_all(struct enter_files *files);
