/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/weaver/podspec_pairs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/weaver/podspec_check.h"
#include "k8s/base/cleanup.h"

static void free_wiped(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void podspec_pairs_done(struct podspec_pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].key);
		free_wiped(p->items[i].value);
	}
	free(p->items);
	*p = (struct podspec_pairs){ 0 };
}

static struct podspec_pair *find(const struct podspec_pairs *p, const char *key)
{
	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->items[i].key, key) == 0)
			return &p->items[i];
	}
	return NULL;
}

const char *podspec_pairs_find(const struct podspec_pair *items, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(items[i].key, key) == 0)
			return items[i].value;
	}
	return NULL;
}

static int add(struct podspec_pairs *p, const char *key, char *value)
{
	if (p->n >= PODSPEC_PAIRS_MAX)
		return -E2BIG;
	struct podspec_pair *items = reallocarray(p->items, p->n + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	p->items = items;
	char *copy = strdup(key);
	if (!copy)
		return -ENOMEM;
	items[p->n++] = (struct podspec_pair){ copy, value };
	return 0;
}

int podspec_pairs_set(struct podspec_pairs *p, const char *key, const char *value)
{
	struct podspec_pair *pair = find(p, key);
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	if (pair) {
		free_wiped(pair->value);
		pair->value = copy;
		return 0;
	}
	int r = add(p, key, copy);
	if (r < 0)
		free_wiped(copy);
	return r;
}

int podspec_pairs_copy(struct podspec_pairs *to, const struct podspec_pair *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = podspec_pairs_set(to, items[i].key, items[i].value);
		if (r < 0)
			return r;
	}
	return 0;
}

/* line is NUL-terminated and may be written to. */
static int take_line(struct podspec_pairs *p, char *line, const struct podspec_pairs_rules *rules,
		     struct error *e)
{
	char *equals = strchr(line, '=');
	const char *value = equals ? equals + 1 : NULL;

	if (equals)
		*equals = '\0';
	int r = rules->check_key(rules->what, line, e);
	if (r < 0)
		return r;
	if (!value && rules->known)
		value = podspec_pairs_find(rules->known->items, rules->known->n, line);
	if (!value)
		return error_set(e, EINVAL, "%s: %.100s: no =VALUE", rules->what, line);
	r = podspec_check_text(rules->what, value, true, e);
	if (r == 0)
		r = podspec_pairs_set(p, line, value);
	if (r == -E2BIG)
		return error_set(e, EINVAL, "%s: more than %d lines", rules->what,
				 PODSPEC_PAIRS_MAX);
	return r == -ENOMEM ? error_oom(e) : r;
}

int podspec_pairs_parse(struct podspec_pairs *p, const char *text, size_t len,
			const struct podspec_pairs_rules *rules, struct error *e)
{
	_cleanup_(podspec_pairs_done) struct podspec_pairs all = { 0 };
	char *copy = strndup(text, len);
	int r = copy ? podspec_pairs_copy(&all, p->items, p->n) : -ENOMEM;

	if (r < 0)
		error_oom(e);
	for (char *line = copy; r == 0 && line;) {
		char *end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		if (*line)
			r = take_line(&all, line, rules, e);
		line = end;
	}
	if (copy)
		explicit_bzero(copy, len);
	free(copy);
	if (r < 0)
		return r;
	podspec_pairs_done(p);
	*p = all;
	all = (struct podspec_pairs){ 0 };
	return 0;
}
