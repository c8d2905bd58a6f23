/* SPDX-License-Identifier: Apache-2.0 */
/* The programs that sys_exit jumps to, and the table that it jumps by. One thread. */
#pragma once
#include <stdbool.h>

struct error;

/* A program of this name is a handler, not attached itself. */
bool call_handlers_has(const char *program);
/* Puts it into the map; 0 or -errno. */
int call_handlers_set(int map_fd, const char *program, int program_fd);

/* Audits the calls whose group is in the mask of 1 << enum call_group; others are only known. */
int call_handlers_audit(int map_fd, unsigned groups, struct error *e);
