/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version 7 of RFC 9562. The 12 bits after the milliseconds are a counter (section 6.2, method 1):
 * it starts anywhere in its lower half, rises within a millisecond and then borrows from the next
 * one, so that the ids of a process rise even when the clock steps back. The other 62 bits are
 * random: uuid_id8() shows the last 32 of them.
 */
#include "k8s/base/uuid.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "k8s/base/clock.h"
#include "k8s/base/lock.h"

#define COUNTER_BITS 12

static struct lock uuid_lock = LOCK_STATIC_INIT(LOCK_LEAF);
static uint64_t last_stamp; /* milliseconds << COUNTER_BITS | counter; under uuid_lock */

static uint64_t next_stamp(uint64_t seed)
{
	uint64_t ms = (uint64_t)(clock_realtime_ns() / CLOCK_NS_PER_MS);
	uint64_t stamp = ms << COUNTER_BITS | (seed & ((1u << (COUNTER_BITS - 1)) - 1));

	lock_guard(&uuid_lock);
	if (stamp >> COUNTER_BITS <= last_stamp >> COUNTER_BITS)
		stamp = last_stamp + 1;
	last_stamp = stamp;
	return stamp;
}

static void format_hex(uint64_t high, uint64_t low, char out[UUID_LEN + 1])
{
	char *p = out;

	for (int i = 0; i < 32; i++) {
		uint64_t word = i < 16 ? high : low;

		if (i == 8 || i == 12 || i == 16 || i == 20)
			*p++ = '-';
		*p++ = "0123456789abcdef"[word >> (60 - 4 * (i % 16)) & 15];
	}
	*p = '\0';
}

int uuid_v7(char out[UUID_LEN + 1], struct error *e)
{
	uint64_t random[2];

	/* 16 bytes come whole or not at all (getrandom(2), up to 256 bytes) */
	while (getrandom(random, sizeof(random), 0) < 0) {
		if (errno != EINTR)
			return error_set(e, errno, "uuid: getrandom: %s", strerrordesc_np(errno));
	}

	uint64_t stamp = next_stamp(random[0]);
	uint64_t counter = stamp & ((1u << COUNTER_BITS) - 1);

	format_hex(stamp >> COUNTER_BITS << 16 | 0x7000u | counter,
		   UINT64_C(1) << 63 | random[1] >> 2, out);
	return 0;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool uuid_valid(const char *s)
{
	for (int i = 0; i < UUID_LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !is_hex(s[i]))
			return false;
	}
	return s[UUID_LEN] == '\0';
}

const char *uuid_id8(const char *uuid)
{
	size_t len = strlen(uuid);

	/* the id of a pod that others made is its uid, whatever the server calls one */
	return len > UUID_ID8_LEN ? uuid + len - UUID_ID8_LEN : uuid;
}
