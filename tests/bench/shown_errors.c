/*
 * For LD_PRELOAD in a client of clknetsim, before the library of clknetsim:
 * writes down which errors the client tells the kernel. One line for
 * each call: the client's time (s since 1970), the maximum and the estimated
 * error (us). SHOWN_ERRORS in the environment names the file.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/timex.h>
#include <time.h>

static int next(clockid_t id, struct timex *t)
{
	static int (*real)(clockid_t, struct timex *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_adjtime");
	return real(id, t);
}

static void write_down(const struct timex *t)
{
	static FILE *out;
	struct timespec now;

	if (!out) {
		out = fopen(getenv("SHOWN_ERRORS"), "w");
		if (!out)
			abort();
		setlinebuf(out);
	}
	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(out, "%lld.%09ld %ld %ld\n", (long long)now.tv_sec, now.tv_nsec,
	    t->maxerror, t->esterror);
}

/* adjtimex() of the simulator's library calls it, too. */
int clock_adjtime(clockid_t id, struct timex *t)
{
	if (t->modes & (ADJ_MAXERROR | ADJ_ESTERROR))
		write_down(t);
	return next(id, t);
}
