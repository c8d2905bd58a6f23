/* SPDX-License-Identifier: Apache-2.0 */
/* Files of mounted secrets, which the kubelet replaces while we run. */
#pragma once
#include <stdbool.h>

#include "k8s/base/buf.h"

struct error;

/*
 * "Authorization: Bearer …\r\n" from a file, or from `token` in a directory. Nothing: no such
 * file.
 */
int http_secret_token(const char *path, struct buf *headers, struct error *e);
/* The PEM file: path itself, or ca.crt in it; written to out. false: there is none. */
bool http_secret_ca(const char *path, char *out, size_t size);
