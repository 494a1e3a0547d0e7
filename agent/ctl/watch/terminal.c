#include "agent/ctl/watch/terminal.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* The other screen, no cursor, no wrapping at the right edge; and back. */
#define ENTER "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J"
#define LEAVE "\x1b[?7h\x1b[?25h\x1b[0m\x1b[?1049l"

#define REDRAW_KEY '\f' /* ^L */

static void enter(struct terminal *t)
{
	if (t->raw) {
		struct termios now = t->before;

		/* ^C and ^Z stay signals. */
		now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		now.c_cc[VMIN] = 1;
		now.c_cc[VTIME] = 0;
		(void)tcsetattr(t->in, TCSADRAIN, &now);
	}
	if (t->full)
		fputs(ENTER, t->out);
	(void)fflush(t->out);
}

static void leave(struct terminal *t)
{
	if (t->full)
		fputs(LEAVE, t->out);
	(void)fflush(t->out);
	if (t->raw)
		(void)tcsetattr(t->in, TCSADRAIN, &t->before);
}

static sigset_t watched(bool full)
{
	static const int always[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	static const int screen[] = {SIGWINCH, SIGTSTP, SIGCONT};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		sigaddset(&set, always[i]);
	for (size_t i = 0; full && i < ARRAY_LEN(screen); i++)
		sigaddset(&set, screen[i]);
	return set;
}

bool terminal_open(struct terminal *t, FILE *out, bool full)
{
	sigset_t set = watched(full);

	*t = (struct terminal){.out = out, .in = -1, .full = full};
	t->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (t->signals < 0)
		return false;
	(void)sigprocmask(SIG_BLOCK, &set, &t->mask_before);
	if (full && tcgetattr(STDIN_FILENO, &t->before) == 0) {
		t->in = STDIN_FILENO;
		t->raw = true;
	}
	enter(t);
	return true;
}

void terminal_close(struct terminal *t)
{
	leave(t);
	close(t->signals);
	(void)sigprocmask(SIG_SETMASK, &t->mask_before, NULL);
}

/* Sleeps until somebody continues the process. */
static void stop(struct terminal *t)
{
	leave(t);
	(void)raise(SIGSTOP);
	enter(t);
}

static enum terminal_event take_signal(struct terminal *t)
{
	struct signalfd_siginfo s;

	if (read(t->signals, &s, sizeof(s)) != (ssize_t)sizeof(s))
		return TERMINAL_TIMEOUT;
	switch (s.ssi_signo) {
	case SIGTSTP:
		stop(t);
		return TERMINAL_REDRAW;
	case SIGCONT:
		/* It may have been stopped without its knowledge. */
		enter(t);
		return TERMINAL_REDRAW;
	case SIGWINCH:
		fputs("\x1b[2J", t->out);
		return TERMINAL_REDRAW;
	default:
		return TERMINAL_QUIT;
	}
}

static enum terminal_event take_key(struct terminal *t)
{
	char keys[64];
	ssize_t n = read(t->in, keys, sizeof(keys));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return TERMINAL_TIMEOUT;
	if (n <= 0)
		return TERMINAL_QUIT;
	for (ssize_t i = 0; i < n; i++) {
		if (keys[i] == 'q' || keys[i] == 'Q')
			return TERMINAL_QUIT;
		if (keys[i] == REDRAW_KEY)
			fputs("\x1b[2J", t->out);
	}
	return TERMINAL_REDRAW;
}

enum terminal_event terminal_wait(struct terminal *t, int timeout_ms)
{
	struct pollfd fds[] = {
	    {.fd = t->signals, .events = POLLIN},
	    {.fd = t->in, .events = POLLIN},
	};

	if (poll(fds, ARRAY_LEN(fds), timeout_ms) <= 0)
		return TERMINAL_TIMEOUT;
	if (fds[0].revents)
		return take_signal(t);
	return take_key(t);
}

void terminal_size(const struct terminal *t, unsigned *width, unsigned *height)
{
	struct winsize size = {.ws_col = 0};

	*width = 80;
	*height = 24;
	if (!t->full || ioctl(fileno(t->out), TIOCGWINSZ, &size) != 0)
		return;
	if (size.ws_col > 0)
		*width = size.ws_col;
	if (size.ws_row > 0)
		*height = size.ws_row;
}
