/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BPF objects, loaded so that each can fail alone. Maps of one name are one map over all objects:
 * who comes first makes it. One thread.
 */
#pragma once
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>

struct error;
struct kernel_types;
struct scope;

#define OBJECTS_MAX 20
#define PROGRAMS_MAX 96
#define MAPS_MAX 24

struct object_program {
	const char *name; /* of the object */
	const char *group;
	struct bpf_program *program; /* the object's; NULL once detached */
	struct bpf_link *link;       /* owned; NULL: reached by a tail call, or not attached */
	bool attached;
};

struct object_set {
	struct bpf_object *object[OBJECTS_MAX];
	struct object_program program[PROGRAMS_MAX];
	struct {
		char name[16]; /* as the kernel keeps it */
		int fd;        /* the object's that made it, or 0 */
	} map[MAPS_MAX];
	unsigned objects, programs, maps;
	struct kernel_types *types; /* owned; NULL once sealed */
	size_t ring_bytes, critical_ring_bytes;
};

struct object_image {
	const char *name;
	const void *(*bytes)(size_t *len);
};

int object_set_init(struct object_set *s, struct error *e);
/* No object will be loaded any more: frees what that needs. */
void object_set_seal(struct object_set *s);
void object_set_done(struct object_set *s);

/*
 * Loads an image and attaches its programs; those named call_… go into map "handlers" instead. All
 * or nothing: on failure nothing of it stays. A program whose function this kernel does not have is
 * left out if it, or the same name before "__", has an alternative in the object. *ret_expected is
 * what should be attached.
 */
int object_load(struct object_set *s, const struct object_image *image, const char *group,
		const struct scope *scope, unsigned *ret_expected, unsigned *ret_attached,
		struct error *e);
/* Takes the object that was loaded last away again. */
void object_unload_last(struct object_set *s);

/* The map's descriptor, borrowed; -1: no object has made it. */
int object_map(const struct object_set *s, const char *name);
