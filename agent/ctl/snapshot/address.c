#include "agent/ctl/snapshot/address.h"

#include <arpa/inet.h>
#include <math.h>
#include <string.h>

#define ROUND_STEPS 16
#define STEPS 64

int address_parse(const char *text, unsigned char out[static ADDRESS_LEN])
{
	memset(out, 0, ADDRESS_LEN);
	if (inet_pton(AF_INET, text, out) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, out) == 1 ? AF_INET6 : AF_UNSPEC;
}

static uint32_t rotated(uint32_t x, unsigned bits)
{
	return x << bits | x >> (32 - bits);
}

static uint32_t little_endian(const unsigned char *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

/* RFC 1321 section 3.4: one step, on the state a, b, c, d. */
static void md5_step(
    uint32_t state[static 4], const uint32_t block[static 16], unsigned i)
{
	static const unsigned char shifts[][4] = {
	    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
	const unsigned round = i / ROUND_STEPS;
	const uint32_t b = state[1], c = state[2], d = state[3];
	const uint32_t mixed[] = {
	    (b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)};
	const unsigned words[] = {i, 5 * i + 1, 3 * i + 5, 7 * i};
	const uint32_t sine = (uint32_t)(fabs(sin(i + 1)) * 4294967296.0);
	uint32_t sum =
	    state[0] + mixed[round] + block[words[round] % 16] + sine;

	state[0] = d;
	state[3] = c;
	state[2] = b;
	state[1] = b + rotated(sum, shifts[round][i % 4]);
}

/* The MD5 hash of an address is an identifier, not a protection: it is made
 * here, so that it is the same where OpenSSL has no MD5, as in FIPS mode. */
static uint32_t start_of_md5(const unsigned char address[static ADDRESS_LEN])
{
	uint32_t state[] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
	uint32_t block[16] = {[4] = 0x80, [14] = ADDRESS_LEN * 8};
	const uint32_t start = state[0];

	for (unsigned i = 0; i < 4; i++)
		block[i] = little_endian(address + 4 * i);
	for (unsigned i = 0; i < STEPS; i++)
		md5_step(state, block, i);
	return __builtin_bswap32(start + state[0]);
}

uint32_t address_reference(const char *text)
{
	unsigned char bytes[ADDRESS_LEN];

	switch (text ? address_parse(text, bytes) : AF_UNSPEC) {
	case AF_INET:
		return __builtin_bswap32(little_endian(bytes));
	case AF_INET6:
		return start_of_md5(bytes);
	default:
		return 0;
	}
}
