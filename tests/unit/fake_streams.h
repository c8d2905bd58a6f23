/* SPDX-License-Identifier: Apache-2.0 */
/* In place of stream_follow.c and stream_wait.c, for tests that take in the table. */
#pragma once
#include "fs/stream/stream.h"

const struct stream_ops stream_follow_status, stream_follow_events, stream_follow_logs,
	stream_follow_audit, stream_follow_mount, stream_wait_running, stream_wait_done,
	stream_wait_gone;
