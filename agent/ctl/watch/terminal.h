/*
 * The terminal of a full-screen view: the other screen, keys without a line
 * feed, signals as events. Everything is put back by terminal_close().
 */
#ifndef AGENT_CTL_WATCH_TERMINAL_H
#define AGENT_CTL_WATCH_TERMINAL_H

#include "base/check.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <termios.h>

struct terminal {
	FILE *out;
	int in;	     /* keys; -1: standard input is no terminal */
	int signals; /* signalfd(2) */
	bool full;   /* `out` is a terminal, and shows the other screen */
	bool raw;    /* the modes of `in` are changed */
	struct termios before;
	sigset_t mask_before;
};

enum terminal_event {
	TERMINAL_TIMEOUT,
	TERMINAL_REDRAW, /* a key, another size, or it goes on after a stop */
	TERMINAL_QUIT,	 /* "q", a signal, or the terminal is gone */
};

/* `full`: show a full screen. False: errno says why; nothing has changed. */
bool terminal_open(struct terminal *t, FILE *out, bool full) MUST_USE;
void terminal_close(struct terminal *t);

/* Waits for an event, at most so long. A stop by ^Z happens in here: the shell
 * finds its own screen. */
enum terminal_event terminal_wait(struct terminal *t, int timeout_ms);

/* Characters; 80 x 24 if they are not known. */
void terminal_size(const struct terminal *t, unsigned *width, unsigned *height);

#endif
