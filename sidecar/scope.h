/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/*
 * What user space tells the programs and they tell it, beside the records. All of it is private to
 * this process and its programs.
 */
#pragma once
#include <linux/types.h>

#include "sidecar/event.h"

/* The constants of every object, map ".rodata.scope", set before it is loaded. */
struct scope {
	__u64 pod_cgroup; /* 0: nothing is in scope */
	__u64 own_cgroup; /* the sidecar's container */
	__u64 own_inode;  /* of our executable; others of it in our container are left out, too */
	__u64 nonce;      /* argument of a getpid() of our own that asks for something */
	__u64 half;       /* bytes in the normal ring beyond which its reader is woken */
	__u32 pod_level;
	__u32 self_tgid;
	__u32 v1;
	__u32 own_dev;
	/* what sys_exit is then to leave to the hooks */
	__u32 creds_hooked;     /* changes of credentials: failures only */
	__u32 datagrams_hooked; /* DNS over UDP: TCP only */
};

#define SCOPE_LEVELS 12
#define SCOPE_NAME 128

/* What a getpid(nonce) of ours found out about its own cgroups, innermost first. */
struct scope_found {
	__u64 id[SCOPE_LEVELS];
	char name[SCOPE_LEVELS][SCOPE_NAME];
	__u32 levels; /* entries filled in */
	__u32 level;  /* of the first; the root has 0 */
};

struct scope_calibration {
	struct scope_found v2, v1;
	__u64 inode;
	__u32 dev;
	__u32 tgid; /* 0: the program has not seen us */
};

/* Counters of one CPU: a record of type t goes to the ring that EVENT_TYPES gives t. */
struct scope_slot {
	__u64 produced, lost;
	__u64 first_ns, last_ns; /* of what was lost since `round` */
	__u64 round;             /* the round of reports that first_ns belongs to */
};

struct scope_counters {
	__u64 seq[RING_COUNT];
	struct scope_slot slot[EVENT_TYPE_COUNT];
};

/* A process of the pod, key tgid. */
struct scope_member {
	__u64 start_ns;
	__u64 mount_ns; /* SETUP: the mount namespace and the executable it came in with */
	__u64 inode;
	__u32 setup;
	__u32 pad;
};

/* How sys_exit treats a call: index CALL_INDEX(compat, number) of map "calls"; 0: not audited. */
#define CALL_NUMBERS 512
#define CALL_INDEX(compat, number) ((compat)*CALL_NUMBERS + (number))
#define CALL_MAKE(group, code) ((__u32)(group) << 16 | (code))
#define CALL_QUIET (1U << 31) /* hooks do it: known, not audited by sys_exit */
#define CALL_GROUP(call) ((call) >> 16 & 0xff)
#define CALL_CODE(call) ((call)&0xffff)

/* The programs that sys_exit jumps to, index in map "handlers". */
enum call_group {
	CALLS_NONE,
	CALLS_PROCESS, /* exec that failed */
	CALLS_OPEN,
	CALLS_IO,
	CALLS_PATH,
	CALLS_ATTR,
	CALLS_XATTR, /* and times: the hooks of these are double on overlayfs */
	CALLS_NET,
	CALLS_DNS,
	CALLS_PRIVILEGE,
	CALLS_MEMORY,
	CALLS_ESCAPE,
	CALLS_COUNT
};
