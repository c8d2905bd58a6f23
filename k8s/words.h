/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words that many objects have alike, stored once for the life of the process: label and annotation
 * keys, images, nodes, phases, reasons. Without them a pod would need half as much memory again.
 * The store is bounded and nothing leaves it: what no longer fits is stored with its object. Any
 * thread. Private to k8s/.
 */
#pragma once
#include <stddef.h>

#define WORDS_MAX 4096 /* words in all */
#define WORDS_LENGTH_MAX                                                                           \
	96 /* bytes of one; an image with a digest has more and is rarely shared  \
			     */

/* The stored word equal to s, valid for ever. NULL: s is too long, or the store is full. */
const char *words_get(const char *s);
