/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the DNS (RFC 1035, 3596): the question, and the addresses of an answer. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_NAME_MAX 1024 /* 255 bytes, each as \DDD at worst */
#define DNS_ADDRESSES 32  /* more of one answer are counted, not kept */

struct dns_address {
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t bytes[16];
	uint32_t ttl;
};

struct dns_message {
	bool response;
	bool partial;  /* it goes on behind what was captured, or is damaged there */
	uint8_t code;  /* of a response: 0 no error, 3 no such name */
	uint16_t type; /* 1 A, 28 AAAA, … */
	uint16_t questions;
	char name[DNS_NAME_MAX]; /* of the first question: "." is the root */
	struct dns_address addresses[DNS_ADDRESSES];
	unsigned count; /* of addresses */
	unsigned more;  /* addresses that were not kept */
	uint32_t ttl;   /* the smallest of the addresses; 0: none */
};

/* -EBADMSG: not even a head and a question. What is cut behind them is `partial`. */
int dns_parse(const uint8_t *bytes, size_t len, struct dns_message *ret);
/* "A", "AAAA", …; NULL: another. */
const char *dns_type_name(uint16_t type);
