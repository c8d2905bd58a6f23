/* SPDX-License-Identifier: Apache-2.0 */
/* weaver ttl: how long it still has; or sets that. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "tools/find.h"
#include "tools/options.h"
#include "tools/text.h"
#include "tools/value.h"
#include "tools/why.h"

static void ttl_show(int dir)
{
	char ttl[24], expires[40], left[TEXT_MAX];

	value_get(dir, "ttl", ttl, sizeof(ttl));
	value_get(dir, "expires", expires, sizeof(expires));
	text_duration(strtoll(ttl, NULL, 10), left);
	if (isatty(STDOUT_FILENO))
		printf("%s left, until %s\n", left, expires);
	else
		puts(ttl);
}

/* `ttl` reads a bare number as seconds, and so do we. */
static int ttl_set(int dir, const char *path, const char *text, struct error *e)
{
	int64_t since_s = why_now();
	int r = value_write(dir, "ttl", text, strlen(text), e);

	if (r == 0)
		return 0;
	char *mount = strdup(path);
	if (mount) {
		*strrchr(mount, '/') = '\0';
		why_explain(mount, text_name(path), since_s, e);
		free(mount);
	}
	return error_wrap(e, r, "%s", text_name(path));
}

static int cmd_ttl_run(int argc, char **argv)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	struct error e = ERROR_INIT;
	struct options o;

	/* -30m is a value, not an option */
	bool negative = argc == 3 && argv[2][0] == '-' && strchr("0123456789", argv[2][1]);
	options_begin(&o, &cmd_ttl_entry, negative ? 2 : argc, argv);
	if (options_next(&o) != OPTIONS_END)
		return o.status;
	o.argc += negative;
	if (o.argc < 1 || o.argc > 2)
		return complain_usage(o.c, "ttl: a weaver, and perhaps a time");
	_cleanup_(cleanup_close) int dir = find_open(o.argv[0], o.argc == 1, &path, &e);
	if (dir < 0)
		return complain_failed(&e);
	if (o.argc == 2 && ttl_set(dir, buf_str(&path), negative ? argv[2] : o.argv[1], &e) < 0)
		return complain_failed(&e);
	ttl_show(dir);
	return 0;
}

const struct cmd cmd_ttl_entry = {
	.name = "ttl",
	.usage = "WEAVER [TIME]",
	.help = "show or set how long it lives",
	.more = "TIME is 3600 (seconds), 90m, 8h, 1d or 1h30m from now; +1h and -30m are relative. The\n"
		"limit is max_ttl_hours after its creation. What is printed is seconds, but on a terminal.\n",
	.operands = CMD_WEAVER,
	.run = cmd_ttl_run,
};
