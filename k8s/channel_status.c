/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Success is exit code 0, reason NonZeroExitCode holds the code as a decimal in details.causes.
 * What the runtime could not start comes as code 500 and a sentence, which is all there is to tell
 * a missing program, one that cannot be executed, and a container that does not run.
 */
#include "k8s/channel_status.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/base/buf.h"
#include "k8s/base/cleanup.h"

static void cleanup_json(cJSON **json)
{
	cJSON_Delete(*json);
}

/* Text of runc, crun, youki and the kubelet; the first that fits counts. */
static const struct {
	const char *text;
	int r, exit_code;
} channel_status_words[] = {
	{ "container not found", -ENOTCONN, 0 },
	{ "not found in pod", -ENOTCONN, 0 },
	{ "container is not running", -ENOTCONN, 0 },
	{ "container not running", -ENOTCONN, 0 },
	{ "cannot exec in a stopped", -ENOTCONN, 0 },
	{ "CONTAINER_EXITED", -ENOTCONN, 0 },
	{ "executable file not found", 0, 127 },
	{ "executable file `", 0, 127 },
	{ "no such file or directory", 0, 127 },
	{ "permission denied", 0, 126 },
	{ "exec format error", 0, 126 },
	{ "is a directory", 0, 126 },
};

static const char *channel_status_string(const cJSON *object, const char *key)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

	return s ? s : "";
}

/* -1: there is none. */
static int channel_status_exit_code(const cJSON *status)
{
	const cJSON *details = cJSON_GetObjectItemCaseSensitive(status, "details");
	const cJSON *cause;

	cJSON_ArrayForEach(cause, cJSON_GetObjectItemCaseSensitive(details, "causes")) {
		const char *text = channel_status_string(cause, "message");
		char *end;
		if (strcmp(channel_status_string(cause, "reason"), "ExitCode") != 0)
			continue;
		long code = strtol(text, &end, 10);
		if (*text && *end == '\0' && code >= 0 && code <= 255)
			return (int)code;
	}
	return -1;
}

static void channel_status_failure(const char *message, struct channel_end *ret)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT;

	buf_add_escaped(&text, message, strlen(message));
	ret->r = -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(channel_status_words); i++) {
		if (!strstr(message, channel_status_words[i].text))
			continue;
		ret->r = channel_status_words[i].r;
		ret->exit_code = channel_status_words[i].exit_code;
		break;
	}
	error_set(&ret->error, ret->r < 0 ? -ret->r : ENOENT, "%s", buf_str(&text));
}

void channel_status_read(const char *json, size_t len, struct channel_end *ret)
{
	_cleanup_(cleanup_json) cJSON *status = cJSON_ParseWithLength(json, len);
	const char *word = channel_status_string(status, "status");
	const char *message = channel_status_string(status, "message");

	*ret = (struct channel_end){ 0 };
	if (strcmp(word, "Success") == 0)
		return;
	if (strcmp(channel_status_string(status, "reason"), "NonZeroExitCode") == 0) {
		int code = channel_status_exit_code(status);
		if (code >= 0) {
			ret->exit_code = code;
			return;
		}
	}
	/* {"metadata":{}}: what the kubelet says to an attach without tty to a container with one. */
	channel_status_failure(message[0] ? message : "the server gave no reason", ret);
}
