/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weaver new: a mkdir, or a draft that is filled and moved; then waits until it runs, and attaches.
 * stdout has its name, for scripts; what is happening is said on stderr.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "tools/draft.h"
#include "tools/find.h"
#include "tools/options.h"
#include "tools/progress.h"
#include "tools/session.h"
#include "tools/terminal.h"
#include "tools/value.h"

enum {
	NEW_REPO = 256,
	NEW_BRANCH,
	NEW_TTL,
	NEW_CPU,
	NEW_MEMORY,
	NEW_TAG,
	NEW_SECRET,
	NEW_HOLD,
	NEW_NO_ATTACH,
	NEW_NO_WAIT,
};

struct new
{
	struct draft draft;
	struct buf ttl, args; /* what draft borrows */
	char name[64];
	bool attach, wait;
};

static void new_done(struct new *n)
{
	buf_done(&n->ttl);
	buf_done(&n->args);
}

/* KEY=VALUE; -1, or the exit status. */
static int new_add_pair(struct new *n, struct options *o, const char *option, const char *file)
{
	const char *equals = strchr(o->value, '=');

	if (!equals || equals == o->value)
		return complain_usage(o->c, "new: %s %.*s: KEY=VALUE, please", option,
				      (int)strcspn(o->value, "="), o->value);
	if (strchr(o->value, '\n'))
		return complain_usage(o->c,
				      "new: %s: a value with a newline cannot be a line of `%s`",
				      option, file);
	return draft_add(&n->draft, file, o->value) ? -1
						    : complain_usage(o->c, "new: too many options");
}

/* A bare number is hours, as Loom has it. */
static const char *new_ttl(struct new *n, const char *value)
{
	buf_reset(&n->ttl);
	buf_printf(&n->ttl, "%s%s", value, strspn(value, "0123456789") == strlen(value) ? "h" : "");
	return buf_str(&n->ttl);
}

/* The file that a plain option writes; NULL: none. */
static const char *new_file(int key)
{
	switch (key) {
	case 'i':
		return "image";
	case 'w':
		return "workdir";
	case NEW_REPO:
		return "repo";
	case NEW_BRANCH:
		return "branch";
	case NEW_CPU:
		return "cpu";
	case NEW_MEMORY:
		return "memory";
	case NEW_TTL:
		return "ttl";
	default:
		return NULL;
	}
}

/* -1: go on, else the exit status. */
static int new_take(struct new *n, struct options *o, int key)
{
	const char *file = new_file(key);

	if (file)
		return draft_add(&n->draft, file, key == NEW_TTL ? new_ttl(n, o->value) : o->value)
			       ? -1
			       : complain_usage(o->c, "new: too many options");
	switch (key) {
	case 'e':
		return new_add_pair(n, o, "--env", "env");
	case NEW_TAG:
		return new_add_pair(n, o, "--tag", "tags");
	case NEW_SECRET:
		return new_add_pair(n, o, "--secret", "secrets");
	case NEW_HOLD:
		return draft_add(&n->draft, "hold", "1") ? -1 : CMD_EXIT_USAGE;
	case 'd':
	case NEW_NO_ATTACH:
		n->attach = false;
		return -1;
	case NEW_NO_WAIT:
		n->attach = n->wait = false;
		return -1;
	default:
		return o->status;
	}
}

static void new_name(struct new *n)
{
	unsigned random = 0;

	if (getrandom(&random, sizeof(random), 0) < 0)
		random = (unsigned)getpid();
	snprintf(n->name, sizeof(n->name), "w-%06x", random & 0xffffff);
}

/* After --: arguments for the image's entrypoint, as JSON so that they may hold anything. */
static void new_args(struct new *n, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		buf_add_char(&n->args, i == 0 ? '[' : ',');
		buf_add_json(&n->args, argv[i], strlen(argv[i]));
	}
	buf_add_char(&n->args, ']');
}

static int new_parse(struct new *n, int argc, char **argv)
{
	struct options o;
	int own = 1;

	/* getopt would sort what is behind -- to us */
	while (own < argc && strcmp(argv[own], "--") != 0)
		own++;
	options_begin(&o, &cmd_new_entry, own, argv);
	for (int key; (key = options_next(&o)) != OPTIONS_END;) {
		int status = new_take(n, &o, key);
		if (status >= 0)
			return status;
	}
	if (o.argc > 1)
		return complain_usage(o.c, "new: one name; a command comes after --");
	if (o.argc == 1 && strlen(o.argv[0]) >= sizeof(n->name)) {
		complain_that("%s: a name has 63 characters at most", o.argv[0]);
		return CMD_EXIT_FAILED;
	}
	if (o.argc == 1)
		strcpy(n->name, o.argv[0]);
	else
		new_name(n);
	if (own + 1 < argc) {
		new_args(n, argc - own - 1, argv + own + 1);
		if (!draft_add(&n->draft, "args", buf_str(&n->args)))
			return complain_usage(o.c, "new: too many options");
	}
	return -1;
}

static int new_attach(const struct new *n)
{
	char *none[] = { NULL };

	fprintf(stderr, "Ctrl-P Ctrl-Q detaches; to come back: weaver attach %s\n", n->name);
	int status = session_run(&(struct session_request){ .verb = WIRE_ATTACH,
							    .weaver = n->name,
							    .argv = none,
							    .tty = true,
							    .detachable = true });
	fprintf(stderr, "weaver: to come back: weaver attach %s; to end it: weaver rm %s\n",
		n->name, n->name);
	return status;
}

static void new_say_why(const struct new *n, int dir)
{
	_cleanup_(buf_done) struct buf reason = BUF_INIT;

	if (value_read(dir, "reason", &reason, NULL) == 0 && reason.len > 0)
		fprintf(stderr, "%s\n", buf_str(&reason));
	complain_that("it is kept: weaver describe %s; weaver rm %s", n->name, n->name);
}

static int new_run(const struct new *n, const char *mount)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;
	struct error e = ERROR_INIT;
	char status[16];

	if (draft_create(&n->draft, mount, n->name, &e) < 0)
		return complain_failed(&e);
	bool attach = n->attach && terminal_present();
	if (!attach) {
		puts(n->name);
		fflush(stdout);
	}
	if (!n->wait)
		return 0;
	buf_printf(&path, "%s/%s", mount, n->name);
	_cleanup_(cleanup_close) int dir = open(buf_str(&path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (progress_wait(dir, n->name, &e) < 0) {
		complain_that("%s", e.text);
		new_say_why(n, dir);
		return CMD_EXIT_FAILED;
	}
	value_get(dir, "status", status, sizeof(status));
	return attach && strcmp(status, "running") == 0 ? new_attach(n) : 0;
}

static int cmd_new_run(int argc, char **argv)
{
	_cleanup_(new_done) struct new n = { .attach = true, .wait = true };
	_cleanup_(buf_done) struct buf mount = BUF_INIT;
	struct error e = ERROR_INIT;
	int status = new_parse(&n, argc, argv);

	if (status >= 0)
		return status;
	if (find_mount(&mount, &e) < 0)
		return complain_failed(&e);
	return new_run(&n, buf_str(&mount));
}

/* clang-format off */
static const struct cmd_option new_options[] = {
	{ 'i', "image", "IMAGE", .help = "what it runs" },
	{ NEW_REPO, "repo", "URL", .help = "git repository that the entrypoint clones" },
	{ NEW_BRANCH, "branch", "NAME", .help = "branch of it" },
	{ 'e', "env", "KEY=VALUE", .help = "a variable of its environment; may be given again" },
	{ NEW_SECRET, "secret", "KEY=VALUE", .help = "the same, kept in a Secret of Kubernetes" },
	{ NEW_TTL, "ttl", "TIME", .help = "how long it lives: 8 (hours), 90m, 1d" },
	{ NEW_CPU, "cpu", "LIMIT", .help = "2, 500m" },
	{ NEW_MEMORY, "memory", "LIMIT", .help = "8Gi" },
	{ NEW_TAG, "tag", "KEY=VALUE", .help = "a tag; may be given again" },
	{ 'w', "workdir", "PATH", .help = "where its command begins" },
	{ NEW_HOLD, "hold", .help = "rmdir and rm do not remove it" },
	{ 'd', "detach", .help = "wait until it runs, do not attach" },
	{ NEW_NO_ATTACH, "no-attach", .help = "the same" },
	{ NEW_NO_WAIT, "no-wait", .help = "return when it is accepted" },
	{ 0 },
};

const struct cmd cmd_new_entry = {
	.name = "new", .alias = "run",
	.usage = "[NAME] [-- ARGUMENT…]",
	.help = "make a weaver, wait until it runs, attach to it",
	.more = "Its name is printed, and made up if it is left out. What is behind -- are arguments for the\n"
		"image's entrypoint. Attaches where stdin and stdout are a terminal. One that fails or does\n"
		"not come up is kept, and the exit status is 1; else that of attach.\n",
	.operands = CMD_NOTHING,
	.options = new_options,
	.run = cmd_new_run,
};
/* clang-format on */
