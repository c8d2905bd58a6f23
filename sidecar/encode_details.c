/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of each kind of record: first Loom's members, then ours. Shares of a line are given
 * to its strings such that all together stay below LINE_MAX_BYTES, whatever has to be escaped.
 */
#include <string.h>
#include <sys/wait.h>

#include "k8s/base/cleanup.h"
#include "sidecar/encode_parts.h"
#include "sidecar/redact.h"

#define EXEC_PATH_MOST 1600
#define EXEC_CWD_MOST 1000
#define ARGS_MAX 4096

static void add_argv(struct line *l, const struct event *ev)
{
	char out[REDACT_ROOM(EVENT_TEXT_MAX)];
	size_t len;
	const char *args = event_text(ev, 1, &len);
	bool hidden, cut = ev->flags & EVENT_ARGS_TRUNCATED;
	size_t n = redact_args(args, len, out, &hidden);

	line_key(l, "argv");
	line_open(l, "[");
	for (size_t at = 0; at < n;) {
		size_t arg = strnlen(out + at, n - at);

		if (line_room(l) < 16) {
			cut = true;
			break;
		}
		line_comma(l);
		cut |= line_string(l, out + at, arg, ARGS_MAX) & LINE_CUT;
		at += arg + 1;
	}
	line_shut(l, "]");
	line_key_true(l, "argv_redacted", hidden);
	line_key_true(l, "argv_unread", ev->flags & EVENT_ARGS_UNREAD);
	if (cut)
		line_key_unsigned(l, "argv_len", ev->exec.args_len);
}

static void add_exec(const struct encoder *c, const struct event *ev, struct line *l)
{
	size_t len;
	const char *cwd = event_text(ev, 2, &len);

	(void)c;
	encode_parts_first_path(l, ev, EXEC_PATH_MOST);
	if (len > 0)
		encode_parts_path(l, ENCODE_CWD, cwd, len, EXEC_CWD_MOST, false);
	line_key_unsigned(l, "uid", ev->uid);
	line_key_unsigned(l, "gid", ev->gid);
	line_key_unsigned(l, "ppid", ev->ppid);
	if (ev->exec.inode) {
		line_key_unsigned(l, "inode", ev->exec.inode);
		line_key_unsigned(l, "dev", ev->exec.dev);
	}
	if (ev->exec.old_tid && ev->exec.old_tid != ev->pid)
		line_key_unsigned(l, "old_tid", ev->exec.old_tid);
	encode_parts_result(l, ev, ev->exec.result);
	add_argv(l, ev); /* last: it takes what is left of the line */
}

static void add_fork(const struct encoder *c, const struct event *ev, struct line *l)
{
	line_key_unsigned(l, "parent_pid", ev->pid);
	line_key_unsigned(l, "child_pid", ev->fork.child_pid);
	line_key_unsigned(l, "clone_flags", ev->fork.flags);
	line_key_unsigned(l, "child_ns_pid", ev->fork.child_ns_pid);
	line_key_unsigned(l, "child_start", ev->fork.child_start_ns / (uint64_t)c->tick_ns);
}

/* 128 + signal, as a shell has it. */
static void add_exit(const struct encoder *c, const struct event *ev, struct line *l)
{
	int status = ev->exit.status;
	int signal = WTERMSIG(status);

	(void)c;
	line_key_signed(l, "exit_code", signal ? 128 + signal : WEXITSTATUS(status));
	if (signal)
		line_key_signed(l, "signal", signal);
}

static const char *const file_ops[FILE_OP_COUNT] = {
#define X(name, text) [FILE_OP_##name] = text,
	FILE_OPS(X)
#undef X
};

static enum encode_path_key second_key(uint32_t op)
{
	switch (op) {
	case FILE_OP_SETXATTR:
	case FILE_OP_REMOVEXATTR:
		return ENCODE_NAME;
	case FILE_OP_SYMLINK:
		return ENCODE_TARGET;
	default:
		return ENCODE_TO;
	}
}

static void add_file_op(const struct event_file *f, struct line *l)
{
	line_key(l, "op");
	encode_parts_word(l, f->op < FILE_OP_COUNT ? file_ops[f->op] : "unknown");
	switch (f->op) {
	case FILE_OP_CLOSE:
		line_key_unsigned(l, "read", f->read);
		line_key_unsigned(l, "written", f->written);
		break;
	case FILE_OP_TRUNCATE:
		line_key_unsigned(l, "size", f->size);
		break;
	case FILE_OP_CHOWN:
		if (f->uid != UINT32_MAX)
			line_key_unsigned(l, "uid", f->uid);
		if (f->gid != UINT32_MAX)
			line_key_unsigned(l, "gid", f->gid);
		break;
	default:
		break;
	}
}

/* Of an open, the most frequent line, what goes without saying is left out. */
static void add_file(const struct encoder *c, const struct event *ev, struct line *l)
{
	const struct event_file *f = &ev->file;

	(void)c;
	encode_parts_first_path(l, ev, encode_parts_share(ev));
	encode_parts_second(l, ev, second_key(f->op));
	line_key_unsigned(l, "flags", f->flags);
	line_key_unsigned(l, "mode", f->mode);
	if (f->op != FILE_OP_OPEN)
		add_file_op(f, l);
	encode_parts_fd(l, f->fd);
	if (f->op != FILE_OP_OPEN && f->inode) {
		line_key_unsigned(l, "inode", f->inode);
		line_key_unsigned(l, "dev", f->dev);
	}
	encode_parts_result(l, ev, f->result);
}

/* clang-format off */
#define ADD_CHANGE(l, p, name)                                                                     \
	do {                                                                                       \
		if ((p)->old_##name != (p)->new_##name) {                                          \
			line_key_unsigned(l, "old_" #name, (p)->old_##name);                       \
			line_key_unsigned(l, "new_" #name, (p)->new_##name);                       \
		}                                                                                  \
	} while (0)
/* clang-format on */

static void add_privilege(const struct encoder *c, const struct event *ev, struct line *l)
{
	const struct event_privilege *p = &ev->privilege;

	(void)c;
	encode_parts_call(l, ev);
	ADD_CHANGE(l, p, uid);
	ADD_CHANGE(l, p, gid);
	ADD_CHANGE(l, p, euid);
	ADD_CHANGE(l, p, egid);
	ADD_CHANGE(l, p, fsuid);
	ADD_CHANGE(l, p, fsgid);
	ADD_CHANGE(l, p, effective);
	ADD_CHANGE(l, p, permitted);
	ADD_CHANGE(l, p, bounding);
	line_key_unsigned(l, "arg0", p->arg0);
	line_key_unsigned(l, "arg1", p->arg1);
	line_key_true(l, "user_namespace", p->user_namespace);
	encode_parts_result(l, ev, p->result);
}

static void add_memory(const struct encoder *c, const struct event *ev, struct line *l)
{
	const struct event_memory *m = &ev->memory;

	(void)c;
	line_key_unsigned(l, "addr", m->addr);
	line_key_unsigned(l, "len", m->len);
	line_key_unsigned(l, "prot", m->prot);
	line_key_unsigned(l, "flags", m->flags);
	if (ev->text_len[0] > 0)
		encode_parts_first_path(l, ev, ENCODE_PARTS_PATH);
	if (m->inode) {
		line_key_unsigned(l, "inode", m->inode);
		line_key_unsigned(l, "dev", m->dev);
	}
	encode_parts_result(l, ev, m->result);
}

static const char *const escape_ops[ESCAPE_OP_COUNT] = {
#define X(name, text) [ESCAPE_OP_##name] = text,
	ESCAPE_OPS(X)
#undef X
};

static void add_escape(const struct encoder *c, const struct event *ev, struct line *l)
{
	const struct event_escape *x = &ev->escape;

	(void)c;
	encode_parts_call(l, ev);
	line_key_unsigned(l, "arg0", x->arg0);
	line_key_unsigned(l, "arg1", x->arg1);
	line_key_unsigned(l, "arg2", x->arg2);
	if (x->op != ESCAPE_OP_SYSCALL && x->op < ESCAPE_OP_COUNT) {
		line_key(l, "op");
		encode_parts_word(l, escape_ops[x->op]);
	}
	if (ev->text_len[0] > 0)
		encode_parts_first_path(l, ev, encode_parts_share(ev));
	encode_parts_second(l, ev, ENCODE_TO);
	encode_parts_result(l, ev, x->result);
}

static void add_lost(const struct encoder *c, const struct event *ev, struct line *l)
{
	const struct event_lost *x = &ev->lost;

	line_key(l, "stage");
	line_text(l, "\"ring\"");
	line_key(l, "kind");
	encode_parts_word(l, encode_type_name(x->kind));
	line_key_unsigned(l, "cpu", ev->cpu);
	line_key_unsigned(l, "ring", ev->ring);
	line_key_unsigned(l, "count", x->count);
	line_key_signed(l, "first_ts", encode_realtime(c, x->first_ns));
	line_key_signed(l, "last_ts", encode_realtime(c, x->last_ns));
}

/* ---- all ---- */

static const struct {
	uint32_t bit;
	const char *text;
} flag_names[] = {
	{ EVENT_ASKED, ",\"asked\":true" },
	{ EVENT_DETACHED, ",\"detached\":true" },
	{ EVENT_DELETED, ",\"deleted\":true" },
	{ EVENT_CHROOTED, ",\"chrooted\":true" },
	{ EVENT_MISMATCH, ",\"arg_mismatch\":true" },
	{ EVENT_COMPAT, ",\"compat\":true" },
	{ EVENT_X32, ",\"x32\":true" },
	{ EVENT_URING, ",\"io_uring\":true" },
	{ EVENT_NAMESPACED, ",\"namespaced\":true" },
	{ EVENT_OWN_CONTAINER, ",\"in_sidecar\":true" },
};

typedef void details_fn(const struct encoder *c, const struct event *ev, struct line *l);

void encode_details_add(const struct encoder *c, const struct event *ev, struct line *l)
{
	static details_fn *const kinds[EVENT_TYPE_COUNT] = {
		[EVENT_EXEC] = add_exec,
		[EVENT_FORK] = add_fork,
		[EVENT_EXIT] = add_exit,
		[EVENT_FILE_WRITE] = add_file,
		[EVENT_FILE_READ] = add_file,
		[EVENT_FILE_METADATA] = add_file,
		[EVENT_FILE_OPEN] = add_file,
		[EVENT_SOCKET] = encode_net_add,
		[EVENT_CONNECT] = encode_net_add,
		[EVENT_LISTEN] = encode_net_add,
		[EVENT_ACCEPT] = encode_net_add,
		[EVENT_DNS_QUERY] = encode_net_add_dns,
		[EVENT_DNS_RESPONSE] = encode_net_add_dns,
		[EVENT_PRIVILEGE] = add_privilege,
		[EVENT_MEMORY] = add_memory,
		[EVENT_ESCAPE] = add_escape,
		[EVENT_TASK] = add_exec,
		[EVENT_LOST] = add_lost,
	};

	if (ev->type < EVENT_TYPE_COUNT)
		kinds[ev->type](c, ev, l);
	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (ev->flags & flag_names[i].bit)
			line_raw(l, flag_names[i].text, strlen(flag_names[i].text));
	l->comma = true;
}
