/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit-load: does one of everything that the audit sidecar records, and prints what it did as
 * JSON: the oracle of the audit's tests. It works below the current directory and leaves nothing
 * there; as another user than root it does what that user can, and what it cannot is refused, which
 * counts as well. It is a static program, because one that loads libraries would be recorded doing
 * so. With --flood N it opens, writes and executes instead, N times, to make the audit lose.
 */
#include "tools/audit-load/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/audit-load/flood.h"

#define DEEDS 512

struct deed {
	char name[80];
	unsigned count;
};

static struct {
	struct deed deed[DEEDS];
	unsigned deeds;
} * shared[SEEN_COUNT];

void load_init(void)
{
	for (unsigned i = 0; i < SEEN_COUNT; i++) {
		shared[i] = mmap(NULL, sizeof(*shared[i]), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (shared[i] == MAP_FAILED)
			abort();
	}
}

/* One process works at a time: nobody else counts meanwhile. */
void load_did(enum load_seen seen, const char *type, const char *operation, int call)
{
	char name[sizeof(shared[0]->deed[0].name)], number[16] = "";
	if (call == LOAD_URING)
		strcpy(number, "uring");
	else if (call >= 0)
		snprintf(number, sizeof(number), "%s%d", call & LOAD_COMPAT ? "i" : "",
			 call & ~LOAD_COMPAT);
	snprintf(name, sizeof(name), "%s/%s/%s", type, operation, number);
	for (unsigned i = 0; i < shared[seen]->deeds; i++)
		if (!strcmp(shared[seen]->deed[i].name, name)) {
			shared[seen]->deed[i].count++;
			return;
		}
	if (shared[seen]->deeds == DEEDS)
		abort();
	struct deed *d = &shared[seen]->deed[shared[seen]->deeds++];
	strcpy(d->name, name);
	d->count = 1;
}

void load_print(void)
{
	static const char *const title[SEEN_COUNT] = { "did", "hooks", "fallback" };
	for (unsigned s = 0; s < SEEN_COUNT; s++) {
		printf("%s\"%s\":{", s ? "," : "{", title[s]);
		for (unsigned i = 0; i < shared[s]->deeds; i++)
			printf("%s\"%s\":%u", i ? "," : "", shared[s]->deed[i].name,
			       shared[s]->deed[i].count);
		printf("}");
	}
	printf("}\n");
	fflush(stdout);
}

void load_child(void (*part)(void *arg), void *arg)
{
	fflush(stdout);
	int pid = load_call(SYS_fork);
	if (!pid) {
		part(arg);
		_exit(0);
	}
	if (pid < 0)
		return;
	load_did(SEEN_ALWAYS, "process_fork", "", SYS_fork);
	load_did(SEEN_ALWAYS, "process_exit", "", -1);
	waitpid(pid, NULL, 0);
}

int load_compat(long nr, long a, long b, long c, long d, long e)
{
	long ret;
	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

static void try_compat(void *arg)
{
	*(volatile int *)arg = load_compat(20, 0, 0, 0, 0, 0) > 0; /* getpid */
}

bool load_has_compat(void)
{
	static int *works; /* 0: not tried; a kernel without it kills who tries */
	if (!works) {
		works = load_low(4096);
		load_child(try_compat, works);
	}
	return *works;
}

void *load_low(unsigned size)
{
	void *low = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_32BIT,
			 -1, 0);
	if (low == MAP_FAILED)
		abort();
	return low;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--noop"))
		return 0;
	load_init();
	if (argc == 3 && !strcmp(argv[1], "--flood"))
		return flood_do(strtoul(argv[2], NULL, 10));
	if (argc > 1) {
		fprintf(stderr, "usage: audit-load [--flood TIMES]\n");
		return 2;
	}
	files_do();
	files_compat();
	processes_do(argv[0]);
	network_do();
	network_do_dns();
	memory_do();
	privileges_do();
	escapes_do();
	uring_do();
	load_print();
	return 0;
}
