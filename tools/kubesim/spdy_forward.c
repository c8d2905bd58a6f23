/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See spdy_forward.h. The words and the order of frames are those of the kubelet
 * (k8s.io/kubelet/pkg/cri/streaming/portforward) and of the library it uses, moby/spdystream.
 */
#include "tools/kubesim/spdy_forward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/list.h"
#include "tools/kubesim/podport.h"
#include "tools/kubesim/spdy.h"

#define FORWARD_QUEUE_HIGH (1024 * 1024)
#define FORWARD_PENDING_HIGH (256 * 1024)
#define FORWARD_REQUEST_MAX 32

enum stream_kind { STREAM_ERROR, STREAM_DATA };

struct pair {
	struct list all;
	struct forward *f;
	char request[FORWARD_REQUEST_MAX];
	uint32_t streams[2]; /* by enum stream_kind; 0: it has not come */
	struct podport pod;
};

struct forward {
	struct ws *w;
	struct list pairs;
	struct spdy_reader reader;
	struct spdy_writer writer;
	uint32_t last_stream;
	bool over, holds;
};

static void frame_send(struct forward *f, struct buf *frame)
{
	if (buf_error(frame))
		abort();
	ws_send(f->w, 0, frame->data, frame->len);
	buf_done(frame);
}

static void data_send(struct forward *f, uint32_t stream, bool fin, const char *bytes, size_t len)
{
	struct buf frame = BUF_INIT;
	spdy_add_data(&frame, stream, fin, bytes, len);
	frame_send(f, &frame);
}

static void reset_send(struct forward *f, uint32_t stream, enum spdy_status status)
{
	struct buf frame = BUF_INIT;
	spdy_add_reset(&frame, stream, status);
	frame_send(f, &frame);
}

/* The connection ends; status 0: in good order. */
static void forward_end(struct forward *f, uint32_t status)
{
	struct buf frame = BUF_INIT;
	spdy_add_goaway(&frame, f->last_stream, status);
	frame_send(f, &frame);
	f->over = true;
	ws_finish(f->w);
}

/* The client's bytes wait while a pod does not take them: of all pairs, they share a connection. */
static void hold_update(struct forward *f)
{
	bool hold = false;
	list_for_each(p, &f->pairs, struct pair, all)
		hold = hold || p->pod.out.pending.len > FORWARD_PENDING_HIGH;
	if (hold != f->holds)
		ws_hold(f->w, hold);
	f->holds = hold;
}

/* ---- pairs ---- */

static void pair_free(struct pair *p)
{
	list_remove(&p->all);
	podport_close(&p->pod);
	hold_update(p->f);
	free(p);
}

static struct pair *pair_of_stream(struct forward *f, uint32_t stream)
{
	list_for_each(p, &f->pairs, struct pair, all)
		if (p->streams[STREAM_DATA] == stream || p->streams[STREAM_ERROR] == stream)
			return p;
	return NULL;
}

static void pod_received(struct podport *pod, const char *bytes, size_t len)
{
	struct pair *p = container_of(pod, struct pair, pod);
	data_send(p->f, p->streams[STREAM_DATA], false, bytes, len);
	if (ws_queued(p->f->w) > FORWARD_QUEUE_HIGH)
		podport_pause(pod, true);
}

static void pod_ended(struct podport *pod, const char *why)
{
	struct pair *p = container_of(pod, struct pair, pod);
	struct forward *f = p->f;
	if (why) {
		data_send(f, p->streams[STREAM_ERROR], false, why, strlen(why));
		reset_send(f, p->streams[STREAM_DATA], SPDY_CANCEL);
		reset_send(f, p->streams[STREAM_ERROR], SPDY_CANCEL);
	} else {
		data_send(f, p->streams[STREAM_ERROR], true, "", 0);
		data_send(f, p->streams[STREAM_DATA], true, "", 0);
	}
	pair_free(p);
}

static void pod_drained(struct podport *pod)
{
	hold_update(container_of(pod, struct pair, pod)->f);
}

static const struct podport_ops pod_ops = { pod_received, pod_ended, pod_drained };

static struct pair *pair_of_request(struct forward *f, const char *request)
{
	list_for_each(p, &f->pairs, struct pair, all)
		if (strcmp(p->request, request) == 0)
			return p;
	struct pair *p = calloc(1, sizeof(*p));
	if (!p)
		abort();
	p->f = f;
	snprintf(p->request, sizeof(p->request), "%s", request);
	podport_init(&p->pod, &pod_ops);
	list_push_back(&f->pairs, &p->all);
	return p;
}

/* ---- frames ---- */

/* 0: it is none. */
static int port_of(const struct spdy_frame *frame)
{
	char text[8], *end;
	if (!spdy_header(frame, "port", text, sizeof(text)))
		return 0;
	long n = strtol(text, &end, 10);
	return *end || n < 1 || n > 65535 ? 0 : (int)n;
}

static void stream_opened(struct forward *f, const struct spdy_frame *frame)
{
	char type[16] = "", request[FORWARD_REQUEST_MAX] = "";
	int number = port_of(frame);
	if (frame->stream % 2 == 0 || frame->stream <= f->last_stream) {
		reset_send(f, frame->stream, SPDY_PROTOCOL_ERROR);
		return;
	}
	f->last_stream = frame->stream;
	spdy_header(frame, "streamtype", type, sizeof(type));
	spdy_header(frame, "requestid", request, sizeof(request));
	enum stream_kind kind = strcmp(type, "data") == 0 ? STREAM_DATA : STREAM_ERROR;
	if (number == 0 || !request[0] || (kind == STREAM_ERROR && strcmp(type, "error") != 0)) {
		reset_send(f, frame->stream, SPDY_CANCEL);
		return;
	}
	struct pair *p = pair_of_request(f, request);
	if (p->streams[kind]) {
		reset_send(f, frame->stream, SPDY_CANCEL);
		return;
	}
	p->streams[kind] = frame->stream;
	struct buf reply = BUF_INIT;
	spdy_add_reply(&f->writer, &reply, frame->stream);
	frame_send(f, &reply);
	if (p->streams[STREAM_DATA] && p->streams[STREAM_ERROR])
		podport_open(&p->pod, ws_request(f->w), number); /* may free p */
}

static void data_came(struct forward *f, const struct spdy_frame *frame)
{
	struct pair *p = pair_of_stream(f, frame->stream);
	if (!p || frame->stream != p->streams[STREAM_DATA])
		return; /* it ended meanwhile, or the error stream's end */
	podport_write(&p->pod, frame->bytes, frame->len);
	if (frame->fin)
		podport_end(&p->pod);
	hold_update(f);
}

static void frame_serve(struct forward *f, const struct spdy_frame *frame)
{
	struct buf answer = BUF_INIT;
	struct pair *p;
	switch (frame->type) {
	case SPDY_SYN_STREAM:
		stream_opened(f, frame);
		return;
	case SPDY_DATA:
		data_came(f, frame);
		return;
	case SPDY_RST_STREAM:
		p = pair_of_stream(f, frame->stream);
		if (p && frame->stream == p->streams[STREAM_DATA])
			pair_free(p);
		return;
	case SPDY_PING:
		if (frame->stream % 2 == 0)
			return; /* an answer to none of ours */
		spdy_add_ping(&answer, frame->stream);
		frame_send(f, &answer);
		return;
	case SPDY_GOAWAY:
		forward_end(f, 0);
		return;
	default:
		return; /* SETTINGS, WINDOW_UPDATE, and what is unknown: nothing hangs on them */
	}
}

/* ---- the connection ---- */

static void on_message(void *data, int channel, const char *bytes, size_t len)
{
	struct forward *f = data;
	struct spdy_frame frame;
	int got = 0;
	(void)channel;
	if (f->over)
		return;
	spdy_reader_add(&f->reader, bytes, len);
	while (!f->over && (got = spdy_read(&f->reader, &frame)) > 0)
		frame_serve(f, &frame);
	if (!f->over && got < 0)
		forward_end(f, SPDY_PROTOCOL_ERROR);
}

static void on_drained(void *data)
{
	struct forward *f = data;
	list_for_each(p, &f->pairs, struct pair, all)
		podport_pause(&p->pod, false);
}

static void on_closed(void *data)
{
	struct forward *f = data;
	list_for_each(p, &f->pairs, struct pair, all) {
		podport_close(&p->pod);
		free(p);
	}
	spdy_reader_done(&f->reader);
	spdy_writer_done(&f->writer);
	free(f);
}

static const struct ws_ops forward_ops = { on_message, NULL, on_drained, on_closed };

void spdy_forward_open(struct ws *w)
{
	struct forward *f = calloc(1, sizeof(*f));
	if (!f)
		abort();
	f->w = w;
	list_init(&f->pairs);
	ws_serve(w, &forward_ops, f);
}
