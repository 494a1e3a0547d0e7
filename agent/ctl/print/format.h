/*
 * Numbers as chronyc prints them, so that scripts and habits stay valid. Each
 * function writes a NUL-terminated text without padding to `out`.
 */
#ifndef AGENT_CTL_PRINT_FORMAT_H
#define AGENT_CTL_PRINT_FORMAT_H

#define FORMAT_MAX 32

typedef void format_fn(char out[static FORMAT_MAX], double value);

/* Seconds as 6, 1199, 20m, 9h, 95h, 4d, 3y, rounded down; NAN as "-". */
void format_age(char out[static FORMAT_MAX], double age_s);

/* Up to four digits and ns, us or ms; then s, m, h, d, y. Without a sign. */
void format_ns(char out[static FORMAT_MAX], double ns);

/* As format_ns, always with a sign. */
void format_signed_ns(char out[static FORMAT_MAX], double ns);

/* Three decimals below 100000, none from there on. */
void format_ppm(char out[static FORMAT_MAX], double ppm);
void format_signed_ppm(char out[static FORMAT_MAX], double ppm);

void format_count(char out[static FORMAT_MAX], double count);
/* The lowest eight bits. */
void format_octal(char out[static FORMAT_MAX], double bits);

/* For sentences: "1.25 us", "99.7 s". Without a sign. */
void format_plain_ns(char out[static FORMAT_MAX], double ns);
/* The same, rounded up: "at most 83.8 us" holds for 83.71 us. */
void format_bound_ns(char out[static FORMAT_MAX], double ns);

/* For sentences: "58 s", "12 min", "5 h"; a negative wait is "0 s". */
void format_wait(char out[static FORMAT_MAX], double wait_s);

#endif
