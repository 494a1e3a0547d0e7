/*
 * What the engine tells the logger: one fixed-size struct for each line of a
 * file, over a SOCK_SEQPACKET socket. The logger checks length, kind and
 * ranges; a bad message counts as the death of the engine. What comes back is
 * one number: whether the files can be written. Signs are those of chronyd's
 * files.
 */
#ifndef AGENT_LINK_LOG_LINK_H
#define AGENT_LINK_LOG_LINK_H

#include "agent/config/config.h"
#include "resolver/endpoint.h"

enum log_kind {
	LOG_MEASUREMENT,
	LOG_STATISTICS,
	LOG_TRACKING,
	LOG_FILES,
	/* Close the files; the next lines open them again. */
	LOG_CYCLE = LOG_FILES,
	LOG_KINDS,
};

/* The logger's request to start. */
struct log_order {
	char folder[FILE_PATH_MAX];
	uint32_t banner; /* lines between two banners; 0: none */
};

/* An answer of a server whose time can be used. Seconds. */
struct log_measurement {
	double offset; /* positive: the clock is slow */
	double delay, dispersion, root_delay, root_dispersion;
	uint32_t reference_id;
	int32_t local_poll, remote_poll;
	uint8_t max_delay, max_delay_ratio; /* 1: the test is passed */
	uint8_t tx_stamp, rx_stamp;	    /* enum stamp_kind */
	uint64_t reserved;
};

/* What the samples of a source say. */
struct log_statistics {
	double std_dev, offset, offset_sd; /* seconds; positive: fast */
	double freq, skew;		   /* positive: the clock gains */
	double stress;			   /* change of freq by the old skew */
	uint32_t samples, runs;
	uint64_t reserved;
};

/* An update of the clock. Seconds but for the frequencies. */
struct log_tracking {
	double freq_ppm, skew_ppm; /* positive: the clock runs fast */
	double offset;		   /* positive: the clock is fast */
	double offset_sd, root_delay, root_dispersion, max_error;
	uint32_t combined;
	uint32_t reserved;
};

struct log_record {
	int64_t at_ns; /* since 1970 */
	uint32_t kind; /* enum log_kind */
	uint8_t leap;  /* enum leap */
	uint8_t stratum;
	uint8_t reserved[2];
	struct endpoint address;
	union {
		struct log_measurement measurement;
		struct log_statistics statistics;
		struct log_tracking tracking;
	};
};

/* Is a file wanted, and is there a folder for it? */
bool log_wanted(const struct config *config, enum log_kind kind);
bool log_wanted_any(const struct config *config);

bool log_order_valid(const struct log_order *o) MUST_USE;

/* Never blocks. 1: sent, 0: the logger is behind, -1: it is gone. */
int log_send(int fd, const struct log_record *r) MUST_USE;
/* Waits. 1: a good record, -1: a bad one, or the engine is gone. */
int log_receive(int fd, struct log_record *out) MUST_USE;

/* The logger's errno for its files, or 0. Neither of the two blocks. */
void log_tell(int fd, int32_t error);
/* 1: a number, 0: none has come, -1: a bad message, or the logger is gone. */
int log_hear(int fd, int32_t *error) MUST_USE;

#endif
