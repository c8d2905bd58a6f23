/* SPDX-License-Identifier: Apache-2.0 */
/* quantity_parse(): whole units are the thousandths rounded up, and a result means itself. */
#include "k8s/base/quantity.c"

#include <assert.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[256], plain[32];
	int64_t units = -1, milli = -1, again;
	struct error e = ERROR_INIT;

	if (len >= sizeof(text))
		return -1;
	memcpy(text, data, len);
	text[len] = '\0';

	int r = quantity_parse(text, &units, &e);
	int s = quantity_parse_milli(text, &milli, NULL);

	assert((r == 0 && e.code == 0) || (r < 0 && e.code == -r && e.text[0]));
	assert((r == -EINVAL) == (s == -EINVAL) && (r == 0 || s != 0));
	if (r < 0)
		return 0;
	assert(units >= 0 && (s < 0 || units == milli / 1000 + (milli % 1000 > 0)));
	snprintf(plain, sizeof(plain), "%lld", (long long)units);
	assert(quantity_parse(plain, &again, NULL) == 0 && again == units);
	return 0;
}
