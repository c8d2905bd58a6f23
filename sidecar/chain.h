/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash chain. The stream of lines is divided into batches; the last line of each, audit_batch,
 * carries "hash": the SHA-256 of the previous batch's hash (64 characters; zeros before the first)
 * and of every byte behind the previous audit_batch line up to and without the `,"hash":"` of this
 * one. So no line can be changed, taken out or put in without each later hash being another. It is
 * what `weaver audit verify` and six lines of any script language check.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sidecar/segment.h"

struct chain;
struct error;

#define CHAIN_MARK "\"event_type\":\"audit_batch\"" /* its line and no other has this */
#define CHAIN_HASH ",\"hash\":\""

/* A new stream when head->batch is 0. */
int chain_new(const struct segment_head *head, struct chain **ret, struct error *e);
void chain_free(struct chain *c);

/* Lines that are in the stream now, audit_batch lines among them: also after a restart. */
int chain_add(struct chain *c, const char *lines, size_t len, struct error *e);
/*
 * The hash that ends a batch of what was added and of the len bytes of lines that are to be.
 * Changes nothing: the batch ends when its audit_batch line is added.
 */
int chain_hash(const struct chain *c, const char *lines, size_t len, char ret[SEGMENT_HASH_LEN + 1],
	       struct error *e);

uint64_t chain_batch(const struct chain *c);    /* number of the last batch that has ended */
const char *chain_last(const struct chain *c);  /* its hash */
size_t chain_open_bytes(const struct chain *c); /* added since */
