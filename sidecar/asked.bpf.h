/* SPDX-License-Identifier: GPL-2.0 */
/* How user space asks the programs for something: getpid() with an argument that only it knows. */
#pragma once
#include "sidecar/probe.bpf.h"

#define NR_GETPID 39

static __always_inline bool asked_by_us(struct pt_regs *regs)
{
	return regs->orig_ax == NR_GETPID && regs->di == scope.nonce;
}
