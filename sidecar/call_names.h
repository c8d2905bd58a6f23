/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the system calls that records of privileges and escapes name: calls that change
 * credentials, namespaces, mounts, the kernel or other processes.
 */
#pragma once
#include <stdbool.h>

/* NULL: none of those below. compat: a number of the 32-bit table (int 0x80). */
const char *call_names_find(int number, bool compat);

/* call_names_compat.c: of the 32-bit table of x86. */
const char *call_names_compat_find(int number);

/* clang-format off */
#define CALLS(X)                                                                                   \
	X(acct) X(add_key) X(adjtimex) X(bpf) X(capset) X(chroot) X(clock_adjtime)                 \
	X(clock_settime) X(clone) X(clone3) X(delete_module) X(execve) X(execveat)                 \
	X(fanotify_init) X(fanotify_mark) X(finit_module) X(fsconfig) X(fsmount) X(fsopen)         \
	X(fspick) X(init_module) X(io_uring_enter) X(io_uring_register) X(io_uring_setup) X(ioctl) \
	X(kcmp) X(kexec_load) X(keyctl) X(kill) X(landlock_add_rule) X(landlock_create_ruleset)    \
	X(landlock_restrict_self) X(lookup_dcookie) X(mbind) X(memfd_create) X(memfd_secret)       \
	X(migrate_pages) X(mount) X(mount_setattr) X(move_mount) X(move_pages) X(name_to_handle_at) \
	X(nfsservctl) X(open_by_handle_at) X(open_tree) X(openat) X(perf_event_open)               \
	X(personality) X(pidfd_getfd) X(pidfd_open) X(pidfd_send_signal) X(pivot_root) X(prctl)    \
	X(process_madvise) X(process_vm_readv) X(process_vm_writev) X(ptrace) X(quotactl)          \
	X(quotactl_fd) X(reboot) X(request_key) X(seccomp) X(set_mempolicy) X(setdomainname)       \
	X(setfsgid) X(setfsuid) X(setgid) X(setgroups) X(sethostname) X(setns) X(setregid)         \
	X(setresgid) X(setresuid) X(setreuid) X(settimeofday) X(setuid) X(swapoff) X(swapon)       \
	X(syslog) X(umount2) X(unshare) X(userfaultfd) X(vhangup)
/* of 64-bit machines */
#define CALLS_64(X) X(kexec_file_load)
/* of x86 */
#define CALLS_X86(X) X(fork) X(ioperm) X(iopl) X(modify_ldt) X(open) X(uselib) X(vfork)
/* of the 32-bit table of x86 */
#define CALLS_COMPAT(X)                                                                            \
	X(socketcall) X(stime) X(umount) X(vm86) X(vm86old) X(setuid32) X(setgid32) X(setreuid32)  \
	X(setregid32) X(setresuid32) X(setresgid32) X(setgroups32) X(setfsuid32) X(setfsgid32)
/* clang-format on */
