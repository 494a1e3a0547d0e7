/* Small compile-time helpers. No code, no policy. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

/* Ignoring the result of such a function is a warning. */
#define MUST_USE __attribute__((warn_unused_result))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
