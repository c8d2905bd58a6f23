/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/into/command_end.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/into/command.h"
#include "k8s/base/list.h"
#include "k8s/base/log.h"
#include "k8s/ws.h"

/* After 1 s, 2 s, 4 s … 64 s, and so on: 10 minutes in all. */
#define COMMAND_END_FIRST_MS 1000
#define COMMAND_END_DOUBLINGS 6
#define COMMAND_END_TRIES 14

/* k SIGNAL: to all of the session $0; false: there is nobody. Words of proc(5): after the name come
 * state, parent, group, session. */
#define COMMAND_KILL                                                                               \
	"exec 2>/dev/null;k(){ s=$1 r=1;for p in /proc/[0-9]*;do read -r l<$p/stat||continue;"     \
	"set -- ${l##*) };[ \"$4\" = $0 ]&&kill -$s ${p#/proc/}&&r=0;done;return $r;};"
#define COMMAND_END COMMAND_KILL "k TERM;for i in 1 2 3;do sleep 1;k 0||exit 0;done;k KILL;exit 0"
#define COMMAND_HANGUP COMMAND_KILL "k HUP;k CONT;exit 0"

struct command_end {
	struct list node; /* command_ends */
	struct ws *ws;
	struct channel *channel; /* NULL: waits for its next try */
	struct ws_timer again;
	unsigned tries;
	bool hangup;
	char *namespace_, *pod, *container, *pid; /* owned */
};

/* All that are under way. */
static struct list command_ends = { &command_ends, &command_ends };

static void command_end_free(struct command_end *k)
{
	list_remove(&k->node);
	ws_timer_cancel(&k->again);
	free(k->namespace_);
	free(k->pod);
	free(k->container);
	free(k->pid);
	free(k);
}

static void command_end_try(struct ws_timer *t);

/* Of a pod that is gone, and of ourselves at the end, nothing more is to be expected. */
static void command_end_failed(struct command_end *k, const struct error *why)
{
	unsigned doublings = k->tries < COMMAND_END_DOUBLINGS ? k->tries : COMMAND_END_DOUBLINGS;

	if (why->code != ENOENT && why->code != ESHUTDOWN && ++k->tries < COMMAND_END_TRIES) {
		ws_timer_set(k->ws, &k->again, (int64_t)COMMAND_END_FIRST_MS << doublings,
			     command_end_try);
		return;
	}
	log_write(LOG_LEVEL_DEBUG, "a command whose reader has gone may still run in %s: %s",
		  k->pod, why->text);
	command_end_free(k);
}

static void command_end_output(void *data, enum channel_stream stream, const char *bytes,
			       size_t len)
{
	(void)data, (void)stream, (void)bytes, (void)len;
}

static void command_end_writable(void *data)
{
	(void)data;
}

static void command_end_ended(void *data, const struct channel_end *end)
{
	struct command_end *k = data;

	k->channel = NULL;
	if (end->r < 0)
		command_end_failed(k, &end->error);
	else
		command_end_free(k);
}

static const struct channel_ops command_end_ops = {
	.output = command_end_output,
	.writable = command_end_writable,
	.ended = command_end_ended,
};

static void command_end_try(struct ws_timer *t)
{
	struct command_end *k = container_of(t, struct command_end, again);
	const char *const argv[] = { "sh", "-c", k->hangup ? COMMAND_HANGUP : COMMAND_END, k->pid,
				     NULL };
	const struct channel_spec spec = {
		.kind = CHANNEL_EXEC,
		.namespace_ = k->namespace_,
		.pod = k->pod,
		.container = k->container,
		.argv = argv,
		.out = true,
		.ops = &command_end_ops,
		.data = k,
	};
	struct error e = ERROR_INIT;

	if (channel_open(k->ws, &spec, &k->channel, &e) < 0)
		command_end_failed(k, &e);
}

void command_end_start(struct ws *w, const struct command_target *target, const char *pid,
		       bool hangup)
{
	struct command_end *k = calloc(1, sizeof(*k));

	if (!k)
		return;
	list_push_back(&command_ends, &k->node);
	k->ws = w;
	k->hangup = hangup;
	k->namespace_ = strdup(target->namespace_);
	k->pod = strdup(target->pod);
	k->container = strdup(target->container);
	k->pid = strdup(pid);
	if (k->namespace_ && k->pod && k->container && k->pid)
		command_end_try(&k->again);
	else
		command_end_free(k);
}

void command_end_give_up(void)
{
	list_for_each(k, &command_ends, struct command_end, node) {
		k->tries = COMMAND_END_TRIES;
		if (!k->channel)
			command_end_free(k);
	}
}
