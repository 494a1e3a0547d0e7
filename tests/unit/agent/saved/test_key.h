/* The key of the seals in tests. */
#ifndef TESTS_UNIT_AGENT_SAVED_TEST_KEY_H
#define TESTS_UNIT_AGENT_SAVED_TEST_KEY_H

#include "nts/seal.h"

static const struct seal_key test_key = {.there = 1, .bytes = {1, 2, 3}};

#endif
