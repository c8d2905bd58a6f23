/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings: one table (config.c) of name, environment variable, type, bounds, default and help,
 * from which come parsing, --help, .weaverfs/config and the docs. Precedence: mount option >
 * environment > /etc/loom/weaverfs.yaml > default. Names and defaults: loom-compat.md §1.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "k8s/base/buf.h"
#include "k8s/base/error.h"

struct cJSON;

/* A line of users_file: "1000: alice", or "1000:100: alice" for this uid with this gid alone. */
struct config_user {
	uid_t uid;
	gid_t gid; /* (gid_t)-1: any */
	char *id;
};

#define CONFIG_SETTINGS_MAX 64

/* Everything is filled by config_load() and read-only afterwards. Strings: NULL where not set. */
struct config {
	/* Loom's */
	bool enabled;
	char *namespace_;
	char *kubeconfig;
	char *image; /* what a bare mkdir runs */
	int64_t cleanup_interval_secs;
	int64_t default_ttl_hours, max_ttl_hours;
	int64_t max_concurrent;
	int64_t ready_timeout_secs;
	char **image_pull_secrets; /* NULL-terminated, or NULL */
	char *webhooks;            /* JSON array, checked */
	bool audit_enabled;
	char *audit_image;
	int64_t audit_batch_interval_ms, audit_buffer_max_bytes;
	int64_t audit_metrics_port, audit_health_port;
	char *secrets_server_url;
	bool secrets_allow_insecure;
	char *server_url;
	/* ours */
	char *audit_probes; /* "shared" or "private" */
	char *audit_follow; /* "always" or "open" */
	bool audit_required;
	char *audit_token_secret, *audit_ca_secret;
	bool audit_allow_insecure_http;
	char *audit_filter_paths_ignore, *audit_filter_paths_always;
	int64_t audit_filter_read_sample_rate, audit_filter_rate_limit;
	int64_t audit_stdout_bytes; /* a second */
	char *org_id;
	char *users_file; /* uid → Loom user id */
	mode_t create_mode;
	char *create_gid; /* NULL, a number or a group's name; resolved into create_gid_id */
	gid_t create_gid_id;
	int64_t max_per_user; /* 0: none */
	int64_t archive_hours, archive_max_bytes;
	char *state_dir;
	int64_t start_timeout;     /* s */
	int64_t create_timeout_ms; /* mkdir, rmdir, stores */
	char *pod_patch;           /* path of a YAML file */
	char *image_pull_policy;   /* of both containers; NULL: Kubernetes' own default */
	int64_t threads;
	char *log_level;
	bool log_json;
	/* what the files named above hold, and where each setting came from (config.c) */
	struct cJSON *pod_patch_object; /* NULL: none */
	struct config_user *users;
	size_t n_users;
	unsigned char sources[CONFIG_SETTINGS_MAX];
};

struct config_input {
	const char *options; /* after -o: commas between, "\," inside a value; NULL: none */
	const char *file;    /* NULL: /etc/loom/weaverfs.yaml, which may be missing */
};

/*
 * Fills *c. What is no setting of ours (allow_other, x-systemd.*, ro, nodev, _netdev …) is appended
 * to ret_fuse_options, comma-separated; an unknown word is -EINVAL. A bad value is -EINVAL and a
 * sentence that names the setting, where it came from, the value and what is allowed.
 */
int config_load(struct config *c, const struct config_input *in, struct buf *ret_fuse_options,
		struct error *e);
void config_done(struct config *c);
/* The Loom user id of users_file, else the uid in decimal, for which there is room in number. */
#define CONFIG_UID_LEN 10
const char *config_user_id(const struct config *c, uid_t uid, gid_t gid,
			   char number[CONFIG_UID_LEN + 1]);
/* "key=value  # default|file|env|option" a line, secrets masked. */
void config_show(const struct config *c, struct buf *out);
/* The settings part of --help. */
void config_help(struct buf *out);
