/* Sizes that several rooms must agree on, one constant each. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* Configured sources; one bit of a uint64_t for each. */
#define SOURCES_MAX 64
/* With the closing NUL: the name of a source, a host name, a file's path. */
#define SOURCE_NAME_MAX 64
#define HOST_MAX 256
#define FILE_PATH_MAX 256

#endif
