/* SPDX-License-Identifier: Apache-2.0 */
/* rfc3339_parse(): what it accepts is within bounds and comes back from its formatted form. */
#include "k8s/base/rfc3339.c"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char out[RFC3339_NANOS_LEN + 1];
	int64_t ns, again, seconds;
	struct error e = ERROR_INIT;
	int r = rfc3339_parse((const char *)data, len, &ns, &e);

	assert((r == 0 && e.code == 0) || (r == -EINVAL && e.code == EINVAL && e.text[0]));
	if (r < 0)
		return 0;
	assert(ns >= 0 && ns / CLOCK_NS_PER_S < END_S);
	rfc3339_format_nanos(ns, out);
	assert(strlen(out) == RFC3339_NANOS_LEN);
	assert(rfc3339_parse(out, RFC3339_NANOS_LEN, &again, NULL) == 0 && again == ns);
	assert(rfc3339_parse_seconds(out, &seconds, NULL) == 0 && seconds == ns / CLOCK_NS_PER_S);
	rfc3339_format(seconds, out);
	assert(strlen(out) == RFC3339_SECONDS_LEN);
	return 0;
}
