/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/kernel_types.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "k8s/base/hash.h"
#include "k8s/base/write.h"

#define BUCKETS (1U << 16)

struct kernel_types {
	struct btf *all;
	__u32 *next; /* by id: another id in the same bucket, 0: the last */
	__u32 bucket[BUCKETS];
	int fd; /* of the file that libbpf reads */
	char path[32];
};

DEFINE_CLEANUP(struct kernel_types *, kernel_types_free)

/* Types that are copied: what each id of the kernel's is in `to`, 0: not there yet. */
struct copy {
	const struct btf *from;
	struct btf *to;
	__u32 *id;
};

static __u32 bucket_of(const char *name)
{
	return (__u32)hash_str(name) % BUCKETS;
}

/* What is ever asked for by its name. */
static bool is_indexed(const struct btf_type *t)
{
	return t->name_off &&
	       (btf_is_composite(t) || btf_is_any_enum(t) || btf_is_func(t) || btf_is_typedef(t));
}

static void index_all(struct kernel_types *k, __u32 count)
{
	for (__u32 id = 1; id < count; id++) {
		const struct btf_type *t = btf__type_by_id(k->all, id);
		if (!is_indexed(t))
			continue;
		__u32 *bucket = &k->bucket[bucket_of(btf__name_by_offset(k->all, t->name_off))];
		k->next[id] = *bucket;
		*bucket = id;
	}
}

int kernel_types_new(struct kernel_types **ret, struct error *e)
{
	_cleanup_(kernel_types_freep) struct kernel_types *k = calloc(1, sizeof(*k));
	if (!k)
		return error_oom(e);
	k->fd = memfd_create("kernel-types", MFD_CLOEXEC);
	if (k->fd < 0)
		return error_set(e, errno, "memfd_create: %s", strerror(errno));
	snprintf(k->path, sizeof(k->path), "/proc/self/fd/%d", k->fd);
	k->all = btf__load_vmlinux_btf();
	if (!k->all)
		return error_set(e, errno,
				 "/sys/kernel/btf/vmlinux: %s: the probes need a kernel with "
				 "CONFIG_DEBUG_INFO_BTF",
				 strerror(errno));
	__u32 count = btf__type_cnt(k->all);
	k->next = calloc(count, sizeof(*k->next));
	if (!k->next)
		return error_oom(e);
	index_all(k, count);
	*ret = move_ptr(&k);
	return 0;
}

void kernel_types_free(struct kernel_types *k)
{
	if (!k)
		return;
	cleanup_close(&k->fd);
	btf__free(k->all);
	free(k->next);
	free(k);
}

const char *kernel_types_path(const struct kernel_types *k)
{
	return k->path;
}

/* The first id of that name from `id` on, within a bucket. */
static __u32 named(const struct kernel_types *k, __u32 id, const char *name)
{
	while (id &&
	       strcmp(btf__name_by_offset(k->all, btf__type_by_id(k->all, id)->name_off), name))
		id = k->next[id];
	return id;
}

__u32 kernel_types_find(const struct kernel_types *k, const char *name, __u32 kind)
{
	__u32 id = named(k, k->bucket[bucket_of(name)], name);
	while (id && btf_kind(btf__type_by_id(k->all, id)) != kind)
		id = named(k, k->next[id], name);
	return id;
}

/* ---- copying ---- */

static int copy_type(struct copy *c, __u32 id);

static const char *name_of(const struct copy *c, __u32 offset)
{
	return btf__name_by_offset(c->from, offset);
}

static int copy_composite(struct copy *c, const struct btf_type *t)
{
	const struct btf_member *m = btf_members(t);
	_cleanup_(cleanup_free) int *member = calloc(btf_vlen(t) + 1U, sizeof(*member));
	if (!member)
		return -ENOMEM;
	for (__u32 i = 0; i < btf_vlen(t); i++) {
		member[i] = copy_type(c, m[i].type);
		if (member[i] < 0)
			return member[i];
	}
	int id = btf_is_struct(t) ? btf__add_struct(c->to, name_of(c, t->name_off), t->size)
				  : btf__add_union(c->to, name_of(c, t->name_off), t->size);
	for (__u32 i = 0; id > 0 && i < btf_vlen(t); i++) {
		int r = btf__add_field(c->to, name_of(c, m[i].name_off), member[i],
				       btf_member_bit_offset(t, i), btf_member_bitfield_size(t, i));
		if (r < 0)
			return r;
	}
	return id;
}

static int copy_enum(struct copy *c, const struct btf_type *t)
{
	const struct btf_enum *v = btf_enum(t);
	int id = btf__add_enum(c->to, name_of(c, t->name_off), t->size);
	for (__u32 i = 0; id > 0 && i < btf_vlen(t); i++) {
		int r = btf__add_enum_value(c->to, name_of(c, v[i].name_off), v[i].val);
		if (r < 0)
			return r;
	}
	return id;
}

static int copy_array(struct copy *c, const struct btf_type *t)
{
	const struct btf_array *a = btf_array(t);
	int index = copy_type(c, a->index_type), element = copy_type(c, a->type);
	if (index < 0 || element < 0)
		return index < 0 ? index : element;
	return btf__add_array(c->to, index, element, (int)a->nelems);
}

/* A typedef keeps its name, what else only qualifies is dropped. */
static int copy_reference(struct copy *c, const struct btf_type *t)
{
	int id = copy_type(c, t->type);
	if (id < 0 || !btf_is_typedef(t))
		return id;
	return btf__add_typedef(c->to, name_of(c, t->name_off), id);
}

static int copy_new(struct copy *c, const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return btf__add_int(c->to, name_of(c, t->name_off), t->size, btf_int_encoding(t));
	case BTF_KIND_PTR:
		return btf__add_ptr(c->to, 0);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return copy_composite(c, t);
	case BTF_KIND_ENUM:
		return copy_enum(c, t);
	case BTF_KIND_ARRAY:
		return copy_array(c, t);
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return copy_reference(c, t);
	}
	/* nothing that is read: an enum of 64 bits, a float */
	return btf__add_int(c->to, "opaque", 8, 0);
}

/* The id in c->to, or -errno. Nothing contains itself but by a pointer, where this ends. */
static int copy_type(struct copy *c, __u32 id)
{
	if (!id || c->id[id])
		return (int)c->id[id];
	int copied = copy_new(c, btf__type_by_id(c->from, id));
	if (copied > 0)
		c->id[id] = (__u32)copied;
	return copied;
}

static int copy_named(struct kernel_types *k, struct copy *c, const char *name)
{
	for (__u32 id = named(k, k->bucket[bucket_of(name)], name); id;
	     id = named(k, k->next[id], name)) {
		const struct btf_type *t = btf__type_by_id(k->all, id);
		int r = btf_is_func(t) ? 0 : copy_type(c, id);
		if (r < 0)
			return r;
	}
	return 0;
}

static int copy_all(struct kernel_types *k, struct copy *c, const struct btf *local)
{
	for (__u32 id = 1; id < btf__type_cnt(local); id++) {
		const struct btf_type *t = btf__type_by_id(local, id);
		if (!is_indexed(t) || btf_is_func(t))
			continue;
		int r = copy_named(k, c, btf__name_by_offset(local, t->name_off));
		if (r < 0)
			return r;
	}
	return 0;
}

static int write_file(struct kernel_types *k, const struct btf *types)
{
	__u32 size;
	const void *bytes = btf__raw_data(types, &size);
	if (!bytes)
		return -ENOMEM;
	if (ftruncate(k->fd, 0) < 0 || lseek(k->fd, 0, SEEK_SET) < 0)
		return -errno;
	return write_all(k->fd, bytes, size);
}

int kernel_types_select(struct kernel_types *k, const struct btf *local, struct error *e)
{
	struct copy c = { .from = k->all, .to = btf__new_empty() };
	c.id = calloc(btf__type_cnt(k->all), sizeof(*c.id));
	int r = c.to && c.id ? copy_all(k, &c, local) : -ENOMEM;
	if (!r)
		r = write_file(k, c.to);
	btf__free(c.to);
	free(c.id);
	return r ? error_set(e, -r, "the kernel's types: %s", strerror(-r)) : 0;
}
