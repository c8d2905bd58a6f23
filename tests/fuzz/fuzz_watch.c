/* SPDX-License-Identifier: Apache-2.0 */
/* watch_frame_parse(): what it points at lies inside the frame, whatever the frame is. */
#include "k8s/watch_frame.c"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(cleanup_free) char *json = malloc(len + 1);
	struct watch_frame f;
	struct error e = ERROR_INIT;

	if (!json)
		return -1;
	memcpy(json, data, len);
	json[len] = '\0';
	int r = watch_frame_parse(&f, json, len, &e);
	if (r < 0) {
		assert(r == -EPROTO && e.text[0]);
		return 0;
	}
	assert(f.object > json && f.object + f.len <= json + len);
	assert(f.object[0] == '{' && f.object[f.len - 1] == '}' && f.object[f.len] == '\0');
	size_t n = 0;
	const char *rv = watch_frame_version(&f, &n);
	assert(!rv || (rv > f.object && rv + n < f.object + f.len));
	return 0;
}
