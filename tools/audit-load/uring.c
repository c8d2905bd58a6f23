/* SPDX-License-Identifier: Apache-2.0 */
/* io_uring: files and sockets without a system call for each. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/audit-load/load.h"

static struct {
	int fd;
	struct io_uring_params params;
	char *sq, *cq;
	struct io_uring_sqe *sqes;
} ring;

static int ring_open(void)
{
	struct io_uring_params *p = &ring.params;
	ring.fd = load_call(SYS_io_uring_setup, 4, p);
	load_did(SEEN_ALWAYS, "sandbox_escape", "syscall", SYS_io_uring_setup);
	if (ring.fd < 0)
		return -1;
	size_t sq = p->sq_off.array + p->sq_entries * sizeof(unsigned);
	size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	int prot = PROT_READ | PROT_WRITE;
	ring.sq = mmap(NULL, sq, prot, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	ring.cq = mmap(NULL, cq, prot, MAP_SHARED, ring.fd, IORING_OFF_CQ_RING);
	ring.sqes = mmap(NULL, p->sq_entries * sizeof(struct io_uring_sqe), prot, MAP_SHARED,
			 ring.fd, IORING_OFF_SQES);
	return ring.sq == MAP_FAILED || ring.cq == MAP_FAILED || ring.sqes == MAP_FAILED ? -1 : 0;
}

/* One request at a time; its result. */
static int run(const struct io_uring_sqe *request, enum load_seen seen, const char *type,
	       const char *operation)
{
	unsigned *tail = (unsigned *)(ring.sq + ring.params.sq_off.tail);
	unsigned *array = (unsigned *)(ring.sq + ring.params.sq_off.array);
	unsigned *head = (unsigned *)(ring.cq + ring.params.cq_off.head);
	unsigned mask = ring.params.sq_entries - 1, at = *tail & mask;
	ring.sqes[at] = *request;
	array[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (load_call(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -1;
	struct io_uring_cqe *cqes = (void *)(ring.cq + ring.params.cq_off.cqes);
	int result = cqes[*head & (ring.params.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	if (result >= 0)
		load_did(seen, type, operation, LOAD_URING);
	load_did(SEEN_WITHOUT_HOOKS, "sandbox_escape", "io_uring_submit", LOAD_URING);
	return result;
}

void uring_do(void)
{
	char byte = 'x';
	if (ring_open())
		return;
	struct io_uring_sqe request = { .opcode = IORING_OP_OPENAT,
					.fd = AT_FDCWD,
					.addr = (unsigned long)"u",
					.len = 0600,
					.open_flags = O_CREAT | O_RDWR };
	int fd = run(&request, SEEN_BY_HOOKS, "file_open", "open");
	request = (struct io_uring_sqe){
		.opcode = IORING_OP_WRITE, .fd = fd, .addr = (unsigned long)&byte, .len = 1
	};
	run(&request, SEEN_BY_HOOKS, "file_write", "write");
	request.opcode = IORING_OP_READ;
	run(&request, SEEN_BY_HOOKS, "file_read", "read");
	close(fd);
	request = (struct io_uring_sqe){ .opcode = IORING_OP_UNLINKAT,
					 .fd = AT_FDCWD,
					 .addr = (unsigned long)"u" };
	run(&request, SEEN_BY_HOOKS, "file_metadata", "unlink");
	close(ring.fd);
}
