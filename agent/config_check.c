#include "agent/config.h"

#include "agent/privileges.h"
#include "resolver/trust.h"
#include "resolver/words.h"

#include <errno.h>
#include <libgen.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Fewer servers than this cannot outvote one that lies. */
#define SOURCES_ADVISED 3

static unsigned error(FILE *out, const char *fmt, ...) PRINTF_LIKE(2, 3);
static unsigned error(FILE *out, const char *fmt, ...)
{
	va_list args;

	fputs("error: ", out);
	va_start(args, fmt);
	vfprintf(out, fmt, args);
	va_end(args);
	fputc('\n', out);
	return 1;
}

static unsigned check_trust(const struct config *config, FILE *out)
{
	unsigned errors = 0;

	for (unsigned i = 0; i < config->trust.path_count; i++) {
		char text[KE_TEXT_MAX];
		struct words why = words_to(text, sizeof(text));

		if (!trust_check_path(config->trust.paths[i], &why))
			errors += error(out, "%s", text);
	}
	return errors;
}

static const char *my_name(void)
{
	const struct passwd *user = getpwuid(geteuid());

	return user ? user->pw_name : "?";
}

/* The keeper writes beside the file and renames. */
static unsigned check_writable(const char *key, const char *path, FILE *out)
{
	char copy[CONFIG_PATH_MAX];
	const char *directory;
	int err;

	if (!path[0])
		return 0;
	snprintf(copy, sizeof(copy), "%s", path);
	directory = dirname(copy);
	err = access(directory, W_OK | X_OK) == 0 ? 0 : errno;
	/* The agent makes a missing directory itself when it starts. */
	if (err == 0 || err == ENOENT)
		return 0;
	error(out, "%s = %s: user %s cannot write into %s: %s", key, path,
	    my_name(), directory, strerror(err));
	if (err == EACCES)
		fprintf(
		    out, "mend it with: chown %s %s\n", my_name(), directory);
	return 1;
}

static unsigned check_as_user(const struct config *config, FILE *out)
{
	return check_trust(config, out) +
	       check_writable("driftfile", config->driftfile, out) +
	       check_writable("last-good-time", config->goodtime_file, out);
}

/* In a child that has become the user: what root can open says nothing. */
static unsigned check_in_child(
    const struct config *config, const struct identity *id, FILE *out)
{
	char why[PRIVILEGES_TEXT_MAX];
	int status;
	pid_t pid;

	fflush(out);
	pid = fork();
	if (pid == 0) {
		unsigned errors;

		if (privileges_drop(id, false, why))
			errors = check_as_user(config, out);
		else
			errors = error(out, "%s", why);
		fflush(out);
		_exit(errors < 250 ? (int)errors : 250);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return error(out, "the check as the agent's user failed");
	return (unsigned)WEXITSTATUS(status);
}

static void warn_of_few_sources(const struct config *config, FILE *out)
{
	unsigned usable = 0;

	for (unsigned i = 0; i < config->source_count; i++)
		usable += !config->sources[i].options.noselect;
	if (usable < SOURCES_ADVISED)
		fprintf(out,
		    "warning: %u source%s: with fewer than %d, one that is "
		    "wrong cannot be told from one that is right\n",
		    usable, usable == 1 ? "" : "s", SOURCES_ADVISED);
}

static void warn_of_writable_files(const struct config *config, FILE *out)
{
	const char *last = "";
	struct stat st;

	for (unsigned i = 0; i < config->source_count; i++) {
		const char *file = config->sources[i].file;

		if (strcmp(file, last) == 0)
			continue;
		last = file;
		if (stat(file, &st) == 0 && (st.st_mode & S_IWOTH))
			fprintf(out,
			    "warning: everybody may write to %s; mend it "
			    "with: chmod o-w %s\n",
			    file, file);
	}
}

unsigned config_check_files(const struct config *config, FILE *out)
{
	char why[PRIVILEGES_TEXT_MAX];
	struct identity id;
	unsigned errors;

	warn_of_few_sources(config, out);
	warn_of_writable_files(config, out);
	if (!privileges_identity(config->user, &id, why))
		return error(out, "%s", why);
	errors = id.change ? check_in_child(config, &id, out)
			   : check_as_user(config, out);
	fflush(out);
	return errors;
}
