/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See forward.h. Channel 2i carries the data of the i-th port, 2i+1 its error; the first message on
 * each is the port as little-endian uint16.
 */
#include "tools/kubesim/forward.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/base/cleanup.h"
#include "tools/kubesim/podport.h"

#define FORWARD_PORTS 8
#define FORWARD_QUEUE_HIGH (1024 * 1024)

struct port {
	struct podport pod;
	struct forward *f;
	int index;
};

struct forward {
	struct ws *w;
	size_t count;
	struct port ports[FORWARD_PORTS];
};

static void on_received(struct podport *pod, const char *bytes, size_t len)
{
	struct port *p = container_of(pod, struct port, pod);
	ws_send(p->f->w, 2 * p->index, bytes, len);
	if (ws_queued(p->f->w) > FORWARD_QUEUE_HIGH)
		podport_pause(pod, true);
}

static void on_ended(struct podport *pod, const char *why)
{
	struct port *p = container_of(pod, struct port, pod);
	if (why)
		ws_send(p->f->w, 2 * p->index + 1, why, strlen(why));
	ws_finish(p->f->w);
}

static const struct podport_ops pod_ops = { on_received, on_ended, NULL };

static void port_open(struct forward *f, int number)
{
	unsigned char announced[2] = { (unsigned char)number, (unsigned char)(number >> 8) };
	struct port *p = &f->ports[f->count];
	p->f = f;
	p->index = (int)f->count++;
	podport_init(&p->pod, &pod_ops);
	ws_send(f->w, 2 * p->index, announced, sizeof(announced));
	ws_send(f->w, 2 * p->index + 1, announced, sizeof(announced));
	podport_open(&p->pod, ws_request(f->w), number);
}

static void on_message(void *data, int channel, const char *bytes, size_t len)
{
	struct forward *f = data;
	if (channel % 2 == 0 && (size_t)channel / 2 < f->count)
		podport_write(&f->ports[channel / 2].pod, bytes, len);
}

static void on_half_closed(void *data, int channel)
{
	(void)data;
	(void)channel;
}

static void on_drained(void *data)
{
	struct forward *f = data;
	for (size_t i = 0; i < f->count; i++)
		podport_pause(&f->ports[i].pod, false);
}

static void on_closed(void *data)
{
	struct forward *f = data;
	for (size_t i = 0; i < f->count; i++)
		podport_close(&f->ports[i].pod);
	free(f);
}

static const struct ws_ops forward_ops = { on_message, on_half_closed, on_drained, on_closed };

void forward_open(struct ws *w)
{
	const struct request *r = ws_request(w);
	struct forward *f = calloc(1, sizeof(*f));
	if (!f)
		abort();
	f->w = w;
	ws_serve(w, &forward_ops, f);
	for (size_t i = 0; i < r->arg_count && f->count < FORWARD_PORTS; i++)
		if (strcmp(r->args[i].name, "ports") == 0)
			port_open(f, atoi(r->args[i].value));
}
