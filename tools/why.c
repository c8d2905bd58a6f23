/* SPDX-License-Identifier: Apache-2.0 */
/* See why.h. errno says what kind, .weaverfs/errors says why. */
#include "tools/why.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "k8s/base/rfc3339.h"
#include "tools/value.h"

enum { WHY_TIME, WHY_UID, WHY_OP, WHY_PATH, WHY_ERRNO, WHY_TEXT, WHY_FIELDS };

int64_t why_now(void)
{
	return clock_realtime_ns() / CLOCK_NS_PER_S;
}

/* Splits a line of .weaverfs/errors in place. */
static bool why_split(char *line, char *fields[WHY_FIELDS])
{
	for (int i = 0; i < WHY_FIELDS; i++)
		fields[i] = strsep(&line, "\t");
	return fields[WHY_TEXT] != NULL;
}

static bool why_is_ours(char *fields[WHY_FIELDS], const char *name, int64_t since_s, int code)
{
	int64_t when_s;

	return rfc3339_parse_seconds(fields[WHY_TIME], &when_s, NULL) == 0 && when_s >= since_s &&
	       strtoul(fields[WHY_UID], NULL, 10) == geteuid() &&
	       strcmp(fields[WHY_ERRNO], error_name(code)) == 0 &&
	       strstr(fields[WHY_PATH], name) != NULL;
}

int why_explain(const char *mount, const char *name, int64_t since_s, struct error *e)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT, text = BUF_INIT;
	char *fields[WHY_FIELDS], *found = NULL;
	int code = e->code;

	buf_printf(&path, "%s/.weaverfs/errors", mount);
	if (value_read(AT_FDCWD, buf_str(&path), &text, NULL) < 0 || text.len == 0)
		return -code;
	for (char *rest = text.data, *line; (line = strsep(&rest, "\n"));)
		if (why_split(line, fields) && why_is_ours(fields, name, since_s, code))
			found = fields[WHY_TEXT];
	if (found && !strstr(e->text, found)) {
		_cleanup_(cleanup_free) char *what = strdup(e->text);
		error_set(e, code, "%s: %s", what ? what : "", found);
	}
	return -code;
}
