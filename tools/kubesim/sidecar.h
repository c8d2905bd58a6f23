/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program that stands for the audit sidecar's image: the one beside kubesim, or that of
 * $KUBESIM_AUDIT_SIDECAR, where it can do its work.
 */
#pragma once

#define SIDECAR_PROGRAM "/audit-sidecar" /* in the container, as in the image */

/* Its path here; NULL: a stand-in has to do, and *ret_why (if not NULL) says why. Borrowed. */
const char *sidecar_binary(const char **ret_why);
