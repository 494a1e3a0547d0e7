/*
 * Numbers as chronyc shows them, so that eyes and scripts trained on it go on
 * working. Each writes a NUL-terminated text without padding into `out`, which
 * holds FORMAT_MAX bytes. NAN means "not known".
 */
#ifndef AGENT_CTL_PRINT_FORMAT_H
#define AGENT_CTL_PRINT_FORMAT_H

#define FORMAT_MAX 32

typedef void format_fn(char out[static FORMAT_MAX], double value);

/* 6, 1199, 20m, 9h, 95h, 4d, 3y; "-" when not known. In seconds, cut, not
 * rounded. */
void format_age(char out[static FORMAT_MAX], double age_s);

/* Up to four digits and ns, us or ms; then s, m, h, d, y. No sign. */
void format_ns(char out[static FORMAT_MAX], double ns);

/* The same, always with a sign. */
void format_signed_ns(char out[static FORMAT_MAX], double ns);

/* Three decimals; none from 100000 on. */
void format_ppm(char out[static FORMAT_MAX], double ppm);
void format_signed_ppm(char out[static FORMAT_MAX], double ppm);

void format_count(char out[static FORMAT_MAX], double count);
void format_octal(char out[static FORMAT_MAX], double bits);

/* For sentences: "1.25 us", "99.7 s", without a sign. */
void format_plain_ns(char out[static FORMAT_MAX], double ns);

/* For sentences: "58 s", "12 min", "5 h"; at least 0 s. */
void format_wait(char out[static FORMAT_MAX], double wait_s);

#endif
