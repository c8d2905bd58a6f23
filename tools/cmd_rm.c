/* SPDX-License-Identifier: Apache-2.0 */
/* weaver rm: rmdir, by name. What was done is printed; the exit status is that of the worst. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "tools/find.h"
#include "tools/options.h"
#include "tools/rows.h"
#include "tools/text.h"
#include "tools/value.h"
#include "tools/why.h"

enum { RM_ALL = 256 };

struct rm {
	bool all, force, yes;
};

/* The entry in .archive of a weaver that has just gone there; its id's end is in the name. */
static void rm_entry_path(const char *path, const char *id, struct buf *ret)
{
	size_t len = strlen(id);

	buf_printf(ret, "%.*s/.archive/%s~%s", (int)(text_name(path) - path - 1), path,
		   text_name(path), len > 8 ? id + len - 8 : id);
}

/* The daemon says why; `hold` is the one refusal that --force may lift. */
static int rm_one(const struct rm *rm, const char *path, struct error *e)
{
	_cleanup_(cleanup_close) int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(buf_done) struct buf mount = BUF_INIT, entry = BUF_INIT;
	int64_t since_s = why_now();
	char id[ROWS_ID_MAX] = "";

	value_get(dir, "id", id, sizeof(id));
	if (rm->force && !strstr(path, "/.archive/"))
		value_write(dir, "hold", "0", 1, NULL);
	if (rmdir(path) < 0) {
		int code = errno;
		buf_add(&mount, path, (size_t)(text_name(path) - path - 1));
		error_set(e, code, "%s: %s", text_name(path), strerror(code));
		if (code == EBUSY)
			return error_set(e, code,
					 "%s: it is held: weaver rm --force, or write 0 into "
					 "its file hold",
					 text_name(path));
		return why_explain(buf_str(&mount), text_name(path), since_s, e);
	}
	if (!rm->force || !id[0] || strstr(path, "/.archive/"))
		return 0;
	/* grace 0; the entry may have gone already, or never been kept */
	rm_entry_path(path, id, &entry);
	rmdir(buf_str(&entry));
	return 0;
}

static int rm_named(const struct rm *rm, const char *name)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	struct error e = ERROR_INIT;

	if (find_weaver(name, true, &path, &e) < 0 || rm_one(rm, buf_str(&path), &e) < 0)
		return complain_failed(&e);
	puts(text_name(buf_str(&path)));
	return 0;
}

static bool rm_agreed(size_t n)
{
	char answer[8] = "";

	fprintf(stderr, "Remove %zu weavers? [y/N] ", n);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int rm_all(const struct rm *rm)
{
	_cleanup_(buf_done) struct buf mount = BUF_INIT;
	_cleanup_(rows_done) struct rows rows = { 0 };
	struct error e = ERROR_INIT;
	int status = 0;
	size_t n = 0;

	if (find_mount(&mount, &e) < 0 || rows_load(buf_str(&mount), false, &rows, &e) < 0)
		return complain_failed(&e);
	for (size_t i = 0; i < rows.n; i++)
		n += !rows.all[i].archived;
	if (n > 0 && !rm->yes && !rm->force && isatty(STDIN_FILENO) && !rm_agreed(n))
		return CMD_EXIT_FAILED;
	for (size_t i = 0; i < rows.n; i++) {
		_cleanup_(buf_done) struct buf path = BUF_INIT;
		if (rows.all[i].archived)
			continue;
		buf_printf(&path, "%s/%s", buf_str(&mount), rows.all[i].name);
		if (rm_one(rm, buf_str(&path), &e) < 0)
			status = complain_failed(&e);
		else
			puts(rows.all[i].name);
	}
	return status;
}

static int cmd_rm_run(int argc, char **argv)
{
	struct rm rm = { 0 };
	struct options o;
	int status = 0;

	options_begin(&o, &cmd_rm_entry, argc, argv);
	for (int key; (key = options_next(&o)) != OPTIONS_END;) {
		if (key == RM_ALL)
			rm.all = true;
		else if (key == 'f')
			rm.force = true;
		else if (key == 'y')
			rm.yes = true;
		else
			return o.status;
	}
	if (rm.all ? o.argc > 0 : o.argc == 0)
		return complain_usage(o.c, "rm: names, or --all");
	if (rm.all)
		return rm_all(&rm);
	for (int i = 0; i < o.argc; i++)
		status |= rm_named(&rm, o.argv[i]);
	return status;
}

/* clang-format off */
static const struct cmd_option rm_options[] = {
	{ RM_ALL, "all", .help = "all that you may see; asks, on a terminal" },
	{ 'f', "force", .help = "also what is held; without the 5 s of grace, and no archive is kept" },
	{ 'y', "yes", .help = "do not ask" },
	{ 0 },
};

const struct cmd cmd_rm_entry = {
	.name = "rm", .alias = "delete",
	.usage = "WEAVER…|--all",
	.help = "end weavers, or purge what .archive has of them",
	.more = "It returns when the API server has accepted; weaver wait --for=gone waits for the end.\n",
	.operands = CMD_ARCHIVED,
	.options = rm_options,
	.run = cmd_rm_run,
};
/* clang-format on */
