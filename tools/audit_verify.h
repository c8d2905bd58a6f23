/* SPDX-License-Identifier: Apache-2.0 */
/* weaver audit verify FILE: is the trail whole, and where is it not? */
#pragma once

/* "-": stdin. 0: whole; CMD_EXIT_FAILED: it is not; CMD_EXIT_USAGE: it cannot be read. */
int audit_verify_file(const char *path);
