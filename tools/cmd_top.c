/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weaver top: woken by keys, signals, .weaverfs/follow/events and what was measured; by itself once
 * a second for the clock. Weavers are listed when an event says that one has changed, each 15 s for
 * what raises none (a ttl that somebody wrote), and each 2 s while one terminates: its end raises
 * none, either.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "k8s/base/cleanup.h"
#include "k8s/base/clock.h"
#include "tools/find.h"
#include "tools/options.h"
#include "tools/terminal.h"
#include "tools/text.h"
#include "tools/top_screen.h"
#include "tools/value.h"

#define TOP_LIST_NS (15 * CLOCK_NS_PER_S)
#define TOP_ENDING_NS (2 * CLOCK_NS_PER_S)
#define TOP_SETTLE_NS (100 * CLOCK_NS_PER_MS) /* after an event: it seldom comes alone */
#define TOP_CTRL(c) ((c)&0x1f)

enum top_mode { TOP_LOOKS, TOP_FINDS, TOP_ASKS };

struct top {
	struct top_model model;
	struct top_screen screen;
	struct top_fetcher *fetcher;
	int events, signals;
	bool asked; /* the fetcher has a question */
	bool ended;
	enum top_mode mode;
	int64_t list_ns; /* when to list next */
	char health[256], prompt[160];
};

static void top_health(struct top *t)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	buf_printf(&path, "%s/.weaverfs/health", t->model.mount);
	value_get(AT_FDCWD, buf_str(&path), t->health, sizeof(t->health));
}

static void top_open_events(struct top *t)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	buf_printf(&path, "%s/.weaverfs/follow/events", t->model.mount);
	t->events = open(buf_str(&path), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static bool top_one_terminates(const struct top *t)
{
	for (size_t i = 0; i < t->model.n; i++)
		if (strcmp(t->model.all[i].row.status, "terminating") == 0)
			return true;
	return false;
}

/* A mount that is gone is said on the screen; it may come back. */
static void top_list(struct top *t)
{
	struct error e = ERROR_INIT;

	top_health(t);
	if (t->events < 0)
		top_open_events(t);
	if (top_model_load(&t->model, &e) < 0)
		snprintf(t->health, sizeof(t->health), "the mount: %s", strerror(e.code));
	if (!t->model.chosen[0])
		top_model_choose(&t->model, 0);
	t->list_ns = clock_monotonic_ns() + (top_one_terminates(t) ? TOP_ENDING_NS : TOP_LIST_NS);
}

static void top_draw(struct top *t)
{
	top_screen_draw(&t->screen, &t->model,
			&(struct top_note){ .health = t->health, .prompt = t->prompt });
}

/* ---- others on our terminal ---- */

static void top_leave(struct top *t)
{
	top_screen_leave(&t->screen);
	terminal_restore();
}

static void top_enter(struct top *t)
{
	t->signals = terminal_raw();
	top_screen_enter(&t->screen);
}

static void top_exec(const char *const *words)
{
	sigset_t none;
	union {
		const char *const *words;
		char *const *exec;
	} args = { .words = words };

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(words[0], args.exec);
	_exit(127);
}

/* `self` runs weaver VERB PATH; through a pager where it is only to be read. */
static void top_run(struct top *t, const char *verb, bool paged)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT, self = BUF_INIT;
	int status;

	if (!t->model.chosen[0])
		return;
	char exe[512];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	buf_add(&self, len > 0 ? exe : "weaver", len > 0 ? (size_t)len : strlen("weaver"));
	buf_printf(&path, "%s/%s", t->model.mount, t->model.chosen);
	top_leave(t);
	close(t->signals);
	pid_t pid = fork();
	if (pid == 0 && paged)
		top_exec((const char *const[]){ "sh", "-c", "\"$0\" \"$1\" \"$2\" | ${PAGER:-less}",
						buf_str(&self), verb, buf_str(&path), NULL });
	if (pid == 0)
		top_exec((const char *const[]){ buf_str(&self), verb, buf_str(&path), NULL });
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	top_enter(t);
	t->list_ns = 0;
}

static void top_remove(struct top *t)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT;

	buf_printf(&path, "%s/%s", t->model.mount, t->model.chosen);
	if (rmdir(buf_str(&path)) < 0)
		snprintf(t->prompt, sizeof(t->prompt), "%s: %s", t->model.chosen,
			 errno == EBUSY ? "it is held" : strerror(errno));
	t->list_ns = 0;
}

/* ---- keys ---- */

static void top_sort(struct top *t, enum top_sort sort)
{
	t->model.sort = sort;
	top_model_sort(&t->model);
}

static void top_move(struct top *t, long by)
{
	top_model_choose(&t->model, (long)top_model_chosen(&t->model) + by);
}

static void top_key_of_find(struct top *t, char key)
{
	size_t len = strlen(t->model.filter);

	if (key == '\r' || key == '\n' || key == '\033') {
		t->mode = TOP_LOOKS;
		if (key == '\033')
			t->model.filter[0] = '\0';
	} else if (key == 0x7f || key == '\b') {
		t->model.filter[len > 0 ? len - 1 : 0] = '\0';
	} else if (key > ' ' && len + 1 < sizeof(t->model.filter)) {
		t->model.filter[len] = key;
		t->model.filter[len + 1] = '\0';
	}
	top_move(t, 0);
	t->prompt[0] = '\0';
	if (t->mode == TOP_FINDS)
		snprintf(t->prompt, sizeof(t->prompt), "/%s", t->model.filter);
}

static void top_key_of_look(struct top *t, char key)
{
	t->prompt[0] = '\0';
	switch (key) {
	case 'q':
	case TOP_CTRL('c'):
	case TOP_CTRL('d'):
		t->ended = true;
		break;
	case 'k':
		top_move(t, -1);
		break;
	case 'j':
		top_move(t, 1);
		break;
	case TOP_CTRL('b'):
		top_move(t, -(long)t->screen.rows + 4);
		break;
	case TOP_CTRL('f'):
		top_move(t, (long)t->screen.rows - 4);
		break;
	case 'g':
		top_model_choose(&t->model, 0);
		break;
	case 'G':
		top_model_choose(&t->model, (long)t->model.n);
		break;
	case 'n':
		top_sort(t, TOP_NAME);
		break;
	case 's':
		top_sort(t, TOP_STATUS);
		break;
	case 't':
		top_sort(t, TOP_TTL);
		break;
	case 'c':
		top_sort(t, TOP_CPU);
		break;
	case 'm':
		top_sort(t, TOP_MEMORY);
		break;
	case 'e':
		top_sort(t, TOP_EVENTS);
		break;
	case 'r':
		t->model.reverse = !t->model.reverse;
		top_model_sort(&t->model);
		break;
	case '\r':
		top_run(t, "sh", false);
		break;
	case 'l':
		top_run(t, "logs", true);
		break;
	case 'i':
		top_run(t, "describe", true);
		break;
	case '/':
		t->mode = TOP_FINDS;
		strcpy(t->prompt, "/");
		break;
	case TOP_CTRL('l'):
		top_screen_enter(&t->screen);
		break;
	case TOP_CTRL('z'):
		kill(getpid(), SIGTSTP);
		break;
	case 'x':
		if (t->model.chosen[0]) {
			t->mode = TOP_ASKS;
			snprintf(t->prompt, sizeof(t->prompt), "remove %s? y or n",
				 t->model.chosen);
		}
		break;
	default:
		break;
	}
}

static void top_key(struct top *t, char key)
{
	if (t->mode == TOP_FINDS) {
		top_key_of_find(t, key);
	} else if (t->mode == TOP_ASKS) {
		t->mode = TOP_LOOKS;
		t->prompt[0] = '\0';
		if (key == 'y')
			top_remove(t);
	} else {
		top_key_of_look(t, key);
	}
}

/* Arrows and their like, as keys that mean the same. 0: none of those. */
static char top_sequence(const char *bytes, size_t len, size_t *ret_len)
{
	static const struct {
		const char *bytes;
		char key;
	} known[] = {
		{ "\033[A", 'k' },
		{ "\033OA", 'k' },
		{ "\033[B", 'j' },
		{ "\033OB", 'j' },
		{ "\033[5~", TOP_CTRL('b') },
		{ "\033[6~", TOP_CTRL('f') },
		{ "\033[H", 'g' },
		{ "\033[1~", 'g' },
		{ "\033[F", 'G' },
		{ "\033[4~", 'G' },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		*ret_len = strlen(known[i].bytes);
		if (len >= *ret_len && memcmp(bytes, known[i].bytes, *ret_len) == 0)
			return known[i].key;
	}
	return 0;
}

static void top_read_keys(struct top *t)
{
	char bytes[64];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		t->ended = true;
	for (ssize_t i = 0; i < n && !t->ended; i++) {
		size_t len;
		char key = top_sequence(bytes + i, (size_t)(n - i), &len);
		if (key && t->mode == TOP_LOOKS)
			top_key(t, key);
		else if (!key)
			top_key(t, bytes[i]);
		i += key ? (ssize_t)len - 1 : 0;
	}
}

/* ---- the loop ---- */

static void top_read_signals(struct top *t)
{
	struct signalfd_siginfo signal;

	while (read(t->signals, &signal, sizeof(signal)) == sizeof(signal)) {
		bool resized = signal.ssi_signo == SIGWINCH;
		if (!resized && signal.ssi_signo != SIGCONT)
			top_screen_leave(&t->screen);
		terminal_obey(&signal);
		top_screen_enter(&t->screen);
	}
}

static void top_read_events(struct top *t)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(t->events, bytes, sizeof(bytes))) > 0)
		t->list_ns = clock_monotonic_ns() + TOP_SETTLE_NS;
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		/* the daemon has ended: the list says so, and looks for another one */
		close(t->events);
		t->events = -1;
	}
}

static void top_measure(struct top *t)
{
	int64_t now_ns = clock_monotonic_ns();
	struct top_answer answer;

	while (top_usage_answer(t->fetcher, &answer)) {
		top_model_take(&t->model, &answer, now_ns);
		t->asked = false;
	}
	struct top_row *row = t->asked ? NULL : top_model_due(&t->model, now_ns);
	if (!row)
		return;
	t->asked = true;
	if (!row->asked_ns)
		row->asked_ns = now_ns;
	top_usage_ask(t->fetcher, row->row.id);
}

static int top_wait_ms(const struct top *t)
{
	int64_t now_ns = clock_monotonic_ns();
	int64_t second_ms = 1000 - clock_realtime_ns() / CLOCK_NS_PER_MS % 1000;
	int64_t list_ms = (t->list_ns - now_ns) / CLOCK_NS_PER_MS + 1;

	return (int)(list_ms < 0 ? 0 : list_ms < second_ms ? list_ms : second_ms);
}

static void top_turn(struct top *t)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = t->signals, .events = POLLIN },
		{ .fd = t->events, .events = POLLIN },
		{ .fd = top_usage_fd(t->fetcher), .events = POLLIN },
	};

	if (clock_monotonic_ns() >= t->list_ns)
		top_list(t);
	top_measure(t);
	top_draw(t);
	if (poll(fds, ARRAY_SIZE(fds), top_wait_ms(t)) <= 0)
		return;
	if (fds[1].revents)
		top_read_signals(t);
	if (fds[2].revents)
		top_read_events(t);
	if (fds[0].revents)
		top_read_keys(t);
}

static int top_live(struct top *t)
{
	struct error e = ERROR_INIT;

	if (top_usage_start(t->model.mount, &t->fetcher, &e) < 0)
		return complain_failed(&e);
	top_enter(t);
	while (!t->ended)
		top_turn(t);
	top_leave(t);
	top_usage_stop(t->fetcher);
	cleanup_close(&t->events);
	cleanup_close(&t->signals);
	return 0;
}

/* For scripts and pipes. */
static int top_once(struct top *t)
{
	struct error e = ERROR_INIT;

	if (top_model_load(&t->model, &e) < 0)
		return complain_failed(&e);
	for (size_t i = 0; i < t->model.n; i++) {
		struct top_row *row = &t->model.all[i];
		if (strcmp(row->row.status, "running") == 0)
			top_usage_read(t->model.mount, row->row.id, &row->usage);
	}
	top_screen_print(&t->model);
	return 0;
}

static int cmd_top_run(int argc, char **argv)
{
	_cleanup_(buf_done) struct buf mount = BUF_INIT;
	struct top t = { .screen.coloured = text_coloured(STDOUT_FILENO),
			 .events = -1,
			 .signals = -1 };
	struct error e = ERROR_INIT;
	bool once = !terminal_present();
	struct options o;

	options_begin(&o, &cmd_top_entry, argc, argv);
	for (int key; (key = options_next(&o)) != OPTIONS_END;) {
		if (key != '1')
			return o.status;
		once = true;
	}
	if (o.argc > 0)
		return complain_usage(o.c, "top: all weavers are shown");
	if (find_mount(&mount, &e) < 0)
		return complain_failed(&e);
	t.model.mount = buf_str(&mount);
	int status = once ? top_once(&t) : top_live(&t);
	top_model_done(&t.model);
	return status;
}

static const struct cmd_option top_options[] = {
	{ '1', "once", .help = "print the table and end; so also where there is no terminal" },
	{ 0 },
};

const struct cmd cmd_top_entry = {
	.name = "top",
	.usage = "",
	.help = "watch them all: status, time left, cpu, memory, audit events a second",
	.more = "Keys: arrows or j and k choose, Enter is a shell in it, l its logs, i all about it, x removes\n"
		"it, / finds by name, n s t c m e sort by a column, r turns the order, q ends. cpu and memory\n"
		"need a metrics server, events an audit sidecar; they are asked for each 15 s.\n",
	.operands = CMD_NOTHING,
	.options = top_options,
	.run = cmd_top_run,
};
