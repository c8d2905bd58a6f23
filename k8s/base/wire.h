/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `weaver` and the daemon say over the unix socket in a weaver's directory. Frames both ways:
 * struct wire_head, then its len bytes; numbers in the byte order of this machine, since both ends
 * are on it. The client sends WIRE_REQUEST, then WIRE_INPUT (an empty one: end of input) and
 * WIRE_SIZE as they come; the daemon WIRE_OUTPUT and WIRE_ERROUT, and WIRE_END as its last.
 * Either end that closes has gone: the daemon then ends a command that it has begun, but leaves
 * alone what it was attached to.
 *
 * Frames and not passed descriptors: the daemon never holds or waits for a stranger's file, and a
 * reader that is slow holds up its own command and nobody else.
 */
#pragma once
#include <stdint.h>

#define WIRE_VERSION 1
#define WIRE_SOCKET ".weaver" /* its name, beside sh and attach */
#define WIRE_DATA_MAX (32U << 10)
#define WIRE_REQUEST_MAX (1U << 20) /* what Linux allows a command at least, by and large */

enum wire_type {
	WIRE_REQUEST = 1, /* struct wire_request, then strings */
	WIRE_INPUT,       /* bytes, at most WIRE_DATA_MAX */
	WIRE_SIZE,        /* struct wire_size */
	WIRE_OUTPUT,      /* bytes, at most WIRE_DATA_MAX */
	WIRE_ERROUT,
	WIRE_END, /* uint32_t exit code, then a sentence for the person, not terminated; "": none */
};

struct wire_head {
	uint32_t type;
	uint32_t len;
};

enum wire_verb {
	WIRE_SHELL = 1, /* argv are the arguments of a shell; none: an interactive one */
	WIRE_EXEC,      /* argv is a program and its arguments */
	WIRE_ATTACH,    /* the weaver's main process */
};

#define WIRE_TTY 1U

/* NUL-terminated strings follow to the end of the frame: $TERM, then argv. */
struct wire_request {
	uint32_t version;
	uint32_t verb;
	uint32_t flags;
	uint16_t rows, cols; /* with WIRE_TTY */
};

struct wire_size {
	uint16_t rows, cols;
};

/* As docker and ssh have them. */
#define WIRE_EXIT_LOST 255    /* no connection, refused, or lost midway */
#define WIRE_EXIT_REFUSED 126 /* found, but cannot be run */
#define WIRE_EXIT_NO_PROGRAM 127
