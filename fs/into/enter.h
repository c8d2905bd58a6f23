/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ways into a weaver, put together: who connects to a socket in the mount (socket.h) gets a session
 * (term.h) or a port (forward.h), who opens exec or stdin a command (enter_file.h). What the
 * daemon itself wants to run in a weaver is started on fs->ws by command_start(), at the place that
 * enter_target() says.
 */
#pragma once
#include "fs/into/command.h"
#include "fs/weaverfs.h"

struct enter;
struct registry_view;

/* Main thread; the two below too. Makes fs->sockets. */
int enter_new(struct weaverfs *fs, struct enter **ret, struct error *e);
/*
 * Before ws_detach(): ends all connections and commands. Waits up to a second for what ends
 * commands in their weavers.
 */
void enter_close(struct enter *i);
void enter_free(struct enter *i); /* after ws_free() */

/* The container of a weaver, in strings that live as long as w. -ENOTCONN: it is not running. */
int enter_target(const struct registry_view *w, struct command_target *ret, struct error *e);
/* -EAGAIN: as far as is known its main process has not ended. */
int enter_main_ended(const struct registry_view *w, int *ret_exit_code, struct error *e);
