/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/call_handlers.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "sidecar/call_codes.h"
#include "sidecar/call_table.h"
#include "sidecar/scope.h"

static const char *const handler_of[CALLS_COUNT] = {
	[CALLS_PROCESS] = "call_process",
	[CALLS_OPEN] = "call_open",
	[CALLS_IO] = "call_io",
	[CALLS_PATH] = "call_path",
	[CALLS_ATTR] = "call_attr",
	[CALLS_XATTR] = "call_attr",
	[CALLS_NET] = "call_net",
	[CALLS_DNS] = "call_dns",
	[CALLS_PRIVILEGE] = "call_privilege",
	[CALLS_MEMORY] = "call_memory",
	[CALLS_ESCAPE] = "call_escape",
};

static bool is_handler_of(const char *program, unsigned group)
{
	return handler_of[group] && !strcmp(handler_of[group], program);
}

bool call_handlers_has(const char *program)
{
	for (unsigned i = 0; i < CALLS_COUNT; i++)
		if (is_handler_of(program, i))
			return true;
	return false;
}

int call_handlers_set(int map_fd, const char *program, int program_fd)
{
	for (__u32 i = 0; i < CALLS_COUNT; i++)
		if (is_handler_of(program, i) &&
		    bpf_map_update_elem(map_fd, &i, &program_fd, BPF_ANY))
			return -errno;
	return 0;
}

/*
 * What to do with a row. Where files are hooked and DNS is not, or not all of it, sockets are still
 * read and written by the same calls as files; so it is with socketcall.
 */
static __u32 call_wanted(__u32 call, unsigned groups)
{
	__u32 group = CALL_GROUP(call), code = CALL_CODE(call);
	if (groups & 1U << group)
		return call;
	if (!(groups & 1U << CALLS_DNS))
		return call | CALL_QUIET;
	if (group == CALLS_IO && code <= IO_WRITEV)
		return CALL_MAKE(CALLS_DNS, code);
	if (group == CALLS_NET && code == NET_SOCKETCALL)
		return CALL_MAKE(CALLS_DNS, DNS_SOCKETCALL);
	return call | CALL_QUIET;
}

static int audit_number(int map_fd, bool compat, short number, __u32 call)
{
	if (number < 0)
		return 0;
	__u32 key = CALL_INDEX(compat, number);
	return bpf_map_update_elem(map_fd, &key, &call, BPF_ANY) ? -errno : 0;
}

int call_handlers_audit(int map_fd, unsigned groups, struct error *e)
{
	for (unsigned i = 0; i < call_table_rows; i++) {
		const struct call_row *row = &call_table_row[i];
		if (row->call == CALL_NAME_ONLY)
			continue;
		__u32 call = call_wanted(row->call, groups);
		int r = audit_number(map_fd, false, row->number, call);
		if (!r)
			r = audit_number(map_fd, true, row->compat_number, call);
		if (r)
			return error_set(e, -r, "map calls: %s: %s", row->name, strerror(-r));
	}
	return 0;
}
