/*
 * Reads the part of TOML that configuration files use: tables, arrays of
 * tables, inline tables, arrays, strings, numbers and words. Pure.
 */
#ifndef AGENT_CTL_IMPORT_TOML_H
#define AGENT_CTL_IMPORT_TOML_H

#include <stdbool.h>
#include <stddef.h>

#define TOML_PATH_MAX 256
#define TOML_VALUE_MAX 1024

struct toml_handler {
	void *self;
	/* A table of an array of tables begins: "source". */
	void (*element)(void *self, unsigned line, const char *path);
	/* A value: "source.address". Each value of an array comes alone. */
	void (*value)(
	    void *self, unsigned line, const char *path, const char *value);
	/* This line, or what begins there, is not understood; it is skipped. */
	void (*error)(void *self, unsigned line, const char *why);
};

void toml_read(const char *text, size_t len, const struct toml_handler *h);

#endif
