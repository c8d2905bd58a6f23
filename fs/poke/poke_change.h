/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of a weaver have another content, and whether anybody can see so. Cluster thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct poke_what;
struct registry_view;
struct weaverfs;

/* "fix-42", "fix-42/status", ".archive/fix-42~0badcafe/status": below the mount point. */
void poke_change_path(const struct poke_what *what, char *to, size_t size);
/* A change of a file of an archive entry; false: there is no such entry. */
bool poke_change_archived(const struct weaverfs *fs, uint64_t object, unsigned row,
			  struct poke_what *ret);
/*
 * Drops what the kernel keeps of the file's attributes and its directory's; false: it knows
 * neither, so nobody watches.
 */
bool poke_change_visible(const struct weaverfs *fs, uint64_t object, unsigned row);
/* Calls changed() for each row that reads otherwise than before. */
void poke_change_compare(const struct weaverfs *fs, const struct registry_view *before,
			 const struct registry_view *after,
			 void (*changed)(void *data, uint64_t object, unsigned row), void *data);
