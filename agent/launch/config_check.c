#include "agent/launch/config_check.h"

#include "agent/config/files.h"
#include "agent/config/load.h"
#include "agent/host/clocks.h"
#include "agent/host/privileges.h"
#include "agent/host/runtime_files.h"
#include "agent/link/log_link.h"
#include "agent/saved/seal_key.h"
#include "clock/kernel/leap_file.h"
#include "nts/revocation.h"
#include "nts/tls.h"
#include "resolver/binding.h"
#include "resolver/certificate/certificate.h"
#include "resolver/certificate/trust.h"
#include "resolver/certificate/trust_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <openssl/x509.h>
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
/* The longest sentence of trust_load(). */
#define SENTENCE_MAX 1000
/* Each byte of a path may become four. */
#define SHELL_WORD_MAX (4 * (PATH_MAX + NAME_MAX) + 8)

/* A line. It may name a file that another user has made. */
static void put(FILE *out, const char *kind, const char *fmt, va_list args)
    PRINTF_LIKE(3, 0);
static void put(FILE *out, const char *kind, const char *fmt, va_list args)
{
	char *text;
	int len = vasprintf(&text, fmt, args);

	fputs(kind, out);
	config_put_visibly(out, len < 0 ? "out of memory" : text);
	fputc('\n', out);
	if (len >= 0)
		free(text);
}

static unsigned error(FILE *out, const char *fmt, ...) PRINTF_LIKE(2, 3);
static unsigned error(FILE *out, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put(out, "error: ", fmt, args);
	va_end(args);
	return 1;
}

static void warn(FILE *out, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void warn(FILE *out, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put(out, "warning: ", fmt, args);
	va_end(args);
}

/* A word of a command that is to be copied into a shell. */
static const char *shell_word(const char *path, char out[SHELL_WORD_MAX])
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789/._+@:,-";
	size_t len = 0;

	if (path[strspn(path, plain)] == '\0')
		return path;
	out[len++] = '\'';
	for (; *path; path++)
		len += (size_t)snprintf(out + len, SHELL_WORD_MAX - len,
		    *path == '\'' ? "'\\%c'" : "%c", *path);
	out[len++] = '\'';
	out[len] = '\0';
	return out;
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
	fputs("  ", out);
	config_put_visibly(out, path);
	fprintf(out, " belongs to %s:%s and has the mode %04o\n",
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

/* Certificates and revocation lists. */

/* The check of one path of trusted-certs or crl-files. */
struct trust_check {
	FILE *out;
	const char *path;	   /* as configured */
	const struct trust *trust; /* for lists: all that is trusted */
	unsigned errors;
	/* Of the file that is read now. */
	unsigned certificates, early;
	bool outdated; /* all of them have expired */
	char *held;    /* warnings of those that have expired */
	size_t held_size;
	FILE *hold;
};

/* "/etc/pki/ca.pem, line 12". The name of a file may have any bytes. */
static const char *place(
    const char *path, unsigned line, char *out, size_t size)
{
	struct sentence place = sentence_to(out, size);

	sentence_add(&place, "%s", path);
	if (line > 0)
		sentence_add(&place, ", line %u", line);
	return out;
}

/* True: the certificate is not valid yet. */
static bool warn_of_dates(
    struct trust_check *k, const char *name, const char *where, const X509 *c)
{
	int64_t now = clocks_read(false).wall.ns / NS_PER_S;
	int64_t from = certificate_not_before(c);
	int64_t to = certificate_not_after(c);
	char date[CERTIFICATE_DATE_MAX], today[CERTIFICATE_DATE_MAX];

	certificate_date(now, today);
	certificate_date(now < from ? from : to, date);
	if (now < from)
		warn(k->out,
		    "the trusted certificate \"%s\" (%s) is not valid before "
		    "%s; the local clock says %s",
		    name, where, date, today);
	else if (to < now)
		warn(k->hold ? k->hold : k->out,
		    "the trusted certificate \"%s\" (%s) expired on %s", name,
		    where, date);
	else if (to - now < EXPIRY_NOTICE_DAYS * DAY_S)
		warn(k->out,
		    "the trusted certificate \"%s\" (%s) expires on %s: "
		    "replace it before",
		    name, where, date);
	return now < from;
}

static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* c_rehash makes links in a directory; they lead to the same files. */
static bool is_second_name(const struct trust_check *k, const char *path)
{
	return strcmp(path, k->path) != 0 && is_link(path);
}

static bool check_certificate(
    void *self, X509 *c, const char *path, unsigned line)
{
	char name[CERTIFICATE_NAME_MAX], where[PATH_MAX + 32];
	struct trust_check *k = self;

	k->certificates++;
	if (is_second_name(k, path))
		return true;
	certificate_subject(c, name);
	place(path, line, where, sizeof(where));
	if (X509_check_ca(c) == 0)
		warn(k->out,
		    "the trusted certificate \"%s\" (%s) is not that of a CA: "
		    "it vouches for nothing but itself",
		    name, where);
	k->early += warn_of_dates(k, name, where, c);
	return true;
}

static void check_fault(
    void *self, enum trust_fault fault, const char *sentence)
{
	struct trust_check *k = self;

	/* The lists may come later. */
	if (fault == TRUST_EMPTY_DIRECTORY && k->trust) {
		warn(k->out, "%s", sentence);
		return;
	}
	k->outdated |= fault == TRUST_OUTDATED;
	k->errors += error(k->out, "%s", sentence);
	if (fault == TRUST_UNREADABLE)
		show_obstacle(k->path, k->out);
}

static void begin_file(struct trust_check *k)
{
	k->certificates = k->early = 0;
	k->outdated = false;
	k->hold = open_memstream(&k->held, &k->held_size);
}

static void end_hold(struct trust_check *k)
{
	if (k->hold)
		fclose(k->hold);
	if (k->held && !k->outdated)
		fputs(k->held, k->out);
	free(k->held);
	k->held = NULL;
	k->hold = NULL;
}

static void check_file(void *self, const char *path)
{
	char where[PATH_MAX];
	struct trust_check *k = self;

	end_hold(k);
	if (k->certificates > 0 && k->early == k->certificates)
		k->errors += error(k->out,
		    "no certificate in %s is valid yet: correct the local "
		    "clock, or replace the file",
		    place(path, 0, where, sizeof(where)));
	begin_file(k);
}

static unsigned check_certificates(const char *path, FILE *out)
{
	struct trust_check k = {.out = out, .path = path};
	const struct trust_visitor v = {.self = &k,
	    .certificate = check_certificate,
	    .fault = check_fault,
	    .file = check_file};

	begin_file(&k);
	trust_visit(path, PEM_CERTIFICATE, &v);
	end_hold(&k);
	return k.errors;
}

static void warn_of_list(const struct trust_check *k, X509_CRL *list,
    const X509 *signer, const char *name, const char *where)
{
	if (revocation_is_delta(list))
		warn(k->out,
		    "the revocation list of \"%s\" (%s) has only changes to "
		    "another list (delta), and is not used: get the complete "
		    "one",
		    name, where);
	else if (!signer)
		warn(k->out,
		    "the revocation list of \"%s\" (%s) is not signed by a "
		    "trusted certificate: it counts only for a CA that a "
		    "server sends",
		    name, where);
}

/* What is wrong with a list of a trusted issuer besides its dates; NULL:
 * nothing. */
static const char *fault_of_list(X509_CRL *list, X509 *signer)
{
	const struct revocation_policy policy = {
	    .check_dates = true, .level = tls_security_level()};

	switch (revocation_judge(list, signer, &policy)) {
	case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
		return "has an unknown extension that is marked as critical";
	case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
		return "is from a CA that may not sign lists (its key usage "
		       "has no cRLSign)";
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
		return "has a signature with a digest that is too weak";
	case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
	case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
		return "has a date that cannot be read";
	default:
		return NULL;
	}
}

static bool check_list(
    void *self, X509_CRL *list, const char *path, unsigned line)
{
	int64_t now = clocks_read(false).wall.ns / NS_PER_S;
	int64_t from = certificate_time(X509_CRL_get0_lastUpdate(list));
	int64_t to = certificate_time(X509_CRL_get0_nextUpdate(list));
	char name[CERTIFICATE_NAME_MAX], where[PATH_MAX + 32];
	char date[CERTIFICATE_DATE_MAX];
	struct trust_check *k = self;
	const char *fault;
	X509 *signer;

	if (is_second_name(k, path))
		return true;
	signer = trust_signer_of(k->trust, list);
	fault = signer && !revocation_is_delta(list)
		    ? fault_of_list(list, signer)
		    : NULL;
	certificate_name(X509_CRL_get_issuer(list), name);
	place(path, line, where, sizeof(where));
	warn_of_list(k, list, signer, name, where);
	X509_free(signer);
	if (fault)
		k->errors += error(k->out,
		    "the revocation list of \"%s\" (%s) %s: certificates of "
		    "that CA are refused; let the CA correct that, or remove "
		    "the list from crl-files",
		    name, where, fault);
	certificate_date(now < from ? from : to, date);
	if (now < from)
		k->errors += error(k->out,
		    "the revocation list of \"%s\" (%s) is not valid before "
		    "%s: correct the local clock, or replace the list",
		    name, where, date);
	else if (to != 0 && to < now)
		k->errors += error(k->out,
		    "the revocation list of \"%s\" (%s) expired on %s: "
		    "certificates of that CA are refused; get the current "
		    "list from the CA",
		    name, where, date);
	return true;
}

static unsigned check_lists(
    const char *path, const struct trust *trust, FILE *out)
{
	struct trust_check k = {.out = out, .path = path, .trust = trust};
	const struct trust_visitor v = {
	    .self = &k, .list = check_list, .fault = check_fault};

	trust_visit(path, PEM_CRL, &v);
	return k.errors;
}

static unsigned check_trust(const struct config *config, FILE *out)
{
	char unused[SENTENCE_MAX];
	struct sentence why = sentence_to(unused, sizeof(unused));
	const struct trust_config *c = &config->trust;
	struct trust_config without_lists = *c;
	struct trust trust;
	unsigned errors = 0;

	for (unsigned i = 0; i < c->path_count; i++)
		errors += check_certificates(c->paths[i], out);
	without_lists.crl_count = 0;
	if (!trust_load(&trust, &without_lists, &why) && errors == 0)
		errors += error(out, "%s", why.out);
	for (unsigned i = 0; i < c->crl_count; i++)
		errors += check_lists(c->crls[i], &trust, out);
	trust_free(&trust);
	return errors;
}

/* The files that the agent writes. */

#define OWN_FOLDER "/var/lib/ntsagent"
#define OWN_LOG_FOLDER "/var/log/ntsagent"

/* The user cannot write into this directory: what to do. `own`: a folder that
 * the agent has for such files. */
static unsigned say_unwritable(const char *key, const char *path,
    const char *directory, const char *own, int err, FILE *out)
{
	char me[16], word[SHELL_WORD_MAX], cure[SHELL_WORD_MAX + 64];
	const char *user = user_name(geteuid(), me);
	struct stat st;

	if (err != EACCES)
		snprintf(cure, sizeof(cure), "%s", runtime_cure(err));
	else if (stat(directory, &st) == 0 && st.st_uid == geteuid())
		snprintf(cure, sizeof(cure), "; fix it with: chmod u+rwx %s",
		    shell_word(directory, word));
	else if (strstr(directory, "ntsagent"))
		snprintf(cure, sizeof(cure), "; fix it with: chown %s %s", user,
		    shell_word(directory, word));
	else /* Other programs need /var/lib or /etc as they are. */
		snprintf(cure, sizeof(cure),
		    "; use a folder of its own, such as %s", own);
	error(out, "%s = %s: user %s cannot write into %s: %s%s", key, path,
	    user, directory, strerror(err), cure);
	if (err == EACCES)
		show_owner(directory, out);
	return 1;
}

/* The agent writes a new file in the same directory and renames it. */
static unsigned check_place(const char *key, const char *value,
    const char *path, const char *own, FILE *out)
{
	char copy[FILE_PATH_MAX], word[SHELL_WORD_MAX];
	char *directory;
	struct stat st;
	int err;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return error(out,
		    "%s = %s: this is a directory, so name a file in it", key,
		    value);
	snprintf(copy, sizeof(copy), "%s", path);
	directory = dirname(copy);
	err = access(directory, W_OK | X_OK) == 0 ? 0 : errno;
	if (stat(directory, &st) == 0 && !S_ISDIR(st.st_mode))
		err = ENOTDIR;
	/* As root, the agent makes a missing directory when it starts, but not
	 * those above it. */
	if (err == ENOENT && access(dirname(directory), W_OK) != 0 &&
	    errno == ENOENT)
		return error(out,
		    "%s = %s: there is no directory %s; make it with: mkdir "
		    "-p %s",
		    key, value, directory, shell_word(directory, word));
	if (err == ENOENT)
		err = errno == EROFS ? EROFS : 0;
	return err == 0 ? 0
			: say_unwritable(key, value, directory, own, err, out);
}

static unsigned check_writable(const char *key, const char *path, FILE *out)
{
	return path[0] ? check_place(key, path, path, OWN_FOLDER, out) : 0;
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
		return access(path, W_OK | X_OK) == 0
			   ? 0
			   : say_unwritable(
				 key, path, path, OWN_FOLDER, errno, out);
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

/* Room for the file, the line and the section of a source. */
#define SECTION_MAX (FILE_PATH_MAX + 128)

static const char *section_of(
    const struct source_config *s, char out[SECTION_MAX])
{
	size_t len = config_pool_len(s);

	snprintf(out, SECTION_MAX, "%s:%u: [%s %.*s]", s->file, s->line,
	    len > 0 ? "pool" : "source", (int)(len > 0 ? len : strlen(s->name)),
	    s->name);
	return out;
}

/* How the requests leave. What is not there now may come later, so that it is
 * only a warning. */

static void warn_of_binding(const struct source_config *s, int af, FILE *out)
{
	char text[SENTENCE_MAX], section[SECTION_MAX];
	struct sentence why = sentence_to(text, sizeof(text));

	if (!binding_try(&s->binding, af, &why))
		warn(out, "%s: %s; the source is not used until this is right",
		    section_of(s, section), text);
}

/* A device is the same for both families. */
static void warn_of_families(const struct source_config *s, FILE *out)
{
	const struct binding *b = &s->binding;
	char section[SECTION_MAX];

	if (s->family != FAMILY_IPV6)
		warn_of_binding(s, AF_INET, out);
	if (s->family == FAMILY_IPV6 || b->ipv6.family != 0)
		warn_of_binding(s, AF_INET6, out);
	if (b->port != 0)
		warn(out,
		    "%s: source-port = %u: everybody knows where to send "
		    "forged answers; they are refused, but leave the key out "
		    "if no firewall needs it",
		    section_of(s, section), b->port);
}

static bool is_bound_as_an_earlier_one(const struct config *c, unsigned i)
{
	for (unsigned j = 0; j < i; j++)
		if (c->sources[j].family == c->sources[i].family &&
		    memcmp(&c->sources[j].binding, &c->sources[i].binding,
			sizeof(struct binding)) == 0)
			return true;
	return false;
}

static void warn_of_bindings(const struct config *c, FILE *out)
{
	for (unsigned i = 0; i < c->source_count; i++)
		if (!is_bound_as_an_earlier_one(c, i))
			warn_of_families(&c->sources[i], out);
}

/* The configuration itself. */

typedef void judge_file(const char *path, void *self);

static void each_of_folder(
    const char *main_path, const char *name, judge_file *judge, void *self)
{
	char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	struct dirent **entries;
	int n;

	config_folder(main_path, name, folder);
	if (access(folder, F_OK) != 0)
		return;
	judge(folder, self);
	n = config_folder_list(folder, &entries);
	for (int i = 0; i < n; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		/* Another user may own it. A command of a cure would change
		 * the file that it leads to. */
		if (strcmp(name, CONFIG_SOURCES) != 0 || !is_link(path))
			judge(path, self);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* Calls `judge` for the main file, conf.d and sources.d, and each file in
 * them. */
static void each_file(const char *main_path, judge_file *judge, void *self)
{
	/* The configuration does not come from a file. */
	if (!main_path[0])
		return;
	judge(main_path, self);
	each_of_folder(main_path, CONFIG_PARTS, judge, self);
	each_of_folder(main_path, CONFIG_SOURCES, judge, self);
}

static void warn_of_misnamed(const char *main_path, const char *name, FILE *out)
{
	char folder[PATH_MAX];
	struct dirent **entries;
	int n;

	config_folder(main_path, name, folder);
	n = config_folder_misnamed(folder, &entries);
	for (int i = 0; i < n; i++) {
		warn(out,
		    "%s/%s is not read: its name does not end in .conf; "
		    "rename it, or move it away",
		    folder, entries[i]->d_name);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void warn_if_writable(const char *path, void *out)
{
	char word[SHELL_WORD_MAX];
	struct stat st;

	/* A link to /dev/null switches a file off. */
	if (stat(path, &st) == 0 && (st.st_mode & S_IWOTH) &&
	    !S_ISCHR(st.st_mode))
		warn(out,
		    "everybody may write to %s; fix it with: chmod o-w %s",
		    path, shell_word(path, word));
}

/* The main file can be replaced there, unless the folder is sticky. */
static void warn_if_folder_writable(const char *main_path, FILE *out)
{
	char copy[PATH_MAX];
	const char *folder;
	struct stat st;

	if (!main_path[0])
		return;
	snprintf(copy, sizeof(copy), "%s", main_path);
	folder = dirname(copy);
	if (stat(folder, &st) == 0 && !(st.st_mode & S_ISVTX))
		warn_if_writable(folder, out);
}

/* Files that decide who is trusted. */
static void warn_of_writable(const struct config *config, FILE *out)
{
	const struct trust_config *trust = &config->trust;

	warn_if_folder_writable(config->file, out);
	each_file(config->file, warn_if_writable, out);
	for (unsigned i = 0; i < trust->path_count; i++)
		warn_if_writable(trust->paths[i], out);
}

/* Root reads the configuration at the start, before the agent switches to its
 * user. A reload reads the files as that user. */
static void warn_if_unreadable(const char *path, void *out)
{
	char part[PATH_MAX], word[SHELL_WORD_MAX], me[16];

	if (!find_obstacle(path, part))
		return;
	warn(out,
	    "user %s cannot read %s, so the agent cannot read it again on a "
	    "reload; fix it with: chmod o+rX %s",
	    user_name(geteuid(), me), path, shell_word(part, word));
	show_owner(part, out);
}

/* A key that a section has once, with the place where it stands. */
struct placed {
	const char *key;
	char text[SECTION_MAX];
};

static void find_key(const char *path, void *self)
{
	/* A pipe has no line. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
	struct placed *p = self;
	size_t len = strlen(p->key), size = 0;
	char *line = NULL;

	for (unsigned n = 1; in && getline(&line, &size, in) >= 0; n++) {
		const char *word = line + strspn(line, " \t");

		if (strncmp(word, p->key, len) == 0 &&
		    strspn(word + len, " \t=") > 0)
			snprintf(p->text, sizeof(p->text), "%s:%u: %s", path, n,
			    p->key);
	}
	free(line);
	if (in)
		fclose(in);
	else if (fd >= 0)
		close(fd);
}

/* "FILE:LINE: key", or the key alone if it has its default. */
static const char *place_of(
    const struct config *config, const char *key, struct placed *p)
{
	p->key = key;
	snprintf(p->text, sizeof(p->text), "%s", key);
	if (config->file[0]) {
		find_key(config->file, p);
		each_of_folder(config->file, CONFIG_PARTS, find_key, p);
	}
	return p->text;
}

static unsigned check_log_folder(const struct config *config, FILE *out)
{
	char file[FILE_PATH_MAX + 2];
	struct placed p;

	snprintf(file, sizeof(file), "%s/*", config->log_folder);
	return log_wanted_any(config)
		   ? check_place(place_of(config, "log-dir", &p),
			 config->log_folder, file, OWN_LOG_FOLDER, out)
		   : 0;
}

static unsigned check_as_user(const struct config *config, FILE *out)
{
	struct placed p;
	unsigned errors;

	each_file(config->file, warn_if_unreadable, out);
	warn_of_bindings(config, out);
	errors = check_writable(
	    place_of(config, "driftfile", &p), config->driftfile, out);
	errors += check_writable(
	    place_of(config, "last-good-time", &p), config->goodtime_file, out);
	errors += check_folder(
	    place_of(config, "saved-keys", &p), config->saved_keys, out);
	return errors + check_log_folder(config, out);
}

static unsigned check_all(const struct config *config, FILE *out)
{
	return check_trust(config, out) + check_as_user(config, out);
}

typedef unsigned check_part(const struct config *config, FILE *out);

/* Checks in a child with the rights of the user: root can open everything. */
static unsigned check_in_child(check_part *part, const struct config *config,
    const struct identity *id, FILE *out)
{
	char why[PRIVILEGES_TEXT_MAX];
	int status;
	pid_t pid;

	fflush(out);
	pid = fork();
	if (pid == 0) {
		unsigned errors;

		if (privileges_drop(id, false, why))
			errors = part(config, out);
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

static bool is_same_host(
    const struct source_config *a, const struct source_config *b)
{
	return !a->member && !b->member && a->ke_port == b->ke_port &&
	       strcasecmp(a->host, b->host) == 0 && !a->options.noselect &&
	       !b->options.noselect;
}

/* Two sections that were meant to be two servers. */
static void warn_of_the_same_host(const struct config *config, FILE *out)
{
	const struct source_config *all = config->sources;

	for (unsigned i = 1; i < config->source_count; i++)
		for (unsigned k = 0; k < i; k++) {
			if (!is_same_host(&all[k], &all[i]))
				continue;
			warn(out,
			    "[source %s] has the host of [source %s]: if both "
			    "lead to one server, they count as one; for "
			    "several servers of one name write [pool NAME]",
			    all[i].name, all[k].name);
			break;
		}
}

static void warn_of_port(const struct source_config *s, const char *key,
    unsigned port, const char *other_key, const char *what, FILE *out)
{
	char section[SECTION_MAX];

	warn(out,
	    "%s: %s = %u: this is usually the value of %s; remove this key, "
	    "unless %s port %u there",
	    section_of(s, section), key, port, other_key, what, port);
}

/* The two ports of a server are easily confused. */
static void warn_of_ports(const struct config *config, FILE *out)
{
	for (unsigned i = 0; i < config->source_count; i++) {
		const struct source_config *s = &config->sources[i];

		if (s->member <= 1 && s->ntp_port == KE_PORT)
			warn_of_port(s, "port", KE_PORT, "ntsport",
			    "time comes from UDP", out);
		if (s->member <= 1 && s->ke_port == NTP_PORT)
			warn_of_port(s, "ntsport", NTP_PORT, "port",
			    "keys come from TCP", out);
	}
}

/* May this user not read what root or the agent may? */
static bool is_hidden(const char *path, FILE *out)
{
	char me[16];

	if (geteuid() == 0 || access(path, R_OK) == 0 || errno != EACCES)
		return false;
	warn(out,
	    "%s is not judged: user %s cannot read it; run this check as root",
	    path, user_name(geteuid(), me));
	return true;
}

/* Nobody asked for the default file: where it is missing or has expired, the
 * log has a line. */
static void warn_of_leap_file(const struct config *config, FILE *out)
{
	bool is_zone = config->leap_zone[0] != '\0';
	const char *path = is_zone ? config->leap_zone : config->leap_table;
	const char *key = is_zone ? "leapsectz" : "leapseclist";
	char text[LEAP_FILE_TEXT_MAX];
	struct leap_table table;
	enum leap_file found;
	struct placed p;
	bool is_default;

	if (!path[0])
		return;
	(void)place_of(config, key, &p);
	is_default = strcmp(p.text, key) == 0;
	if (!is_default && is_hidden(path, out))
		return;
	found = leap_file_read(
	    path, is_zone, clocks_read(false).wall.ns / NS_PER_S, &table, text);
	if (is_default &&
	    (found == LEAP_FILE_UNREADABLE || found == LEAP_FILE_EXPIRED))
		return;
	if (found != LEAP_FILE_GOOD)
		warn(out, "%s: %s", p.text, text);
}

/* The jobs open the certificates, everything else is the agent's user's. */
static unsigned check_parts(const struct config *config,
    const struct identity *agent, const struct identity *jobs, FILE *out)
{
	if (!agent->change)
		return check_all(config, out);
	if (agent->uid == jobs->uid)
		return check_in_child(check_all, config, agent, out);
	return check_in_child(check_trust, config, jobs, out) +
	       check_in_child(check_as_user, config, agent, out);
}

/* The files that the agent makes before it switches to its user: the words are
 * those of the start (agent/host/runtime_files). */

/* "": nothing is in the way of the socket. */
static void judge_socket(const char *path, char why[SENTENCE_MAX])
{
	struct stat st;

	why[0] = '\0';
	if (!path[0])
		return;
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		snprintf(why, SENTENCE_MAX,
		    "%.512s is in the way of the agent's socket and not a "
		    "socket: move it away",
		    path);
	else if (lstat(path, &st) != 0 && errno == ENOTDIR)
		snprintf(why, SENTENCE_MAX,
		    "cannot make the socket %.512s: %s%s", path,
		    strerror(ENOTDIR), runtime_cure(ENOTDIR));
}

static unsigned check_pidfile(const char *path, FILE *out)
{
	struct stat st;
	int err = 0;

	if (!path[0])
		return 0;
	if (lstat(path, &st) != 0)
		err = errno == ENOTDIR ? ENOTDIR : 0;
	else if (S_ISDIR(st.st_mode))
		err = EISDIR;
	return err == 0 ? 0
			: error(out, "cannot replace the pid file %s: %s%s",
			      path, strerror(err), runtime_cure(err));
}

static unsigned check_seal_key(const struct config *config, FILE *out)
{
	char path[FILE_PATH_MAX];
	struct stat st;

	seal_key_path(config, path);
	if (!path[0] || lstat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return 0;
	return error(out,
	    "%s is not a key that only this user may read, and no new one can "
	    "take its place (%s); remove it",
	    path, saved_error(-EISDIR));
}

/* `strict`: without a socket, the agent of root does not start. */
static unsigned check_first_files(
    const struct config *config, bool strict, FILE *out)
{
	char why[SENTENCE_MAX];
	unsigned errors = 0;

	judge_socket(config->status_socket, why);
	if (why[0] && strict)
		errors += error(out, "%s", why);
	else if (why[0])
		warn(out, "%s", why);
	return errors + check_pidfile(config->pidfile, out) +
	       check_seal_key(config, out);
}

unsigned config_check_files(const struct config *config, FILE *out)
{
	char why[PRIVILEGES_TEXT_MAX];
	struct identity id, jobs;
	unsigned errors;

	warn_of_number_of_sources(config, out);
	warn_of_writable(config, out);
	warn_of_the_same_host(config, out);
	warn_of_ports(config, out);
	warn_of_leap_file(config, out);
	if (config->file[0]) {
		warn_of_misnamed(config->file, CONFIG_PARTS, out);
		warn_of_misnamed(config->file, CONFIG_SOURCES, out);
	}
	if (!privileges_identity(config->user, &id, why))
		return error(out, "%s", why);
	if (!privileges_second_identity(
		config->user_resolver, &id, &jobs, why) &&
	    strcmp(config->user_resolver, CONFIG_USER_RESOLVER) != 0)
		return error(out, "%s", why);
	errors = check_first_files(config, id.change, out);
	errors += check_parts(config, &id, &jobs, out);
	fflush(out);
	return errors;
}

bool config_check_is_other_user(const struct config *config)
{
	const struct passwd *user = getpwnam(config->user);

	return geteuid() != 0 && user && user->pw_uid != geteuid();
}

unsigned config_check_as_other(const struct config *config, FILE *out)
{
	const struct trust_config *c = &config->trust;
	unsigned errors = 0;

	warn_of_number_of_sources(config, out);
	warn_of_writable(config, out);
	warn_of_the_same_host(config, out);
	warn_of_ports(config, out);
	warn_of_leap_file(config, out);
	for (unsigned i = 0; i < c->path_count; i++) {
		if (!is_hidden(c->paths[i], out))
			errors += check_certificates(c->paths[i], out);
	}
	fflush(out);
	return errors;
}
