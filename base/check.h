/* Compile-time checks: attributes, and the length of an array. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

/* The compiler warns if a caller ignores the result. */
#define MUST_USE __attribute__((warn_unused_result))

/* The compiler checks the arguments against the format, as for printf(). */
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Of a list of constants, a file may name only some. */
#define UNUSED __attribute__((unused))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
