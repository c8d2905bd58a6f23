/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_load(): the first byte says which source the rest is, the text after -o or the YAML file.
 * What loads can be shown, and an error has a sentence.
 */
#include "fs/config/config.c"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The path of an anonymous file that holds the bytes. */
static int make_file(const uint8_t *data, size_t len, char path[64])
{
	int fd = memfd_create("config", MFD_CLOEXEC);

	assert(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(buf_done) struct buf fuse = BUF_INIT, shown = BUF_INIT, options = BUF_INIT;
	struct error e = ERROR_INIT;
	struct config c;
	char path[64];

	/* files of the machine are not what is tested here */
	if (len < 1 || memmem(data, len, "pod_patch", 9) || memmem(data, len, "users", 5))
		return -1;
	bool is_file = data[0] & 1;
	buf_add(&options, data + 1, is_file ? 0 : len - 1);
	int fd = make_file(data + 1, is_file ? len - 1 : 0, path);
	struct config_input in = { .options = buf_str(&options), .file = path };

	int r = config_load(&c, &in, &fuse, &e);
	close(fd);
	assert((r == 0 && e.code == 0) || (r < 0 && e.code == -r && e.text[0]));
	if (r < 0)
		return 0;
	config_show(&c, &shown);
	assert(shown.len > 0 && c.default_ttl_hours <= c.max_ttl_hours && c.max_concurrent > 0);
	config_done(&c);
	return 0;
}
