/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw mode gives every key to the weaver, Ctrl-C and Ctrl-Z too. Signals can still come from
 * others: the terminal must be as it was before whoever started us sees it again.
 */
#include "tools/terminal.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios terminal_before;
static bool terminal_is_raw;

bool terminal_present(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

void terminal_size(uint16_t *ret_rows, uint16_t *ret_cols)
{
	struct winsize size = { 0 };

	ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	*ret_rows = size.ws_row;
	*ret_cols = size.ws_col;
}

static void terminal_set_raw(void)
{
	struct termios raw = terminal_before;

	cfmakeraw(&raw);
	terminal_is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

int terminal_raw(void)
{
	static const int signals[] = {
		SIGWINCH, SIGCONT, SIGTSTP, SIGTERM, SIGHUP, SIGINT, SIGQUIT
	};
	sigset_t set;

	if (tcgetattr(STDIN_FILENO, &terminal_before) < 0)
		return -1;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	terminal_set_raw();
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void terminal_restore(void)
{
	if (terminal_is_raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal_before);
	terminal_is_raw = false;
}

/* As if it had never been blocked. */
static void terminal_deliver(int signal)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, signal);
	kill(getpid(), signal == SIGTSTP ? SIGSTOP : signal);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
}

bool terminal_obey(const struct signalfd_siginfo *signal)
{
	int number = (int)signal->ssi_signo;

	if (number == SIGWINCH)
		return true;
	if (number == SIGCONT) {
		terminal_set_raw();
		return true;
	}
	terminal_restore();
	terminal_deliver(number);
	return false;
}
