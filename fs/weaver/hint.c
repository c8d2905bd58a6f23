/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to do about a cause: the symptoms of loom-compat.md §7, one row each. All rows that match
 * give their lines, in order; those marked `last_resort` only where nothing better was said.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "fs/config/config.h"
#include "fs/logs/last_line.h"
#include "fs/weaver/events.h"
#include "fs/weaver/podspec.h"
#include "fs/weaver/reason.h"
#include "fs/weaver/weaver.h"
#include "k8s/base/cleanup.h"
#include "k8s/pod.h"

/* What a row's function gets. */
struct hint_input {
	const struct reason_input *in;
	const struct reason *reason;
	const struct pod *pod;
};

struct hint {
	const char *words;  /* of the first line, blanks around each; NULL: any */
	const char *needle; /* in the message; NULL: any */
	int exit_code;      /* of the container; 0: any */
	enum { WHERE_ANY, WHERE_MAIN, WHERE_INIT } where;
	bool last_resort;
	const char *text; /* one line, or: */
	void (*write)(const struct hint_input *h, struct buf *out);
};

static void add_hint(struct buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add_hint(struct buf *out, const char *fmt, ...)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&line, fmt, ap);
	va_end(ap);
	buf_add_str(out, "hint: ");
	buf_add_escaped(out, buf_str(&line), line.len);
	buf_add_char(out, '\n');
	if (buf_error(&line) < 0)
		out->failed = true;
}

/* ---- images ---- */

/* The first part of a reference is a registry if it looks like a host (docker's own rule). */
static void add_registry(struct buf *out, const char *image)
{
	size_t len = strcspn(image, "/");
	bool host = image[len] == '/' && (memchr(image, '.', len) || memchr(image, ':', len) ||
					  (len == 9 && memcmp(image, "localhost", 9) == 0));

	if (host)
		buf_add(out, image, len);
	else
		buf_add_str(out, "https://index.docker.io/v1/");
}

static void add_secret_command(const struct hint_input *h, const char *secret, const char *image,
			       struct buf *out)
{
	_cleanup_(buf_done) struct buf registry = BUF_INIT;

	add_registry(&registry, image);
	add_hint(out,
		 "kubectl create secret docker-registry %s --namespace=%s --docker-server=%s "
		 "--docker-username=USER --docker-password=TOKEN",
		 secret, h->pod->namespace_, buf_str(&registry));
}

/* The name in "… some image pull secrets (ghcr-secret); attempting …"; false: none. */
static bool missing_pull_secret(const struct hint_input *h, struct buf *name)
{
	static const char *const reasons[] = { "FailedToRetrieveImagePullSecret", NULL };
	const struct event *event = event_list_find(h->in->events, reasons);
	const char *open = event ? strchr(event->message, '(') : NULL;

	if (!open)
		return false;
	buf_add(name, open + 1, strcspn(open + 1, ",) "));
	return name->len > 0;
}

static void write_image(const struct hint_input *h, struct buf *out)
{
	_cleanup_(buf_done) struct buf secret = BUF_INIT;
	const struct config *config = h->in->config;
	const char *image = h->reason->init ? config->audit_image : h->pod->image;
	char **configured = config->image_pull_secrets;

	if (!image)
		image = "";
	add_hint(out, "check that the image exists and its reference is right: %s%s", image,
		 h->reason->init ? " (setting audit_image)" : " (file `image`)");
	if (missing_pull_secret(h, &secret)) {
		add_hint(out, "the pull secret %s does not exist in namespace %s; make it:",
			 buf_str(&secret), h->pod->namespace_);
		add_secret_command(h, buf_str(&secret), image, out);
	} else if (configured && configured[0]) {
		add_hint(out,
			 "a private image: its pull secret %s (setting image_pull_secrets) must be "
			 "for this registry, and its token may have expired; to make it again:",
			 configured[0]);
		add_secret_command(h, configured[0], image, out);
	} else {
		add_hint(out, "a private image needs a pull secret, and image_pull_secrets is not "
			      "set: set it to ghcr-secret and make that secret:");
		add_secret_command(h, "ghcr-secret", image, out);
	}
}

static bool has_upper(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (isupper((unsigned char)s[i]))
			return true;
	}
	return false;
}

/* The reference grammar of github.com/distribution/reference, as far as people trip over it. */
static const char *image_fault(const char *image)
{
	const char *slash = strrchr(image, '/');
	const char *last = slash ? slash + 1 : image;
	size_t repository = (size_t)(last - image) + strcspn(last, ":@");
	const char *tag = strchr(last, ':');

	if (!*image)
		return "it is empty";
	if (strpbrk(image, " \t\r\n"))
		return "it holds a blank";
	if (strstr(image, "//") || *image == '/')
		return "it has an empty part before a slash";
	if (!*last || *last == ':' || *last == '@')
		return "it has no name behind its last slash";
	if (has_upper(image, repository))
		return "the repository must be lower case";
	if (tag && strchr(tag + 1, ':') && !strchr(last, '@'))
		return "it has more than one tag";
	return NULL;
}

static void write_invalid_image(const struct hint_input *h, struct buf *out)
{
	const char *fault = image_fault(h->pod->image);

	add_hint(out,
		 "%s is no image reference%s%s; write [REGISTRY/]NAME[:TAG] or "
		 "[REGISTRY/]NAME@sha256:DIGEST",
		 *h->pod->image ? h->pod->image : "this", fault ? ": " : "", fault ? fault : "");
}

/* ---- limits ---- */

static void write_oom(const struct hint_input *h, struct buf *out)
{
	const struct pod_container *c = h->reason->container;

	if (h->reason->init) {
		add_hint(out, "container %s reached its own memory limit", c->name);
		return;
	}
	add_hint(out,
		 "the memory limit in force was %s: make the weaver again with more in `memory`",
		 *h->pod->memory_limit ? h->pod->memory_limit : "the node's");
	if (c->exit_code == 0)
		add_hint(out, "a child process was killed; the weaver's own went on and ended with "
			      "exit code 0");
}

static void write_deadline(const struct hint_input *h, struct buf *out)
{
	add_hint(out,
		 "the limit in force was %" PRId64 " s from the start (activeDeadlineSeconds, made "
		 "from the setting max_ttl_hours); make a new weaver",
		 h->pod->active_deadline_s);
}

static void write_evicted(const struct hint_input *h, struct buf *out)
{
	const char *limit = *h->pod->memory_limit ? h->pod->memory_limit : "none";

	add_hint(
		out,
		"the node ended the whole pod; the limit that was crossed is in the message "
		"(memory limit in force: %s); make the weaver again, with less on disk or in memory",
		limit);
}

/* ---- what the pod refers to ---- */

static void write_missing_secret(const struct hint_input *h, struct buf *out)
{
	add_hint(out,
		 "a secret that the pod names does not exist: compare with kubectl get secrets "
		 "--namespace=%s; the weaver goes on as soon as it is there",
		 h->pod->namespace_);
}

static void write_clone(const struct hint_input *h, struct buf *out)
{
	const char *repo = weaver_env(h->pod, LOOM_ENV_REPO);

	add_hint(out,
		 "exit code 65 is the entrypoint's: git clone of %s failed; see the end of `logs`, "
		 "and check `repo`, `branch` and the credentials",
		 repo && *repo ? repo : "the repository");
}

/* ---- what it said last ---- */

/* False: nobody has looked yet, or there was nothing to see. */
static bool add_last_line(const struct hint_input *h, struct buf *out)
{
	const struct last_line *line = h->in->last_line;

	if (!last_line_is_of(line, h->reason->container))
		return false;
	if (*line->text)
		add_hint(out, "it said last: %s", line->text);
	else
		add_hint(out, "it said nothing");
	return true;
}

static void write_last_line(const struct hint_input *h, struct buf *out)
{
	const struct pod_container *c = h->reason->container;

	/* what was never started has nothing to say */
	if (c->state == POD_STATE_TERMINATED && c->started_s && !add_last_line(h, out))
		add_hint(out, "what it said last: tail -n 1 logs");
}

static void write_sidecar(const struct hint_input *h, struct buf *out)
{
	const char *container = h->reason->container->name;

	if (!add_last_line(h, out))
		add_hint(out, "what it said last: kubectl logs %s -c %s --namespace=%s --tail=1",
			 h->pod->name, container, h->pod->namespace_);
	if (strcmp(container, LOOM_SIDECAR) == 0)
		add_hint(
			out,
			"the weaver waits for auditing (audit_required), which needs a kernel with "
			"BTF (/sys/kernel/btf/vmlinux) and the capabilities BPF and PERFMON (Pod Security: the namespace manifest); "
			"audit_enabled=false makes weavers without it");
}

static void write_events(const struct hint_input *h, struct buf *out)
{
	add_hint(out, "see `events`, or kubectl describe pod %s --namespace=%s", h->pod->name,
		 h->pod->namespace_);
}

/* clang-format off */
static const char at_once[] = "the container had nothing to do: its command ended at once, or it "
	"is a shell without stdin and tty";

static const struct hint hints[] = {
	{ .words = " ErrImagePull ImagePullBackOff ErrImageNeverPull RegistryUnavailable ",
	  .write = write_image },
	{ .words = " InvalidImageName ", .write = write_invalid_image },
	{ .words = " Completed ", .text = at_once },

	{ .words = " Unschedulable ", .needle = "Insufficient",
	  .text = "no node has that much free: ask for less in `cpu` and `memory`, remove weavers, "
		  "or add a node" },
	{ .words = " Unschedulable ", .needle = "affinity/selector",
	  .text = "no node has the labels that the setting pod_patch asks for" },
	{ .words = " Unschedulable ", .needle = "taint",
	  .text = "nodes are tainted; an operator can add a toleration with the setting pod_patch" },
	{ .words = " Unschedulable ", .last_resort = true,
	  .text = "the message is the scheduler's; it tries again whenever the cluster changes" },
	{ .words = " SchedulingGated ",
	  .text = "a scheduling gate holds the pod back until whoever set it takes it away" },

	{ .words = " OOMKilled ", .write = write_oom },
	{ .words = " DeadlineExceeded ", .write = write_deadline },
	{ .words = " Evicted ", .write = write_evicted },
	{ .words = " NodeLost NodeShutdown Terminated NodeAffinity ",
	  .text = "the node went away under the weaver; make it again" },

	{ .words = " CreateContainerConfigError ", .needle = "root",
	  .text = "weavers never run as root: build the image with a numeric USER, as uid 1000 "
		  "(USER 1000:1000)" },
	{ .words = " CreateContainerConfigError ", .needle = "non-numeric user",
	  .text = "the image's USER must be a number: USER 1000:1000" },
	{ .words = " CreateContainerConfigError FailedMount ", .needle = "secret \"",
	  .write = write_missing_secret },
	{ .words = " CreateContainerConfigError FailedMount ", .needle = "secret key",
	  .text = "a secret that the pod names lacks a key; the weaver goes on as soon as it is there" },
	{ .words = " CreateContainerConfigError FailedMount ", .needle = "configmap",
	  .text = "a ConfigMap that the setting pod_patch names does not exist" },

	{ .exit_code = 65, .where = WHERE_MAIN, .write = write_clone },

	{ .words = " StartError ", .needle = "no such file or directory", .where = WHERE_MAIN,
	  .text = "the program of `command` does not exist in the image" },
	{ .words = " StartError ", .needle = "executable file not found", .where = WHERE_MAIN,
	  .text = "the program of `command` does not exist in the image's PATH" },
	{ .words = " StartError ", .needle = "permission denied", .where = WHERE_MAIN,
	  .text = "uid 1000 may not run that program, or not enter `workdir`" },
	{ .words = " StartError ", .needle = "not a directory", .where = WHERE_MAIN,
	  .text = "`workdir` cannot be a directory in this image" },
	{ .words = " StartError ", .where = WHERE_MAIN, .last_resort = true,
	  .text = "the container could not be started: check `command`, `args` and `workdir`" },

	{ .where = WHERE_INIT, .last_resort = true, .write = write_sidecar },

	{ .exit_code = 126, .where = WHERE_MAIN, .last_resort = true,
	  .text = "exit code 126 is a shell's: the command was found but may not be run" },
	{ .exit_code = 127, .where = WHERE_MAIN, .last_resort = true,
	  .text = "exit code 127 is a shell's: the command was not found in the image" },
	{ .exit_code = 137, .where = WHERE_MAIN, .last_resort = true,
	  .text = "something killed it with SIGKILL: the kernel or its own processes" },
	{ .exit_code = 139, .where = WHERE_MAIN, .last_resort = true,
	  .text = "it crashed (SIGSEGV)" },
	{ .exit_code = 143, .where = WHERE_MAIN, .last_resort = true,
	  .text = "it was asked to end with SIGTERM" },
	{ .needle = "exit code", .where = WHERE_MAIN, .last_resort = true,
	  .text = "its command failed" },

	{ .where = WHERE_MAIN, .write = write_last_line },
	{ .last_resort = true, .write = write_events },
};
/* clang-format on */

static bool has_word(const char *words, const struct buf *word)
{
	_cleanup_(buf_done) struct buf padded = BUF_INIT;

	buf_printf(&padded, " %s ", buf_str(word));
	return strstr(words, buf_str(&padded)) != NULL;
}

static bool matches(const struct hint *hint, const struct reason *r)
{
	if (hint->words && !has_word(hint->words, &r->word))
		return false;
	if (hint->needle && !strcasestr(buf_str(&r->message), hint->needle))
		return false;
	if (hint->where != WHERE_ANY && (!r->container || r->init != (hint->where == WHERE_INIT)))
		return false;
	return hint->exit_code == 0 ||
	       (r->container && r->container->state == POD_STATE_TERMINATED &&
		r->container->exit_code == hint->exit_code);
}

void hint_add(const struct reason_input *in, const struct reason *r, struct buf *out)
{
	const struct hint_input h = { in, r, in->pod };
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
		const struct hint *hint = &hints[i];
		if ((any && hint->last_resort) || !matches(hint, r))
			continue;
		any = true;
		if (hint->write)
			hint->write(&h, out);
		else
			add_hint(out, "%s", hint->text);
	}
}
