/* SPDX-License-Identifier: Apache-2.0 */
/* This process' terminal, and the signals that matter to one in raw mode. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/signalfd.h>

/* stdin and stdout are one. */
bool terminal_present(void);
void terminal_size(uint16_t *ret_rows, uint16_t *ret_cols); /* 0, 0: unknown */
/*
 * Raw mode until terminal_restore(), and a descriptor for signals: SIGWINCH, SIGCONT, and those
 * that end or stop us, which terminal_obey() carries out with the terminal as it was. -1: no such.
 */
int terminal_raw(void);
void terminal_restore(void); /* also when it was never raw */
/* True: the size may be another one. Does not return for a signal that ends us. */
bool terminal_obey(const struct signalfd_siginfo *signal);
