/* Sizes that several rooms must agree on. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* The number of sources: one bit of a uint64_t for each. */
#define SOURCES_MAX 64
/* The number of sources of a pool without the key `sources`. */
#define POOL_SOURCES 4
/* The name of a source, a host name, the path of a file; each with its NUL. */
#define SOURCE_NAME_MAX 64
#define HOST_MAX 256
#define FILE_PATH_MAX 256

#endif
