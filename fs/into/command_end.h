/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a process in a weaver: of an exec whose connection goes, the server lets the process
 * run on for ever, with a terminal too. A second exec signals all processes of its session, of
 * which a runtime makes the process of an exec the leader. It is tried again while the server is
 * away. ws thread.
 */
#pragma once
#include <stdbool.h>

struct command_target;
struct ws;

/*
 * pid: in the container's namespace. SIGTERM, and SIGKILL after 3 s to what is left; hangup: SIGHUP
 * and SIGCONT alone, as a terminal that is closed sends them. Strings are copied.
 */
void command_end_start(struct ws *w, const struct command_target *target, const char *pid,
		       bool hangup);
/* Those that are still to be tried again are given up: the thread is about to end. */
void command_end_give_up(void);
