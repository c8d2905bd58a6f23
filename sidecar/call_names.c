/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of this machine. The 32-bit one has macros of the same names, hence a file of its own.
 */
#include "sidecar/call_names.h"

#include <stddef.h>
#include <sys/syscall.h>

#include "k8s/base/cleanup.h"

/* clang-format off */
#define X(call) [__NR_##call] = #call,
static const char *const names[] = {
	CALLS(X)
	CALLS_64(X)
#ifdef __x86_64__
	CALLS_X86(X)
#endif
};
/* clang-format on */

const char *call_names_find(int number, bool compat)
{
	if (compat)
		return call_names_compat_find(number);
	return number >= 0 && (size_t)number < ARRAY_SIZE(names) ? names[number] : NULL;
}
