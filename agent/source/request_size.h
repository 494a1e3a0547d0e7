/*
 * How large the requests to one server may be. Some paths lose large UDP
 * packets; only the placeholders for new cookies make a request large, and it
 * can do without them. Pure.
 */
#ifndef AGENT_SOURCE_REQUEST_SIZE_H
#define AGENT_SOURCE_REQUEST_SIZE_H

#include <stdbool.h>

/* Large requests lost in a row, each with a small one answered after it, before
 * the path is blamed. By chance that comes once in some ten thousand requests
 * where one in ten is lost; the error costs a line in the log and few cookies.
 */
#define REQUEST_SIZE_EVIDENCE 4
/* Small requests answered before a blamed path gets another large one; doubles
 * each time up to the most. When as many more pass without the need for a large
 * one, nobody is to blame any more. */
#define REQUEST_SIZE_PATIENCE 16
#define REQUEST_SIZE_PATIENCE_MAX 1024

struct request_size {
	bool small;	   /* the next request has no placeholders */
	bool sent_large;   /* the last one had some */
	bool lost_large;   /* the last large one was lost */
	bool blamed;	   /* large packets are lost on this path */
	unsigned evidence; /* as above */
	unsigned patience, waited;
};

/* For nts_request_seal: bytes, or 0 for its own limit. */
unsigned long request_size_limit(const struct request_size *r);

void request_size_sent(struct request_size *r, bool large);
void request_size_lost(struct request_size *r);
/* True: whether large packets are lost has just turned; see `blamed`. */
bool request_size_answered(struct request_size *r);

#endif
