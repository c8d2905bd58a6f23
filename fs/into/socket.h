/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unix sockets inside the mount: .weaver and ports/<n>. A look-up of such a name waits until a
 * helper process has bound a socket to its inode: in a hidden directory, .weaverfs/.sockets, since
 * the kernel keeps the look-up's own one locked; the MKNOD there is answered with the number that
 * the look-up is then answered with. It is the kernel that finds the socket by the inode, so it
 * works through bind mounts, in containers without anything else of ours.
 *
 * What is bound is bound in the helper's own mount, so that it keeps nobody from unmounting; it is
 * closed 3 s after its last use.
 */
#pragma once
#include <fuse_lowlevel.h>
#include <stdint.h>
#include <sys/socket.h>

#include "fs/weaverfs.h"

struct node;
struct sockets; /* NULL is one that has none, for the functions of any thread */

/* One connection, or what it was made to. */
struct socket_use {
	uint64_t object; /* the weaver's */
	uint16_t port;   /* 0: .weaver */
	fuse_ino_t ino;
};

struct socket_ops {
	/* Somebody has connected; takes fd. ws thread. */
	void (*accepted)(struct weaverfs *fs, const struct socket_use *use, int fd,
			 const struct ucred *peer);
	/* The mount has gone: whatever is connected is to end. Cluster thread. */
	void (*unmounted)(struct weaverfs *fs);
};

int socket_new(struct weaverfs *fs, const struct socket_ops *ops, struct sockets **ret,
	       struct error *e);
/* After the mount; where the helper cannot be started look-ups say so. Cluster thread. */
void socket_helper_start(struct sockets *s);
/* The listeners; on the ws thread, and nothing listens afterwards. */
void socket_close_all(struct sockets *s);
/* The helper, and look-ups that wait; after socket_close_all(). Cluster thread. */
void socket_helper_stop(struct sockets *s);
void socket_free(struct sockets *s); /* after both threads have ended; NULL allowed */

/* ---- from ops, any thread ---- */
/* Takes req, of a look-up that found n: fuse_reply_entry(), when somebody can connect to it. */
void socket_lookup(struct sockets *s, fuse_req_t req, const struct node *n);
/*
 * A request of the helper, and whether it is one and is answered. name: in the directory `object`,
 * INO_OBJECT_CONTROL or INO_OBJECT_SOCKETS.
 */
bool socket_helper_lookup(struct sockets *s, fuse_req_t req, pid_t caller, uint64_t object,
			  const char *name);
bool socket_helper_mknod(struct sockets *s, fuse_req_t req, pid_t caller, uint64_t object,
			 const char *name);
/* Ports of a weaver that are in use, owned array, in rising order. 0 or -ENOMEM. */
int socket_list(struct sockets *s, uint64_t object, uint16_t **ret, size_t *ret_n);
/* A connection has ended. */
void socket_used(struct sockets *s, const struct socket_use *use);
