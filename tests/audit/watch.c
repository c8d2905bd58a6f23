/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit-watch [-f] [-v] [-s NANOSECONDS] CGROUP COMMAND...: runs a command in a cgroup of our pod
 * and prints as JSON what the probes saw of it, as the sidecar would, with BPF and PERFMON alone.
 * -f: without hooks; -v: each record on stderr; -s: takes so long for each record, to make some
 * get lost. Its own cgroup must be below one named pod….
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "k8s/base/error.h"
#include "sidecar/probes.h"
#include "tests/audit/tally.h"

static struct {
	bool fallback, verbose;
	long slow_ns;
	const char *cgroup;
	char **command;
} options;

static int usage(void)
{
	fputs("usage: audit-watch [-f] [-v] [-s NANOSECONDS] CGROUP COMMAND...\n", stderr);
	return 2;
}

static long long now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int fail(const char *what)
{
	fprintf(stderr, "audit-watch: %s: %s\n", what, strerror(errno));
	return 1;
}

/* The child that will be the command, made while we may still do anything; it waits for a byte. */
static int command_run(int go)
{
	char byte;
	char path[512];
	snprintf(path, sizeof(path), "%s/cgroup.procs", options.cgroup);
	if (read(go, &byte, 1) != 1)
		return 1;
	close(go);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		return fail(path);
	execv(options.command[0], options.command);
	return fail(options.command[0]);
}

static int capabilities_drop(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { 0 };
	caps[CAP_BPF / 32].effective = 1U << (CAP_BPF % 32) | 1U << (CAP_PERFMON % 32);
	caps[CAP_BPF / 32].permitted = caps[CAP_BPF / 32].effective;
	return (int)syscall(SYS_capset, &head, caps);
}

static int take(const struct event *ev, void *arg)
{
	struct tally *t = arg;
	if (options.verbose)
		tally_show(ev);
	tally_add(t, ev);
	for (long long until = now_ns() + options.slow_ns; options.slow_ns && now_ns() < until;)
		continue;
	return 0;
}

/* Until the command has ended and nothing more comes. */
static int watch(struct probes *p, struct tally *t, pid_t pid, int *status, struct error *e)
{
	bool ended = false;
	for (unsigned idle = 0; idle < 3;) {
		unsigned long before = t->records;
		int r = probes_poll(p, 50, take, t, e);
		if (r)
			return r;
		if (!ended)
			ended = waitpid(pid, status, WNOHANG) == pid;
		idle = ended && t->records == before ? idle + 1 : 0;
	}
	return 0;
}

static int ignore(const struct event *ev, void *arg)
{
	(void)ev;
	(void)arg;
	return 0;
}

static int report(struct probes *p, struct tally *t, int status, long long ns, struct error *e)
{
	struct probes_counters c;
	int r = probes_counters(p, &c, e);
	if (r)
		return r;
	size_t n;
	const struct probes_group *g = probes_groups(p, &n);
	printf("{\"status\":%d,\"ns\":%lld,\"groups\":{", status, ns);
	for (size_t i = 0; i < n; i++)
		printf("%s\"%s\":{\"means\":\"%s\",\"attached\":%u,\"expected\":%u}", i ? "," : "",
		       g[i].name, g[i].means, g[i].attached, g[i].expected);
	const struct probes_program *program = probes_programs(p, &n);
	unsigned long misses = 0;
	for (size_t i = 0; i < n; i++)
		misses += program[i].recursion_misses;
	printf("},\"misses\":%lu,", misses);
	tally_print(t, &c);
	printf("}\n");
	return 0;
}

static int run(pid_t pid, int go)
{
	struct probes_options probes = { .only_fallback = options.fallback };
	struct error e = ERROR_INIT;
	struct probes *p = NULL;
	static struct tally t;
	int status = 0;
	if (capabilities_drop())
		return fail("capset");
	int r = probes_open(&p, &probes, &e);
	if (!r)
		r = probes_snapshot(p, &e);
	if (!r)
		r = probes_poll(p, 0, ignore, NULL, &e);
	tally_start(&t, p, &e);
	long long from = now_ns();
	if (!r && write(go, "", 1) != 1)
		return fail("pipe");
	if (!r)
		r = watch(p, &t, pid, &status, &e);
	if (!r)
		r = report(p, &t, status, now_ns() - from, &e);
	probes_close(p);
	if (r)
		fprintf(stderr, "audit-watch: %s\n", e.text);
	/* 77: this machine cannot show it, and says why */
	return r == -EPERM || r == -EACCES ? 77 : r ? 1 : 0;
}

int main(int argc, char **argv)
{
	int option, go[2];
	while ((option = getopt(argc, argv, "+fvs:")) != -1) {
		if (option == 'f')
			options.fallback = true;
		else if (option == 'v')
			options.verbose = true;
		else if (option == 's')
			options.slow_ns = strtol(optarg, NULL, 10);
		else
			return usage();
	}
	if (argc - optind < 2)
		return usage();
	options.cgroup = argv[optind];
	options.command = argv + optind + 1;
	if (pipe(go))
		return fail("pipe");
	pid_t pid = fork();
	if (pid < 0)
		return fail("fork");
	if (!pid) {
		close(go[1]);
		return command_run(go[0]);
	}
	close(go[0]);
	return run(pid, go[1]);
}
