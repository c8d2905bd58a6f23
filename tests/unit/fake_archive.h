/* SPDX-License-Identifier: Apache-2.0 */
/* An archive that says what it was told, and a quota, for tests of what ends weavers. */
#pragma once
#include <stdio.h>
#include <string.h>

#include "fs/archive/archive.h"
#include "fs/life/quota.h"

static bool fake_archive_waits; /* the log of what is to be deleted is not here yet */
static struct archive_fetch_wait *fake_archive_waiting;
static char fake_archive_by[64], fake_archive_json[512];

bool archive_fetch_wait(struct archive *a, const struct pod *pod, struct archive_fetch_wait *w,
			int64_t deadline_ns)
{
	(void)a;
	(void)pod;
	(void)deadline_ns;
	if (fake_archive_waits)
		fake_archive_waiting = w;
	return fake_archive_waits;
}

void archive_fetch_cancel(struct archive_fetch_wait *w)
{
	if (fake_archive_waiting == w)
		fake_archive_waiting = NULL;
}

void archive_deleted_by(struct archive *a, const char *uid, const char *by)
{
	(void)a;
	(void)uid;
	snprintf(fake_archive_by, sizeof(fake_archive_by), "%s", by);
}

void archive_pod_json(struct archive *a, const char *uid, const char *json, size_t len)
{
	(void)a;
	(void)uid;
	snprintf(fake_archive_json, sizeof(fake_archive_json), "%.*s", (int)len, json);
}

static unsigned fake_quota_changes;

void quota_changed(struct quota *q)
{
	(void)q;
	fake_quota_changes++;
}
