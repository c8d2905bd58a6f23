/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attribute table and what its handlers get. A file in the mount is one row in table.c and one
 * or two functions named after it; they never see a fuse_req_t, an offset or a fuse_file_info.
 *
 *	show   renders the content from the cache; any thread, must not wait or lock
 *	store  checks a value and says what to change in the pod; cluster thread; may run again
 *	       with a newer pod when another writer was faster
 *	fetch  the content comes from the API server when opened
 *	forward  … from a server in the pod
 *	spool  a growing file
 *	act    does something when written to, whatever is written; cluster thread; a->done()
 *	       answers the writer, perhaps from inside; < 0: refused, done() will not be called
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/registry.h"
#include "fs/weaverfs.h"
#include "k8s/base/buf.h"
#include "k8s/base/error.h"

struct act;
struct podspec;
struct reply;
struct stream_ops;

enum attr_flags {
	ATTR_LIVE = 1 << 0,      /* in a weaver's directory */
	ATTR_DRAFT = 1 << 1,     /* in a draft and in .weaverfs/defaults */
	ATTR_ARCHIVE = 1 << 2,   /* in an archive entry */
	ATTR_CONTROL = 1 << 3,   /* in .weaverfs */
	ATTR_CONSTANT = 1 << 4,  /* the same while the pod lives: the kernel may keep its size */
	ATTR_DIRECTORY = 1 << 5, /* a subdirectory: holds the rows whose dir is its name */
	ATTR_HIDDEN = 1 << 6,    /* resolves, but is not listed: grep -r must never block */
	ATTR_LINES = 1 << 7,     /* a draft's list: gathers over the writes of one open */
	ATTR_BULK = 1 << 8,      /* .weaverfs/new */
	ATTR_CALLER = 1 << 9,    /* each caller reads something else */
};

/* What a handler sees. Which members are set depends on where the file is. */
struct weaver_view {
	const struct weaverfs *fs;
	struct caller caller;
	int64_t now_s;                 /* the server's clock */
	const struct registry_view *w; /* ATTR_LIVE */
	const struct pod *pod;         /* ATTR_LIVE: w->pod */
	const struct podspec *spec;    /* ATTR_DRAFT: the draft, or the defaults */
};

/* What a store wants changed; strings are copied. */
struct store_ctx {
	struct weaver_view view;
	bool append;         /* opened with O_APPEND */
	bool truncate;       /* the first write of an open with O_TRUNC */
	struct store *store; /* private to store.c */
};
/* value NULL removes the key. 0 or -ENOMEM. */
int store_annotation(struct store_ctx *c, const char *key, const char *value);
int store_label(struct store_ctx *c, const char *key, const char *value);

/* How a fetched file comes: the path to GET, as JSON or text, for this weaver. */
typedef int attr_fetch_path(const struct weaver_view *w, struct buf *path, struct error *e);
/* What the file says of the answer, a refusal too. Cluster thread. */
typedef int attr_fetch_render(const struct reply *reply, struct buf *out, struct error *e);
/* The same by HTTP/1.1 from a port in the pod: the path to GET there, and the port. */
typedef int attr_fetch_forward(const struct weaver_view *w, struct buf *path, uint16_t *ret_port,
			       struct error *e);

/* Ways into a weaver: who opens or connects talks to it, see fs/into/enter.h. */
enum attr_enter {
	ATTR_ENTER_NONE,
	ATTR_ENTER_EXEC,   /* an open is a command */
	ATTR_ENTER_STDIN,  /* of its main process */
	ATTR_ENTER_WEAVER, /* the socket behind sh and attach */
	ATTR_ENTER_PORT,   /* a socket for each number; the row's own name stands for them */
};

struct attr {
	const char *name;
	const char *dir; /* the subdirectory of its object that it is in: "follow"; NULL: none */
	unsigned flags;
	mode_t mode;      /* 0: deduced, 0440 from show, 0200 from store and so on */
	size_t max_write; /* beyond it EFBIG; 0: 4096 */
	int (*show)(const struct weaver_view *w, struct buf *out, struct error *e);
	int (*store)(struct store_ctx *c, const char *in, size_t len, struct error *e);
	/* Makes in[0..len) the value in a draft's copy; NUL-terminated, no trailing newline. */
	int (*draft)(struct podspec *spec, const char *in, size_t len, struct error *e);
	attr_fetch_path *fetch;
	attr_fetch_render *render; /* NULL: the body as it is */
	attr_fetch_forward *forward;
	enum spool_kind spool;
	enum attr_enter enter;
	const struct stream_ops *stream;
	int (*act)(struct weaverfs *fs, struct act *a, struct error *e);
	const char *help; /* one sentence; becomes .weaverfs/help and docs/files.md */
};

/* ---- table.c ---- */
#define ATTR_ROW_FIRST 1                    /* row 0 is the directory itself */
extern const struct attr *const table_rows; /* row numbers index it from ATTR_ROW_FIRST on */
extern const unsigned table_n;              /* rows are ATTR_ROW_FIRST .. table_n */
/* The row of a number, if it is in that scope; NULL. */
const struct attr *table_get(unsigned row, unsigned scope);
/* The row of a name in that scope and subdirectory (NULL: none), 0: no such. */
unsigned table_find(const char *name, unsigned scope, const char *dir);
/* Whether a write has something to go to; a mode may have the bit all the same. */
bool table_writable(const struct attr *a, unsigned scope);
/* Permission bits: mode, or deduced from the hooks; scope decides whether it is writable. */
mode_t table_mode(const struct attr *a, unsigned scope);
/* S_IFREG, S_IFDIR or S_IFSOCK */
mode_t table_type(const struct attr *a);
/* How a row's file is entered; of a number that is no row: not at all. */
enum attr_enter table_enter(unsigned row);
/* Handlers, one or two a row, are declared in fs/attr/attr_handlers.h. */
