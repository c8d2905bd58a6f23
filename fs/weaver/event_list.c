/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list is never changed once somebody can see it: adding copies the pointers, at most 64 of them,
 * and shares the items. So a reader may format a list while the next event is already in place.
 */
#include "fs/weaver/events.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/rfc3339.h"

/* What the API server allows (validation of core/v1 Event); escaped, it is four times as long. */
#define MESSAGE_MAX 1024
#define WORD_MAX 128

static void item_unref(struct event_item *item)
{
	if (!item || __atomic_sub_fetch(&item->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	event_free(item->event);
	free(item);
}
DEFINE_CLEANUP(struct event_item *, item_unref)

/* Takes event, also on failure. */
static struct event_item *item_new(struct event *event)
{
	struct event_item *item = calloc(1, sizeof(*item));

	if (!item) {
		event_free(event);
		return NULL;
	}
	item->refs = 1;
	item->event = event;
	return item;
}

static struct event_item *item_ref(struct event_item *item)
{
	__atomic_add_fetch(&item->refs, 1, __ATOMIC_RELAXED);
	return item;
}

/* Those of old that stay beside event: not one of its uid, and not the oldest of a full list. */
static void keep_old(struct event_list *list, const struct event_list *old, const char *uid)
{
	size_t same = 0;

	for (size_t i = 0; i < old->n; i++)
		same += strcmp(old->items[i]->event->uid, uid) == 0;
	size_t drop = old->n - same >= EVENTS_MAX ? old->n - same - (EVENTS_MAX - 1) : 0;
	for (size_t i = 0; i < old->n; i++) {
		if (strcmp(old->items[i]->event->uid, uid) == 0)
			continue;
		if (drop > 0)
			drop--;
		else
			list->items[list->n++] = item_ref(old->items[i]);
	}
}

/* Takes item to its place by time; behind those of the same second, as it came later. */
static void insert(struct event_list *list, struct event_item *item)
{
	size_t at = list->n;

	while (at > 0 && list->items[at - 1]->event->last_s > item->event->last_s) {
		list->items[at] = list->items[at - 1];
		at--;
	}
	list->items[at] = item;
	list->n++;
}

struct event_list *event_list_add(const struct event_list *old, struct event *event)
{
	_cleanup_(item_unrefp) struct event_item *item = item_new(event);

	if (!item)
		return NULL;
	size_t room = (old ? old->n : 0) + 1;
	struct event_list *list = calloc(1, sizeof(*list) + room * sizeof(struct event_item *));
	if (!list)
		return NULL;
	list->refs = 1;
	list->added = (old ? old->added : 0) + 1;
	if (old)
		keep_old(list, old, event->uid);
	insert(list, move_ptr(&item));
	return list;
}

struct event_list *event_list_ref(const struct event_list *l)
{
	/* the count is the one thing that changes in an immutable list */
	struct event_list *mutable = (struct event_list *)(uintptr_t)l;

	if (mutable)
		__atomic_add_fetch(&mutable->refs, 1, __ATOMIC_RELAXED);
	return mutable;
}

void event_list_unref(struct event_list *l)
{
	if (!l || __atomic_sub_fetch(&l->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < l->n; i++)
		item_unref(l->items[i]);
	free(l);
}

static void add_cut(struct buf *out, const char *s, size_t max)
{
	buf_add_escaped(out, s, strnlen(s, max));
}

static void add_line(struct buf *out, const struct event *event)
{
	char stamp[RFC3339_SECONDS_LEN + 1];

	rfc3339_format(event->last_s, stamp);
	buf_printf(out, "%s\t", stamp);
	add_cut(out, event->type, WORD_MAX);
	buf_add_char(out, '\t');
	add_cut(out, event->reason, WORD_MAX);
	buf_printf(out, "\t%d\t", event->count);
	add_cut(out, event->message, MESSAGE_MAX);
	buf_add_char(out, '\n');
}

void event_list_show(const struct event_list *l, struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	for (size_t i = 0; l && i < l->n; i++)
		add_line(&text, l->items[i]->event);
	if (buf_error(&text) < 0) {
		out->failed = true;
		return;
	}
	/* the oldest lines go; no single one is as long as the bound */
	while (text.len > EVENTS_MAX_BYTES) {
		const char *end = memchr(text.data, '\n', text.len);
		buf_drop_front(&text, (size_t)(end - text.data) + 1);
	}
	buf_add(out, buf_str(&text), text.len);
}

static bool has_item(const struct event_list *l, const struct event_item *item)
{
	for (size_t i = 0; l && i < l->n; i++) {
		if (l->items[i] == item)
			return true;
	}
	return false;
}

void event_list_show_new(const struct event_list *l, const struct event_list *before,
			 struct buf *out)
{
	uint64_t lost = (l ? l->added : 0) - (before ? before->added : 0);
	char stamp[RFC3339_SECONDS_LEN + 1];

	for (size_t i = 0; l && i < l->n; i++)
		lost -= !has_item(before, l->items[i]);
	if (lost > 0) {
		rfc3339_format(l->items[0]->event->last_s, stamp);
		buf_printf(out, "%s\tWarning\tEventsLost\t%llu\tnot read in time\n", stamp,
			   (unsigned long long)lost);
	}
	for (size_t i = 0; l && i < l->n; i++) {
		if (!has_item(before, l->items[i]))
			add_line(out, l->items[i]->event);
	}
}

static bool is_one_of(const char *word, const char *const words[])
{
	for (size_t i = 0; words[i]; i++) {
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}

const struct event *event_list_find(const struct event_list *l, const char *const reasons[])
{
	for (size_t i = l ? l->n : 0; i > 0; i--) {
		const struct event *event = l->items[i - 1]->event;
		if (is_one_of(event->reason, reasons))
			return event;
	}
	return NULL;
}
