/* SPDX-License-Identifier: Apache-2.0 */
/* duration_parse(): what it accepts is within bounds, and the plain seconds mean the same. */
#include "k8s/base/duration.c"

#include <assert.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[256], plain[32];
	struct duration d, again;
	struct error e = ERROR_INIT;

	if (len >= sizeof(text))
		return -1;
	memcpy(text, data, len);
	text[len] = '\0';

	int r = duration_parse(text, &d, &e);

	assert(r == 0 || ((r == -EINVAL || r == -ERANGE) && e.text[0]));
	assert(e.code == -r);
	if (r < 0)
		return 0;
	assert(d.seconds >= -MAX_S && d.seconds <= MAX_S && (d.seconds >= 0 || d.relative));
	snprintf(plain, sizeof(plain), d.relative ? "%+lld" : "%lld", (long long)d.seconds);
	assert(duration_parse(plain, &again, NULL) == 0);
	assert(again.seconds == d.seconds && again.relative == d.relative);
	return 0;
}
