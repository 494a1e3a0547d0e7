#include "agent/launch/config_check.h"

#include "agent/config/files.h"
#include "agent/host/clocks.h"
#include "agent/host/privileges.h"
#include "resolver/certificate/certificate.h"
#include "resolver/certificate/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Fewer servers cannot outvote one that is wrong. */
#define SOURCES_ADVISED 3
/* Enough time to get a new root certificate. */
#define EXPIRY_NOTICE_DAYS 30
#define DAY_S 86400
/* The longest sentence of trust_check_path(). */
#define SENTENCE_MAX 4096

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

static void warn(FILE *out, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void warn(FILE *out, const char *fmt, ...)
{
	va_list args;

	fputs("warning: ", out);
	va_start(args, fmt);
	vfprintf(out, fmt, args);
	va_end(args);
	fputc('\n', out);
}

static const char *user_name(uid_t uid, char number[16])
{
	const struct passwd *user = getpwuid(uid);

	snprintf(number, 16, "%u", (unsigned)uid);
	return user ? user->pw_name : number;
}

static const char *group_name(gid_t gid, char number[16])
{
	const struct group *group = getgrgid(gid);

	snprintf(number, 16, "%u", (unsigned)gid);
	return group ? group->gr_name : number;
}

/* Prints the owner and the mode of `path`. */
static void show_owner(const char *path, FILE *out)
{
	char user[16], group[16];
	struct stat st;

	if (stat(path, &st) != 0)
		return;
	fprintf(out, "  %s belongs to %s:%s and has the mode %04o\n", path,
	    user_name(st.st_uid, user), group_name(st.st_gid, group),
	    (unsigned)st.st_mode & 07777U);
}

/* Finds the first directory on the way to `path` that the process may not
 * enter, or `path` itself, when the process may not read it. False: there is
 * none. */
static bool find_obstacle(const char *path, char part[PATH_MAX])
{
	for (const char *end = strchr(path, '/'); end;
	     end = strchr(end + 1, '/')) {
		/* The first part is "/". */
		int len = end == path ? 1 : (int)(end - path);

		snprintf(part, PATH_MAX, "%.*s", len, path);
		if (faccessat(AT_FDCWD, part, X_OK, AT_EACCESS) != 0)
			return errno == EACCES;
	}
	snprintf(part, PATH_MAX, "%s", path);
	return faccessat(AT_FDCWD, part, R_OK, AT_EACCESS) != 0 &&
	       errno == EACCES;
}

static void show_obstacle(const char *path, FILE *out)
{
	char part[PATH_MAX];

	if (find_obstacle(path, part))
		show_owner(part, out);
}

/* Certificates. */

/* True: the certificate is not valid yet. */
static bool warn_of_dates(
    const char *name, const char *path, const X509 *c, FILE *out)
{
	int64_t now = clocks_read(false).wall.ns / NS_PER_S;
	int64_t from = certificate_not_before(c);
	int64_t to = certificate_not_after(c);
	char date[CERTIFICATE_DATE_MAX], today[CERTIFICATE_DATE_MAX];

	certificate_date(now, today);
	certificate_date(now < from ? from : to, date);
	if (now < from)
		warn(out,
		    "the trusted certificate %s in %s is not valid before %s; "
		    "the local clock says %s",
		    name, path, date, today);
	else if (to < now)
		warn(out, "the trusted certificate %s in %s expired on %s",
		    name, path, date);
	else if (to - now < EXPIRY_NOTICE_DAYS * DAY_S)
		warn(out,
		    "the trusted certificate %s in %s expires on %s: replace "
		    "it before",
		    name, path, date);
	return now < from;
}

static bool warn_of_certificate(const char *path, X509 *c, FILE *out)
{
	char name[CERTIFICATE_NAME_MAX];

	certificate_subject(c, name);
	if (X509_check_ca(c) == 0)
		warn(out,
		    "the trusted certificate %s in %s is not that of a CA: it "
		    "vouches for nothing but itself",
		    name, path);
	return warn_of_dates(name, path, c, out);
}

/* PEM, or one certificate in DER, as trust_check_path() accepts them. */
static X509 *next_certificate(FILE *in, bool first)
{
	char no_password[] = ""; /* so that OpenSSL does not ask for one */
	X509 *c = PEM_read_X509_AUX(in, NULL, NULL, no_password);

	if (!c && first) {
		rewind(in);
		c = d2i_X509_fp(in, NULL);
	}
	ERR_clear_error();
	return c;
}

/* Warns of certificates in a file that trust_check_path() accepts, but that
 * will not verify a server. */
static unsigned check_file(const char *path, FILE *out)
{
	unsigned count = 0, early = 0;
	FILE *in = fopen(path, "re");
	X509 *c;

	if (!in)
		return 0;
	while ((c = next_certificate(in, count == 0))) {
		count++;
		early += warn_of_certificate(path, c, out);
		X509_free(c);
	}
	fclose(in);
	if (count == 0 || early < count)
		return 0;
	return error(out,
	    "no certificate in %s is valid yet: correct the local clock, or "
	    "replace the file",
	    path);
}

/* Skips the names that c_rehash makes: they lead to the same files. */
static int is_certificate_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && entry->d_name[0] != '.' &&
	       (!strcasecmp(dot, ".pem") || !strcasecmp(dot, ".crt") ||
		   !strcasecmp(dot, ".cer"));
}

static unsigned check_certificates(const char *path, FILE *out)
{
	char file[FILE_PATH_MAX + NAME_MAX + 2];
	struct dirent **entries;
	unsigned errors = 0;
	int n = scandir(path, &entries, is_certificate_file, alphasort);

	if (n < 0)
		return check_file(path, out);
	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		errors += check_file(file, out);
		free(entries[i]);
	}
	free(entries);
	return errors;
}

static unsigned check_trust(const struct config *config, FILE *out)
{
	unsigned errors = 0;

	for (unsigned i = 0; i < config->trust.path_count; i++) {
		const char *path = config->trust.paths[i];
		char text[SENTENCE_MAX];
		struct sentence why = sentence_to(text, sizeof(text));

		if (trust_check_path(path, &why)) {
			errors += check_certificates(path, out);
			continue;
		}
		errors += error(out, "%s", text);
		show_obstacle(path, out);
	}
	return errors;
}

/* The files that the agent writes. */

/* The agent writes a new file in the same directory and renames it. */
static unsigned check_writable(const char *key, const char *path, FILE *out)
{
	char copy[FILE_PATH_MAX], me[16];
	const char *directory, *user = user_name(geteuid(), me);
	int err;

	if (!path[0])
		return 0;
	snprintf(copy, sizeof(copy), "%s", path);
	directory = dirname(copy);
	err = access(directory, W_OK | X_OK) == 0 ? 0 : errno;
	/* The agent makes a missing directory itself when it starts. */
	if (err == 0 || err == ENOENT)
		return 0;
	if (err != EACCES)
		return error(out, "%s = %s: user %s cannot write into %s: %s",
		    key, path, user, directory, strerror(err));
	error(out,
	    "%s = %s: user %s cannot write into %s: %s; fix it with: "
	    "chown %s %s",
	    key, path, user, directory, strerror(err), user, directory);
	show_owner(directory, out);
	return 1;
}

/* A private folder. The agent refuses one of another user, even if it may write
 * to it. */
static unsigned check_folder(const char *key, const char *path, FILE *out)
{
	char me[16];
	const char *user = user_name(geteuid(), me);
	struct stat st;

	if (!path[0] || lstat(path, &st) != 0)
		return check_writable(key, path, out);
	if (!S_ISDIR(st.st_mode))
		return error(
		    out, "%s = %s: this is not a directory", key, path);
	if (st.st_uid == geteuid() && (st.st_mode & 077) == 0)
		return 0;
	if (st.st_uid == geteuid())
		return error(out,
		    "%s = %s: it is open to others, mode %04o; fix it with: "
		    "chmod 0700 %s",
		    key, path, (unsigned)st.st_mode & 07777, path);
	error(out,
	    "%s = %s: it must belong to user %s; fix it with: chown -R %s %s",
	    key, path, user, user, path);
	show_owner(path, out);
	return 1;
}

/* The configuration itself. */

typedef void judge_file(const char *path, FILE *out);

/* Calls `judge` for the main file, conf.d, and each file in it. */
static void each_file(const char *main_path, judge_file *judge, FILE *out)
{
	char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **entries;
	int n;

	/* The configuration does not come from a file. */
	if (!main_path[0])
		return;
	judge(main_path, out);
	config_folder(main_path, folder);
	if (access(folder, F_OK) != 0)
		return;
	judge(folder, out);
	n = config_folder_list(folder, &entries);
	for (int i = 0; i < n; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		judge(path, out);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void warn_if_writable(const char *path, FILE *out)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_IWOTH))
		warn(out,
		    "everybody may write to %s; fix it with: chmod o-w %s",
		    path, path);
}

/* The systemd unit starts the agent as its user, who then has to read the
 * configuration. Started by root, the agent reads it before it changes the
 * user.
 */
static void warn_if_unreadable(const char *path, FILE *out)
{
	char part[PATH_MAX], me[16];

	if (!find_obstacle(path, part))
		return;
	warn(out,
	    "user %s cannot read %s, and the systemd unit starts the agent as "
	    "that user; fix it with: chmod o+rX %s",
	    user_name(geteuid(), me), path, part);
	show_owner(part, out);
}

static unsigned check_as_user(const struct config *config, FILE *out)
{
	each_file(config->file, warn_if_unreadable, out);
	return check_trust(config, out) +
	       check_writable("driftfile", config->driftfile, out) +
	       check_writable("last-good-time", config->goodtime_file, out) +
	       check_folder("saved-keys", config->saved_keys, out);
}

/* Checks in a child with the rights of the user: root can open everything. */
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

static void warn_of_number_of_sources(const struct config *config, FILE *out)
{
	unsigned usable = 0;

	for (unsigned i = 0; i < config->source_count; i++)
		usable += !config->sources[i].options.noselect;
	if (usable < SOURCES_ADVISED)
		warn(out,
		    "%u source%s: with fewer than %d, one that is wrong cannot "
		    "be told from one that is right",
		    usable, usable == 1 ? "" : "s", SOURCES_ADVISED);
	if (usable == 1 && config->bootstrap == BOOTSTRAP_QUORUM)
		warn(out,
		    "1 source: if the clock is too wrong at a start to check "
		    "its certificate, it has to be set by hand; with "
		    "bootstrap = single the source may set it");
	if (usable > SELECT_COMBINED_MAX)
		warn(out,
		    "%u sources: all of them vote, and the time comes from the "
		    "%d nearest ones that agree",
		    usable, SELECT_COMBINED_MAX);
}

unsigned config_check_files(const struct config *config, FILE *out)
{
	char why[PRIVILEGES_TEXT_MAX];
	struct identity id;
	unsigned errors;

	warn_of_number_of_sources(config, out);
	each_file(config->file, warn_if_writable, out);
	if (!privileges_identity(config->user, &id, why))
		return error(out, "%s", why);
	errors = id.change ? check_in_child(config, &id, out)
			   : check_as_user(config, out);
	fflush(out);
	return errors;
}
