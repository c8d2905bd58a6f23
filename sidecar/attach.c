/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libbpf would read all of the kernel's types for each object with a program of type TRACING, to
 * find what it attaches to. So programs get that type at the last moment before they are loaded,
 * and what they attach to is looked up here.
 */
#include "sidecar/attach.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "sidecar/kernel_types.h"

static const struct section {
	const char *prefix;
	enum bpf_attach_type type;
	const char *target; /* before the name of what it attaches to */
	__u32 kind;
} sections[] = {
	{ "tp_btf/", BPF_TRACE_RAW_TP, "btf_trace_", BTF_KIND_TYPEDEF },
	{ "fentry/", BPF_TRACE_FENTRY, "", BTF_KIND_FUNC },
	{ "fexit/", BPF_TRACE_FEXIT, "", BTF_KIND_FUNC },
};

static const struct kernel_types *kernel; /* libbpf's call-backs have nothing of ours */

/* 0: the kernel does not have it. */
static __u32 find_target(const struct bpf_program *program)
{
	const char *name = bpf_program__section_name(program);
	for (unsigned i = 0; i < ARRAY_SIZE(sections); i++) {
		const struct section *s = &sections[i];
		size_t len = strlen(s->prefix);
		char target[128];
		if (strncmp(name, s->prefix, len))
			continue;
		snprintf(target, sizeof(target), "%s%s", s->target, name + len);
		return kernel_types_find(kernel, target, s->kind);
	}
	return 0;
}

static int prepare_load(struct bpf_program *program, struct bpf_prog_load_opts *options,
			long cookie)
{
	(void)cookie;
	options->attach_btf_id = find_target(program);
	return options->attach_btf_id ? bpf_program__set_type(program, BPF_PROG_TYPE_TRACING)
				      : -ESRCH;
}

static int register_sections(struct error *e)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, options, .prog_prepare_load_fn = prepare_load);
	for (unsigned i = 0; i < ARRAY_SIZE(sections); i++) {
		int r = libbpf_register_prog_handler(sections[i].prefix,
						     BPF_PROG_TYPE_RAW_TRACEPOINT, sections[i].type,
						     &options);
		if (r < 0)
			return error_set(e, -r, "libbpf: section %s: %s", sections[i].prefix,
					 strerror(-r));
	}
	return 0;
}

int attach_begin(const struct kernel_types *types, struct error *e)
{
	static bool registered;
	kernel = types;
	if (registered || !types)
		return 0;
	int r = register_sections(e);
	registered = !r;
	return r;
}

bool attach_possible(const struct bpf_program *program)
{
	return find_target(program);
}
