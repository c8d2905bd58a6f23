/* SPDX-License-Identifier: Apache-2.0 */
/* An answer of HTTP/1 (RFC 9112), as far as servers in a pod of ours speak it. Pure. */
#pragma once
#include "k8s/base/buf.h"
#include "k8s/base/error.h"

/*
 * 1: the answer is whole, and its body appended to out; 0: more is to come. -EIO: it is no 200;
 * -EPROTO: no answer of known length. -EFBIG: more than 4 MiB.
 */
int fetch_page_body(const struct buf *answer, struct buf *out, struct error *e);
