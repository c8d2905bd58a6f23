/* SPDX-License-Identifier: Apache-2.0 */
/* See selector.h. The grammar is that of k8s.io/apimachinery/pkg/labels. */
#include "tools/kubesim/selector.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum selector_op { SELECTOR_EXISTS, SELECTOR_ABSENT, SELECTOR_IN, SELECTOR_NOT_IN };

#define SELECTOR_MAX 32
#define SELECTOR_VALUES 64

struct requirement {
	enum selector_op op;
	char *key;
	char *values[SELECTOR_VALUES];
	size_t count;
};

struct selector {
	struct requirement req[SELECTOR_MAX];
	size_t count;
};

void selector_free(struct selector *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		free(s->req[i].key);
		for (size_t j = 0; j < s->req[i].count; j++)
			free(s->req[i].values[j]);
	}
	free(s);
}

static void skip_blanks(const char **p)
{
	while (isspace((unsigned char)**p))
		(*p)++;
}

static char *word(const char **p)
{
	skip_blanks(p);
	size_t n = strcspn(*p, "=!,() \t");
	char *s = strndup(*p, n);
	*p += n;
	skip_blanks(p);
	return s;
}

static int parse_set(const char **p, struct requirement *q, struct error *e)
{
	if (**p != '(')
		return error_set(e, EINVAL,
				 "unable to parse requirement: found '%s', expected: '('", *p);
	(*p)++;
	while (q->count < SELECTOR_VALUES) {
		q->values[q->count++] = word(p);
		if (**p == ')') {
			(*p)++;
			skip_blanks(p);
			return 0;
		}
		if (**p != ',')
			break;
		(*p)++;
	}
	return error_set(e, EINVAL, "unable to parse requirement: found '%s', expected: ',' or ')'",
			 *p);
}

static int parse_requirement(const char **p, struct requirement *q, struct error *e)
{
	skip_blanks(p);
	if (**p == '!') {
		(*p)++;
		q->op = SELECTOR_ABSENT;
		q->key = word(p);
		return 0;
	}
	q->key = word(p);
	if (q->key && !q->key[0])
		return error_set(e, EINVAL,
				 "unable to parse requirement: found '%s', expected: "
				 "identifier",
				 *p);
	bool not = **p == '!';
	if (**p == '=' || not ) {
		*p += not ? 1 : 0;
		*p += **p == '=' ? 1 : 0;
		*p += !not &&**p == '=' ? 1 : 0;
		q->op = not ? SELECTOR_NOT_IN : SELECTOR_IN;
		q->values[q->count++] = word(p);
		return 0;
	}
	if (strncmp(*p, "in", 2) == 0 || strncmp(*p, "notin", 5) == 0) {
		q->op = **p == 'i' ? SELECTOR_IN : SELECTOR_NOT_IN;
		*p += **p == 'i' ? 2 : 5;
		skip_blanks(p);
		return parse_set(p, q, e);
	}
	q->op = SELECTOR_EXISTS;
	return 0;
}

int selector_parse(const char *text, struct selector **ret, struct error *e)
{
	*ret = NULL;
	if (!text || !text[0])
		return 0;
	_cleanup_(selector_freep) struct selector *s = calloc(1, sizeof(*s));
	if (!s)
		return error_oom(e);
	const char *p = text;
	while (*p && s->count < SELECTOR_MAX) {
		int r = parse_requirement(&p, &s->req[s->count++], e);
		if (r < 0)
			return r;
		if (*p != ',')
			break;
		p++;
	}
	if (*p)
		return error_set(e, EINVAL,
				 "unable to parse requirement: found '%s', expected: ',' "
				 "or 'end of string'",
				 p);
	*ret = move_ptr(&s);
	return 0;
}

static bool requirement_matches(const struct requirement *q, const cJSON *values)
{
	const char *have = json_member(values, q->key);
	if (q->op == SELECTOR_EXISTS || q->op == SELECTOR_ABSENT)
		return (q->op == SELECTOR_EXISTS) == (have != NULL);
	bool in = false;
	for (size_t i = 0; have && i < q->count && !in; i++)
		in = strcmp(have, q->values[i]) == 0;
	return in == (q->op == SELECTOR_IN);
}

bool selector_matches(const struct selector *s, const cJSON *values)
{
	for (size_t i = 0; s && i < s->count; i++)
		if (!requirement_matches(&s->req[i], values))
			return false;
	return true;
}

const char *selector_unknown_key(const struct selector *s, const char *const *allowed)
{
	for (size_t i = 0; s && i < s->count; i++) {
		bool known = strcmp(s->req[i].key, "metadata.name") == 0 ||
			     strcmp(s->req[i].key, "metadata.namespace") == 0;
		for (size_t j = 0; allowed[j] && !known; j++)
			known = strcmp(s->req[i].key, allowed[j]) == 0;
		if (!known)
			return s->req[i].key;
	}
	return NULL;
}
