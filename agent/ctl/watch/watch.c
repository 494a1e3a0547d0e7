#include "agent/ctl/watch/watch.h"

#include "agent/ctl/history/glyphs.h"
#include "agent/ctl/history/read.h"
#include "agent/ctl/watch/screen.h"
#include "agent/ctl/watch/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INTERVAL_DEFAULT_S 1.0
#define INTERVAL_MIN_S 0.2
#define INTERVAL_MAX_S 86400.0

static bool take_interval(const char *text, double *out)
{
	char *end;

	*out = INTERVAL_DEFAULT_S;
	if (!text)
		return true;
	errno = 0;
	*out = strtod(text, &end);
	return end != text && *end == '\0' && errno == 0 &&
	       *out >= INTERVAL_MIN_S && *out <= INTERVAL_MAX_S;
}

/* What lasts from picture to picture. */
struct watching {
	const char *socket;
	watch_fetch_fn *fetch;
	const struct view *view;
	struct terminal terminal;
	double interval_s;
};

/* In one write, so that the terminal never shows half a picture. */
static bool show(const struct screen *s, FILE *out)
{
	char *text = NULL;
	size_t size = 0;
	FILE *frame = open_memstream(&text, &size);
	bool done = false;

	if (frame) {
		screen_put(s, frame);
		done = fclose(frame) == 0 &&
		       fwrite(text, 1, size, out) == size && fflush(out) == 0;
	}
	free(text);
	return done;
}

/* False: the output cannot be written. */
static bool look(const struct watching *w)
{
	char why[WATCH_ERROR_MAX] = "", no_history[HISTORY_ERROR_MAX];
	struct snapshot status;
	bool known = w->fetch(w->socket, &status, why), done;
	struct history_file *history = history_read(w->socket, no_history);
	struct screen s = {
	    .status = known ? &status : NULL,
	    .why = why,
	    .history = history,
	    .now_s = time(NULL),
	    .interval_s = w->interval_s,
	    .full = w->terminal.full,
	    .unicode = glyphs_unicode(),
	    .colour = w->view->colour,
	};

	terminal_size(&w->terminal, &s.width, &s.height);
	done = show(&s, w->view->out);
	free(history);
	if (known)
		snapshot_free(&status);
	return done;
}

static enum exit_status watch(struct watching *w)
{
	enum terminal_event event;

	do {
		if (!look(w))
			return EXIT_NO_STATUS;
		event =
		    terminal_wait(&w->terminal, (int)(w->interval_s * 1000));
	} while (event != TERMINAL_QUIT);
	return EXIT_OK;
}

enum exit_status watch_run(const char *socket, const char *interval,
    watch_fetch_fn *fetch, const struct view *v, FILE *errors)
{
	struct watching w = {.socket = socket, .fetch = fetch, .view = v};
	enum exit_status status;

	if (v->output != OUTPUT_TEXT) {
		fputs("ntsctl: watch is for people: --json and --csv are not "
		      "for it\n",
		    errors);
		return EXIT_USAGE;
	}
	if (!take_interval(interval, &w.interval_s)) {
		fprintf(errors,
		    "ntsctl: watch: the interval is a number of seconds from "
		    "%g to %g, not '%.40s'\n",
		    INTERVAL_MIN_S, INTERVAL_MAX_S, interval);
		return EXIT_USAGE;
	}
	if (!terminal_open(&w.terminal, v->out, v->screen)) {
		fprintf(errors, "ntsctl: cannot watch: %s\n", strerror(errno));
		return EXIT_NO_STATUS;
	}
	status = watch(&w);
	terminal_close(&w.terminal);
	return status;
}
