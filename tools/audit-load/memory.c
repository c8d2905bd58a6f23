/* SPDX-License-Identifier: Apache-2.0 */
/* Executable memory, by each way to it. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/audit-load/load.h"

static void did(int call, int succeeded)
{
	if (succeeded)
		load_did(SEEN_ALWAYS, "memory_exec", "", call);
}

void memory_do(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	did(SYS_mmap, at != MAP_FAILED);
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	did(SYS_mprotect, !load_call(SYS_mprotect, at, 4096, PROT_READ | PROT_EXEC));
	at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	did(SYS_pkey_mprotect, !load_call(SYS_pkey_mprotect, at, 4096, PROT_READ | PROT_EXEC, -1));
	int fd = open("/proc/self/exe", O_RDONLY);
	load_did(SEEN_ALWAYS, "file_open", "open", SYS_openat);
	at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	did(SYS_mmap, at != MAP_FAILED);
	close(fd);
	int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0700);
	if (id >= 0) {
		did(SYS_shmat, shmat(id, NULL, SHM_EXEC) != (void *)-1);
		shmctl(id, IPC_RMID, NULL);
	}
	if (load_has_compat())
		did(LOAD_COMPAT | 192,
		    load_compat(192, 0, 4096, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1) != -1);
}
