/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of SPDY/3.1 (draft-mbelshe-httpbis-spdy-00 §2.2, §2.6) as far as Kubernetes' streams need
 * them: whole control frames, the payload of data frames as it comes, and header blocks, which are
 * one zlib stream for each direction with a dictionary of its own. No flow control: the peer,
 * moby/spdystream, has none.
 */
#pragma once
#include <stdint.h>
#define ZLIB_CONST
#include <zlib.h>

#include "k8s/base/buf.h"

enum spdy_type {
	SPDY_DATA = 0, /* no number of the format: a frame without the control bit */
	SPDY_SYN_STREAM = 1,
	SPDY_SYN_REPLY = 2,
	SPDY_RST_STREAM = 3,
	SPDY_SETTINGS = 4,
	SPDY_PING = 6,
	SPDY_GOAWAY = 7,
	SPDY_HEADERS = 8,
	SPDY_WINDOW_UPDATE = 9,
};

enum spdy_status { SPDY_PROTOCOL_ERROR = 1, SPDY_CANCEL = 5 }; /* of RST_STREAM; of GOAWAY, too */

struct spdy_frame {
	int type;          /* enum spdy_type, or one that is unknown */
	uint32_t stream;   /* of SPDY_PING its number, of SPDY_GOAWAY the last good one */
	bool fin;          /* FLAG_FIN, with the last part of a data frame */
	const char *bytes; /* of data; of SYN_STREAM and HEADERS the header block, inflated */
	size_t len;
};

struct spdy_reader {
	struct buf in;      /* what came */
	size_t taken;       /* of it, by the frame given last */
	struct buf headers; /* the block inflated last */
	z_stream zlib;
	bool zlib_begun;
	size_t data_left; /* of the data frame under way */
	uint32_t data_stream;
	bool data_fin;
};

void spdy_reader_done(struct spdy_reader *r); /* begins as all zero */
void spdy_reader_add(struct spdy_reader *r, const char *bytes, size_t len);
/* 1: a frame, borrowed until the next call; 0: there is none yet; -EPROTO: the peer is mad. */
int spdy_read(struct spdy_reader *r, struct spdy_frame *ret);
/* A header's value in a block, names in lower case; false: it is not there or too long. */
bool spdy_header(const struct spdy_frame *f, const char *name, char *out, size_t size);

struct spdy_writer {
	z_stream zlib;
	bool zlib_begun;
};

void spdy_writer_done(struct spdy_writer *w); /* begins as all zero */
/* Each appends a frame to out. */
void spdy_add_reply(struct spdy_writer *w, struct buf *out, uint32_t stream); /* no headers */
void spdy_add_data(struct buf *out, uint32_t stream, bool fin, const char *bytes, size_t len);
void spdy_add_reset(struct buf *out, uint32_t stream, enum spdy_status status);
void spdy_add_ping(struct buf *out, uint32_t number);
void spdy_add_goaway(struct buf *out, uint32_t last_good, uint32_t status); /* 0: all is well */
