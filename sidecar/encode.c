/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope; what is the same in each line is written once, at start. */
#include "sidecar/encode.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "k8s/base/clock.h"
#include "k8s/base/error.h"

#define IDENTITY_MOST 256 /* output bytes of one id: a uuid, a label's value */

static const char *const type_names[EVENT_TYPE_COUNT] = {
#define X(name, text, ring, detail) [EVENT_##name] = text,
	EVENT_TYPES(X)
#undef X
};

const char *encode_type_name(unsigned type)
{
	return type < EVENT_TYPE_COUNT ? type_names[type] : "unknown";
}

int encode_init(struct encoder *c, const char *weaver_id, const char *org_id,
		const char *owner_user_id, struct names *names, struct error *e)
{
	struct line l = { 0 };

	line_open(&l, "{");
	line_key(&l, "weaver_id");
	unsigned cut = line_string(&l, weaver_id, strlen(weaver_id), IDENTITY_MOST);
	line_key(&l, "org_id");
	cut |= line_string(&l, org_id, strlen(org_id), IDENTITY_MOST);
	line_key(&l, "owner_user_id");
	cut |= line_string(&l, owner_user_id, strlen(owner_user_id), IDENTITY_MOST);
	line_key(&l, "timestamp_ns");
	if (cut || l.len > sizeof(c->prefix))
		return error_set(e, EINVAL,
				 "LOOM_WEAVER_ID, LOOM_ORG_ID, LOOM_OWNER_USER_ID: text of at most "
				 "%d bytes each",
				 IDENTITY_MOST - 2);
	memcpy(c->prefix, l.bytes, l.len);
	c->prefix_len = l.len;
	c->names = names;
	c->tick_ns = CLOCK_NS_PER_S / sysconf(_SC_CLK_TCK);
	encode_set_clock(c);
	return 0;
}

void encode_set_clock(struct encoder *c)
{
	struct timespec boot;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	c->boot_ns = clock_realtime_ns() - (boot.tv_sec * CLOCK_NS_PER_S + boot.tv_nsec);
}

int64_t encode_realtime(const struct encoder *c, uint64_t boottime_ns)
{
	return (int64_t)((uint64_t)c->boot_ns + boottime_ns);
}

static void add_comm(struct line *l, const struct event *ev)
{
	line_key(l, "comm");
	line_string(l, ev->comm, strnlen(ev->comm, sizeof(ev->comm)), 6 * sizeof(ev->comm) + 2);
}

static void add_type(struct line *l, const char *type)
{
	line_key(l, "event_type");
	line_text(l, "\"");
	line_raw(l, type, strlen(type));
	line_text(l, "\"");
}

static void add_head(const struct encoder *c, struct line *l, int64_t realtime_ns, uint32_t pid,
		     uint32_t tid)
{
	l->len = 0;
	l->full = false;
	l->comma = true;
	line_raw(l, c->prefix, c->prefix_len);
	line_signed(l, realtime_ns);
	line_key_unsigned(l, "pid", pid);
	line_key_unsigned(l, "tid", tid);
}

void encode_event(const struct encoder *c, const struct event *ev, uint32_t sample, struct line *l)
{
	add_head(c, l, encode_realtime(c, ev->time_ns), ev->pid, ev->tid);
	add_comm(l, ev);
	add_type(l, encode_type_name(ev->type));
	if (ev->type != EVENT_LOST) {
		line_key(l, "seq");
		line_open(l, "[");
		line_unsigned(l, ev->cpu);
		line_text(l, ",");
		line_unsigned(l, ev->ring);
		line_text(l, ",");
		line_unsigned(l, ev->seq);
		line_shut(l, "]");
		line_key_unsigned(l, "ns_pid", ev->ns_pid);
		line_key_unsigned(l, "start", ev->start_ns / (uint64_t)c->tick_ns);
	}
	line_key(l, "details");
	line_open(l, "{");
	encode_details_add(c, ev, l);
	if (sample > 1)
		line_key_unsigned(l, "sample", sample);
	encode_end(l);
}

void encode_begin(const struct encoder *c, struct line *l, const char *type, int64_t realtime_ns)
{
	uint32_t pid = (uint32_t)getpid();

	add_head(c, l, realtime_ns, pid, pid);
	line_key(l, "comm");
	line_text(l, "\"audit-sidecar\"");
	add_type(l, type);
	line_key(l, "details");
	line_open(l, "{");
}

void encode_end(struct line *l)
{
	line_text(l, "}}\n");
}
