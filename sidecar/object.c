/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/object.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/error.h"
#include "sidecar/attach.h"
#include "sidecar/call_handlers.h"
#include "sidecar/kernel_types.h"
#include "sidecar/scope.h"

/* libbpf's last complaint: the best words there are about why an object was refused. */
static char said[400];

static int say(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level != LIBBPF_WARN || said[0])
		return 0;
	char line[sizeof(said)];
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	/* the verifier's log follows on lines of its own, the first line says which program */
	const char *text = strncmp(line, "libbpf: ", 8) ? line : line + 8;
	snprintf(said, sizeof(said), "%s", text);
	return 0;
}

int object_set_init(struct object_set *s, struct error *e)
{
	memset(s, 0, sizeof(*s));
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(say);
	int r = kernel_types_new(&s->types, e);
	return r ? r : attach_begin(s->types, e);
}

void object_set_seal(struct object_set *s)
{
	attach_begin(NULL, NULL);
	kernel_types_free(s->types);
	s->types = NULL;
}

void object_unload_last(struct object_set *s)
{
	struct bpf_object *object = s->object[--s->objects];
	while (s->programs) {
		struct object_program *p = &s->program[s->programs - 1];
		if (bpf_object__find_program_by_name(object, p->name) != p->program)
			break;
		bpf_link__destroy(p->link);
		s->programs--;
	}
	bpf_object__close(object);
}

void object_set_done(struct object_set *s)
{
	while (s->objects)
		object_unload_last(s);
	for (unsigned i = 0; i < s->maps; i++)
		close(s->map[i].fd);
	object_set_seal(s);
	memset(s, 0, sizeof(*s));
}

int object_map(const struct object_set *s, const char *name)
{
	for (unsigned i = 0; i < s->maps; i++)
		if (!strncmp(s->map[i].name, name, sizeof(s->map[i].name) - 1))
			return s->map[i].fd;
	return -1;
}

static void map_size(const struct object_set *s, struct bpf_map *map)
{
	const char *name = bpf_map__name(map);
	if (!strcmp(name, "ring_normal"))
		bpf_map__set_max_entries(map, (__u32)s->ring_bytes);
	else if (!strcmp(name, "ring_critical"))
		bpf_map__set_max_entries(map, (__u32)s->critical_ring_bytes);
}

static int maps_prepare(const struct object_set *s, struct bpf_object *object,
			const struct scope *scope)
{
	struct bpf_map *map;
	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		if (strstr(name, ".rodata.scope")) {
			if (bpf_map__set_initial_value(map, scope, sizeof(*scope)))
				return -errno;
			continue;
		}
		if (bpf_map__is_internal(map))
			continue;
		map_size(s, map);
		int fd = object_map(s, name);
		if (fd >= 0 && bpf_map__reuse_fd(map, fd))
			return -errno;
	}
	return 0;
}

static int maps_keep(struct object_set *s, struct bpf_object *object, struct error *e)
{
	struct bpf_map *map;
	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);
		if (bpf_map__is_internal(map) || object_map(s, name) >= 0)
			continue;
		if (s->maps == MAPS_MAX)
			return error_set(e, E2BIG, "map %s: more than %d maps", name, MAPS_MAX);
		/* a descriptor of our own: the object that made it may be taken away */
		int fd = dup(bpf_map__fd(map));
		if (fd < 0)
			return error_set(e, errno, "map %s: dup: %s", name, strerror(errno));
		snprintf(s->map[s->maps].name, sizeof(s->map[0].name), "%s", name);
		s->map[s->maps++].fd = fd;
	}
	return 0;
}

/* "x__new" and "x" are one thing to attach: length of what they share. */
static size_t base_len(const char *name)
{
	const char *end = strstr(name, "__");
	return end ? (size_t)(end - name) : strlen(name);
}

static bool same_base(const char *a, const char *b)
{
	size_t len = base_len(a);
	return len == base_len(b) && !strncmp(a, b, len);
}

/* Another program of the object does the same for other kernels. */
static bool has_other(struct bpf_object *object, const struct bpf_program *program)
{
	struct bpf_program *other;
	bpf_object__for_each_program(other,
				     object) if (other != program &&
						 same_base(bpf_program__name(other),
							   bpf_program__name(program))) return true;
	return false;
}

static unsigned programs_choose(struct bpf_object *object)
{
	unsigned expected = 0;
	struct bpf_program *program;
	bpf_object__for_each_program(program, object)
	{
		bool optional = has_other(object, program) && !attach_possible(program);
		bpf_program__set_autoload(program, !optional);
		expected += !optional;
	}
	return expected;
}

static int program_start(struct object_set *s, struct bpf_program *program, const char *group,
			 struct error *e)
{
	const char *name = bpf_program__name(program);
	if (s->programs == PROGRAMS_MAX)
		return error_set(e, E2BIG, "%s: more than %d programs", name, PROGRAMS_MAX);
	struct object_program *p = &s->program[s->programs++];
	*p = (struct object_program){ .name = name, .group = group, .program = program };
	if (call_handlers_has(name)) {
		int r = call_handlers_set(object_map(s, "handlers"), name,
					  bpf_program__fd(program));
		p->attached = !r;
		return r ? error_set(e, -r, "%s: handlers: %s", name, strerror(-r)) : 0;
	}
	p->link = bpf_program__attach_trace(program);
	if (!p->link)
		return error_set(e, errno, "%s: attach: %s", name, strerror(errno));
	p->attached = true;
	return 0;
}

static int programs_start(struct object_set *s, struct bpf_object *object, const char *group,
			  unsigned *attached, struct error *e)
{
	struct bpf_program *program;
	bpf_object__for_each_program(program, object)
	{
		if (!bpf_program__autoload(program))
			continue;
		int r = program_start(s, program, group, e);
		if (r)
			return r;
		++*attached;
	}
	return 0;
}

int object_load(struct object_set *s, const struct object_image *image, const char *group,
		const struct scope *scope, unsigned *ret_expected, unsigned *ret_attached,
		struct error *e)
{
	size_t len;
	const void *bytes = image->bytes(&len);
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = image->name,
		    .btf_custom_path = kernel_types_path(s->types));
	said[0] = '\0';
	*ret_expected = *ret_attached = 0;
	struct bpf_object *object = bpf_object__open_mem(bytes, len, &options);
	if (!object || s->objects == OBJECTS_MAX)
		return error_set(e, object ? E2BIG : errno, "%s: %s", image->name, strerror(errno));
	s->object[s->objects++] = object;
	*ret_expected = programs_choose(object);
	int r = maps_prepare(s, object, scope);
	if (!r)
		r = kernel_types_select(s->types, bpf_object__btf(object), e);
	if (!r)
		r = bpf_object__load(object);
	if (r) {
		error_set(e, -r, "%s: %s%s%s", image->name, strerror(-r), said[0] ? ": " : "",
			  said);
		object_unload_last(s);
		return r;
	}
	r = maps_keep(s, object, e);
	if (!r)
		r = programs_start(s, object, group, ret_attached, e);
	if (r)
		object_unload_last(s);
	return r;
}
