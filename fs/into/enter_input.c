/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to the input of main processes, between two opens of stdin: on a new one for each,
 * the server would let what came later arrive first.
 */
#include <stdlib.h>

#include "fs/into/enter_file_private.h"

#define KEEP_MS 5000

struct enter_input {
	struct list node; /* files->kept */
	uint64_t object;
	struct command *command;
	struct ws_timer expiry;
};

/* Returns its command, owned. */
static struct command *release(struct enter_input *i)
{
	struct command *c = i->command;

	list_remove(&i->node);
	ws_timer_cancel(&i->expiry);
	free(i);
	return c;
}

static void on_output(void *data, enum channel_stream stream, const char *bytes, size_t len)
{
	(void)data, (void)stream, (void)bytes, (void)len;
}

static void on_writable(void *data)
{
	(void)data;
}

static void on_ended(void *data, const struct channel_end *end)
{
	(void)end;
	release(data);
}

static const struct command_ops kept_ops = {
	.output = on_output,
	.writable = on_writable,
	.ended = on_ended,
};

static void on_expiry(struct ws_timer *t)
{
	command_finish(release(container_of(t, struct enter_input, expiry)));
}

void enter_input_keep(struct enter_files *files, uint64_t object, struct command *c)
{
	struct enter_input *i = calloc(1, sizeof(*i));

	if (!i) {
		command_finish(c);
		return;
	}
	i->object = object;
	i->command = c;
	command_adopt(c, &kept_ops, i);
	list_push_front(&files->kept, &i->node);
	ws_timer_set(files->fs->ws, &i->expiry, KEEP_MS, on_expiry);
}

struct command *enter_input_take(struct enter_files *files, uint64_t object)
{
	list_for_each(i, &files->kept, struct enter_input, node)
		if (i->object == object)
			return release(i);
	return NULL;
}

void enter_input_finish_all(struct enter_files *files)
{
	list_for_each(i, &files->kept, struct enter_input, node)
		command_finish(release(i));
}
