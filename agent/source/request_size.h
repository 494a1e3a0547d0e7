/*
 * How large the requests to one server may be. Some paths lose large UDP
 * packets. Only placeholders for new cookies make a request large, and it can
 * be sent without them. Pure.
 */
#ifndef AGENT_SOURCE_REQUEST_SIZE_H
#define AGENT_SOURCE_REQUEST_SIZE_H

#include <stdbool.h>

/* The path is blamed after so many large requests were lost in a row, each
 * followed by a small one that was answered. Where one request in ten is lost,
 * chance does that once in some ten thousand requests; that error costs a line
 * in the log and a few cookies. */
#define REQUEST_SIZE_EVIDENCE 4
/* Small requests that are answered before a blamed path gets another large one;
 * doubles each time up to the maximum. When the jar stays full for as many
 * requests after that, the path is not blamed any more. */
#define REQUEST_SIZE_PATIENCE 16
#define REQUEST_SIZE_PATIENCE_MAX 1024

struct request_size {
	bool small;	   /* the next request has no placeholders */
	bool sent_large;   /* the last one had some */
	bool lost_large;   /* the last large one was lost, no answer since */
	bool blamed;	   /* large packets are lost on this path */
	unsigned evidence; /* of REQUEST_SIZE_EVIDENCE */
	unsigned patience; /* REQUEST_SIZE_PATIENCE, doubled */
	unsigned waited;   /* small requests answered, of `patience` */
};

/* The limit for nts_request_seal(): bytes, or 0 for its own limit. */
unsigned long request_size_limit(const struct request_size *r);

/* A request was sent; `large`: with placeholders. */
void request_size_sent(struct request_size *r, bool large);

/* The last request was lost. */
void request_size_lost(struct request_size *r);

/* The last request was answered. True: `blamed` has changed. */
bool request_size_answered(struct request_size *r);

#endif
