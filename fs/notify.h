/* SPDX-License-Identifier: Apache-2.0 */
/* The service manager's protocol, sd_notify(3), without its library. Without $NOTIFY_SOCKET nothing
 * is sent. */
#pragma once

struct loop;

/* Lines of "READY=1", "STATUS=…"; failures are the manager's own to notice. */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Sends WATCHDOG=1 at half of $WATCHDOG_USEC for as long as the loop turns. Loop thread; once; the
 * timer is the loop's until notify_watchdog_stop().
 */
void notify_watchdog_start(struct loop *loop);
void notify_watchdog_stop(void);
