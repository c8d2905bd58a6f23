/* SPDX-License-Identifier: Apache-2.0 */
/* Only what signal-safety(7) allows happens in the handlers: flags and a timer. */
#include "fs/signals.h"

#include <fuse_lowlevel.h>
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>

#define NUDGE_US 20000

static volatile sig_atomic_t stopping;
static struct fuse_session *_Atomic ending;

static void nudge(suseconds_t us)
{
	struct itimerval every = { .it_interval.tv_usec = us, .it_value.tv_usec = us };

	setitimer(ITIMER_REAL, &every, NULL);
}

static void handle_stop(int signal)
{
	struct fuse_session *session = ending;

	(void)signal;
	stopping = 1;
	if (session)
		fuse_session_exit(session); /* sets a flag */
	nudge(NUDGE_US);
}

static void handle_nudge(int signal)
{
	(void)signal;
}

void signals_init(void)
{
	static const int ends[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction stop = { .sa_handler = handle_stop };
	struct sigaction interrupt = { .sa_handler = handle_nudge };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGALRM, &interrupt, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &stop, NULL);
}

bool signals_stopping(void)
{
	return stopping;
}

void signals_set_session(struct fuse_session *session)
{
	ending = session;
	if (session && stopping)
		fuse_session_exit(session);
}

void signals_done(void)
{
	nudge(0);
}
