/* SPDX-License-Identifier: Apache-2.0 */
/* A libfuse whose requests are the test's: how each was answered, and what interrupts it. */
#pragma once
#include <fuse_lowlevel.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct fuse_req {
	int answers, error;
	char text[4096]; /* with a NUL behind */
	size_t len;
	unsigned revents;
	fuse_ino_t ino;
	uint64_t fh;
	fuse_interrupt_func_t func;
	void *data;
};

void fuse_req_interrupt_func(fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
	req->func = func;
	req->data = data;
}

int fuse_reply_err(fuse_req_t req, int err)
{
	req->answers++;
	req->error = err;
	return 0;
}

int fuse_reply_buf(fuse_req_t req, const char *buf, size_t size)
{
	req->answers++;
	assert_true(size < sizeof(req->text));
	if (size > 0)
		memcpy(req->text, buf, size);
	req->text[size] = '\0';
	req->len = size;
	return 0;
}
