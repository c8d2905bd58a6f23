/* SPDX-License-Identifier: Apache-2.0 */
/* The 32-bit table, where the kernel's headers have it; other machines have no such callers. */
#include <stddef.h>

#ifdef __x86_64__
#include <asm/unistd_32.h>
#endif

#include "k8s/base/cleanup.h"
#include "sidecar/call_names.h"

/* clang-format off */
static const char *const names[] = {
#ifdef __x86_64__
#define X(call) [__NR_##call] = #call,
	CALLS(X)
	CALLS_X86(X)
	CALLS_COMPAT(X)
#undef X
#else
	NULL
#endif
};
/* clang-format on */

const char *call_names_compat_find(int number)
{
	return number >= 0 && (size_t)number < ARRAY_SIZE(names) ? names[number] : NULL;
}
