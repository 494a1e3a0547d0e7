#include "resolver/certificate/trust.h"
#include "resolver/certificate/certificate.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The user and group of this process, for commands that fix permissions. */
struct who {
	char user[64], group[64];
};

static void find_who(struct who *w)
{
	const struct passwd *user = getpwuid(geteuid());
	const struct group *group = getgrgid(getegid());

	snprintf(w->user, sizeof(w->user), "%s", user ? user->pw_name : "?");
	snprintf(
	    w->group, sizeof(w->group), "%s", group ? group->gr_name : "?");
	if (!user)
		snprintf(w->user, sizeof(w->user), "%ld", (long)geteuid());
	if (!group)
		snprintf(w->group, sizeof(w->group), "%ld", (long)getegid());
}

/* Finds the first directory of `path` that the user may not enter. */
static bool closed_directory(const char *path, char out[PATH_MAX])
{
	const char *slash = path;

	while (*slash && (slash = strchr(slash + 1, '/')) != NULL) {
		size_t len = (size_t)(slash - path);

		if (len >= PATH_MAX)
			return false;
		memcpy(out, path, len);
		out[len] = '\0';
		if (faccessat(AT_FDCWD, out, X_OK, AT_EACCESS) < 0)
			return errno == EACCES;
	}
	return false;
}

/* The absolute target of a link that cannot be followed. */
static bool link_target(const char *path, char out[PATH_MAX])
{
	ssize_t len = readlink(path, out, PATH_MAX - 1);

	if (len <= 0)
		return false;
	out[len] = '\0';
	return out[0] == '/';
}

static void explain_denied(const char *path, struct sentence *why)
{
	char directory[PATH_MAX], target[PATH_MAX];
	struct who w;

	find_who(&w);
	sentence_add(why,
	    "cannot read the trusted certificate %s as user %s: Permission "
	    "denied",
	    path, w.user);
	if (!closed_directory(path, directory) && link_target(path, target)) {
		sentence_add(why, " for %s, the target of the link", target);
		path = target;
	}
	if (closed_directory(path, directory))
		sentence_add(why,
		    ": that user may not enter the directory %s; fix it with: "
		    "chgrp %s %s && chmod g+x %s, or move the certificate",
		    directory, w.group, directory, directory);
	else if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
		sentence_add(why,
		    " although the mode of the file allows it: a sandbox "
		    "(Landlock, systemd, AppArmor or SELinux) prevents it");
	else
		sentence_add(why, "; fix it with: chgrp %s %s && chmod g+r %s",
		    w.group, path, path);
}

static void explain_unreadable(
    const char *path, int error, struct sentence *why)
{
	if (error == EACCES)
		explain_denied(path, why);
	else if (error == EMEDIUMTYPE)
		sentence_add(why,
		    "cannot read the trusted certificate %s: it is not a "
		    "regular file",
		    path);
	else if (error == EFBIG)
		sentence_add(why,
		    "cannot read the trusted certificate %s: it is larger than "
		    "%d MB",
		    path, TRUST_FILE_MAX >> 20);
	else
		sentence_add(why, "cannot read the trusted certificate %s: %s",
		    path, strerror(error));
}

/* Sets the size of a file that may be read. 0, or an errno. */
static int judge_file(int fd, size_t *size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EMEDIUMTYPE;
	if (st.st_size > TRUST_FILE_MAX)
		return EFBIG;
	*size = (size_t)st.st_size;
	return 0;
}

/* Reads up to `size` bytes: the file may grow meanwhile. 0, or an errno. */
static int read_all(int fd, char *bytes, size_t size, size_t *len)
{
	ssize_t n = 1;

	for (*len = 0; *len < size && n > 0; *len += (size_t)n) {
		n = read(fd, bytes + *len, size - *len);
		if (n < 0)
			return errno;
	}
	return 0;
}

/* O_NONBLOCK: does not wait for the other end of a fifo. */
char *trust_read(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error;
	char *bytes = NULL;
	size_t size = 0;

	if (fd < 0)
		return NULL;
	error = judge_file(fd, &size);
	if (!error) {
		/* malloc(0) may return NULL. */
		bytes = malloc(size + 1);
		error = bytes ? read_all(fd, bytes, size, len) : ENOMEM;
	}
	close(fd);
	if (!error)
		return bytes;
	free(bytes);
	errno = error;
	return NULL;
}

/* The certificates of one file. */
struct harvest {
	unsigned certificates, in_time; /* how many; not expired */
	int64_t not_after;		/* of the last one */
	char subject[CERTIFICATE_NAME_MAX];
};

static bool take(X509_STORE *store, X509 *c, struct harvest *h)
{
	int64_t now = time(NULL);
	bool stored = X509_STORE_add_cert(store, c) == 1;

	h->certificates += stored;
	h->not_after = certificate_not_after(c);
	h->in_time += h->not_after >= now;
	certificate_subject(c, h->subject);
	X509_free(c);
	return stored;
}

/* Takes every PEM certificate, or one in DER, as in many .cer files. */
static void take_all(
    X509_STORE *store, const char *bytes, size_t len, struct harvest *h)
{
	const unsigned char *der = (const unsigned char *)bytes;
	char no_password[] = ""; /* OpenSSL would ask the terminal */
	BIO *bio = BIO_new_mem_buf(bytes, (int)len);
	X509 *c;

	while (bio && (c = PEM_read_bio_X509_AUX(bio, NULL, NULL, no_password)))
		if (!take(store, c, h))
			break;
	BIO_free(bio);
	if (h->certificates == 0 && len > 0 && der[0] == 0x30 &&
	    (c = d2i_X509(NULL, &der, (long)len)))
		(void)take(store, c, h);
	ERR_clear_error();
}

static bool load_file(X509_STORE *store, const char *path, struct sentence *why)
{
	struct harvest h = {0};
	char date[CERTIFICATE_DATE_MAX];
	size_t len;
	char *bytes = trust_read(path, &len);

	if (!bytes) {
		explain_unreadable(path, errno, why);
		return false;
	}
	take_all(store, bytes, len, &h);
	free(bytes);
	if (h.certificates == 0) {
		sentence_add(why,
		    "the trusted certificate file %s has no certificate in it "
		    "(PEM or DER)",
		    path);
		return false;
	}
	if (h.in_time > 0)
		return true;
	certificate_date(h.not_after, date);
	sentence_add(why,
	    "the trusted certificate %s in %s expired on %s: replace it, or "
	    "correct the local clock",
	    h.subject, path, date);
	return false;
}

/* "ca.pem", "ca.crt", "ca.cer", and the names of c_rehash: "5a3c7f01.0". */
static int is_certificate_name(const struct dirent *entry)
{
	const char *name = entry->d_name, *dot = strrchr(name, '.');
	size_t i;

	if (!dot || name[0] == '.')
		return 0;
	if (!strcasecmp(dot, ".pem") || !strcasecmp(dot, ".crt") ||
	    !strcasecmp(dot, ".cer"))
		return 1;
	for (i = 0; i < 8 && isxdigit((unsigned char)name[i]); i++)
		;
	return i == 8 && dot == name + 8 && isdigit((unsigned char)dot[1]);
}

/* In the order of names, so that `why` is always the same fault. */
static unsigned load_directory(
    X509_STORE *store, const char *directory, struct sentence *why)
{
	struct dirent **names;
	char path[PATH_MAX];
	unsigned loaded = 0;
	int count = scandir(directory, &names, is_certificate_name, alphasort);

	if (count < 0) {
		explain_unreadable(directory, errno, why);
		return 0;
	}
	for (int i = 0; i < count; i++) {
		struct sentence unused = sentence_to(path, sizeof(path));
		struct sentence *where = why->len == 0 ? why : &unused;

		sentence_add(&unused, "%s/%s", directory, names[i]->d_name);
		loaded += load_file(store, path, where);
		free(names[i]);
	}
	free(names);
	if (count == 0)
		sentence_add(why,
		    "the directory of trusted certificates %s has no file "
		    "*.pem, *.crt or *.cer",
		    directory);
	return loaded;
}

/* Returns the number of usable files. `why` is the first fault. */
static unsigned load_path(
    X509_STORE *store, const char *path, struct sentence *why)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return load_directory(store, path, why);
	return load_file(store, path, why);
}

static void describe_sources(struct trust *t, const struct trust_config *config)
{
	struct sentence w = sentence_to(t->sources, sizeof(t->sources));

	if (t->system)
		sentence_add(&w, "the system's certificates");
	if (t->system && config->path_count > 0)
		sentence_add(&w, " and ");
	if (config->path_count > 0)
		sentence_add(
		    &w, "%u file%s: ", t->files, t->files == 1 ? "" : "s");
	for (unsigned i = 0; i < config->path_count; i++)
		sentence_add(&w, "%s%s", i > 0 ? ", " : "", config->paths[i]);
}

bool trust_load(
    struct trust *t, const struct trust_config *config, struct sentence *why)
{
	char text[TRUST_TEXT_MAX];

	*t = (struct trust){.store = X509_STORE_new()};
	if (!t->store) {
		sentence_add(why, "out of memory");
		return false;
	}
	/* The paths that the distribution has built into its OpenSSL. */
	if (config->system_certs)
		t->system = X509_STORE_set_default_paths(t->store) == 1;
	for (unsigned i = 0; i < config->path_count; i++) {
		struct sentence problem = sentence_to(text, sizeof(text));

		t->files += load_path(t->store, config->paths[i], &problem);
		if (t->problem[0] == '\0')
			memcpy(t->problem, text, sizeof(text));
	}
	ERR_clear_error();
	describe_sources(t, config);
	if (t->system || t->files > 0)
		return true;
	t->expired = sk_X509_OBJECT_num(X509_STORE_get0_objects(t->store)) > 0;
	sentence_add(why, "no certificate is trusted: %s",
	    t->problem[0] ? t->problem : "trusted-certs names none");
	return false;
}

void trust_free(struct trust *t)
{
	X509_STORE_free(t->store);
	t->store = NULL;
}

static const char *system_path(const char *variable, const char *otherwise)
{
	const char *set = getenv(variable);

	return set && *set ? set : otherwise;
}

unsigned trust_read_paths(
    const struct trust_config *config, const char *out[TRUST_READ_PATHS_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < config->path_count; i++)
		out[count++] = config->paths[i];
	if (!config->system_certs)
		return count;
	out[count++] = system_path(
	    X509_get_default_cert_file_env(), X509_get_default_cert_file());
	out[count++] = system_path(
	    X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
	return count;
}

bool trust_check_path(const char *path, struct sentence *why)
{
	X509_STORE *store = X509_STORE_new();
	bool good;

	if (!store) {
		sentence_add(why, "out of memory");
		return false;
	}
	good = load_path(store, path, why) > 0 && why->len == 0;
	X509_STORE_free(store);
	return good;
}
