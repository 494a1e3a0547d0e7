#include "resolver/certificate/trust_file.h"

#include "resolver/certificate/certificate.h"
#include "resolver/certificate/sentence.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <openssl/x509.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* How the sentences call what is read. */
struct words {
	const char *one, *what, *where, *names;
	const char *meanwhile; /* with a broken one in a file */
};

static const struct words words_of[] = {
    [PEM_CERTIFICATE] = {"trusted certificate", "certificate",
	"trusted certificates", "*.pem, *.crt or *.cer",
	"the others in that file are used"},
    [PEM_CRL] = {"revocation list", "revocation list", "revocation lists",
	"*.pem or *.crl", "until then no certificate is accepted"},
};

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

/* Finds the first directory of `path` that the user may not enter. The kernel
 * has refused to open the path, which is not empty and not too long then. */
static bool closed_directory(const char *path, char out[PATH_MAX])
{
	const char *slash = path;

	assert(path[0] != '\0' && strlen(path) < PATH_MAX);
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		size_t len = (size_t)(slash - path);

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

static void explain_denied(
    const char *path, const struct words *words, struct sentence *why)
{
	char directory[PATH_MAX], target[PATH_MAX];
	struct who w = {.user = ""};

	find_who(&w);
	sentence_add(why, "cannot read the %s %s as user %s: Permission denied",
	    words->one, path, w.user);
	if (!closed_directory(path, directory) && link_target(path, target)) {
		sentence_add(why, " for %s, the target of the link", target);
		path = target;
	}
	if (closed_directory(path, directory))
		sentence_add(why,
		    ": that user may not enter the directory %s; fix it with: "
		    "chgrp %s %s && chmod g+x %s, or move the file",
		    directory, w.group, directory, directory);
	else if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0)
		sentence_add(why,
		    " although the mode allows it: a sandbox (Landlock, "
		    "systemd, AppArmor or SELinux) does not; see its rule: "
		    "sudo journalctl -g denied; systemctl cat ntsagent");
	else
		sentence_add(why, "; fix it with: chgrp %s %s && chmod g+r %s",
		    w.group, path, path);
}

static void explain_unreadable(const char *path, int error,
    const struct words *words, struct sentence *why)
{
	if (error == EACCES) {
		explain_denied(path, words, why);
		return;
	}
	sentence_add(why, "cannot read the %s %s: ", words->one, path);
	if (error == EMEDIUMTYPE)
		sentence_add(why, "it is not a regular file");
	else if (error == EFBIG)
		sentence_add(
		    why, "it is larger than %d MB", TRUST_FILE_MAX >> 20);
	else
		sentence_add(why, "%s", strerror(error));
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

/* One call of trust_visit(). */
struct visit {
	const struct trust_visitor *v;
	enum pem_kind kind;
	const struct words *words;
};

static void report(const struct visit *t, enum trust_fault fault,
    const struct sentence *sentence)
{
	if (t->v->fault)
		t->v->fault(t->v->self, fault, sentence->out);
}

static void report_unreadable(
    const struct visit *t, const char *path, int error)
{
	char text[TRUST_FAULT_MAX];
	struct sentence why = sentence_to(text, sizeof(text));

	explain_unreadable(path, error, t->words, &why);
	report(t, TRUST_UNREADABLE, &why);
}

static void report_broken(
    const struct visit *t, const char *path, const struct pem_block *b)
{
	char text[TRUST_FAULT_MAX];
	struct sentence why = sentence_to(text, sizeof(text));

	if (b->line > 0)
		sentence_add(&why,
		    "%s, line %u: the %s there is broken, %s; replace it (%s)",
		    path, b->line, t->words->one, b->fault,
		    t->words->meanwhile);
	else
		sentence_add(&why,
		    "the %s file %s begins like DER, but %s: replace it%s",
		    t->words->one, path, b->fault,
		    t->kind == PEM_CERTIFICATE
			? " (a PKCS #7 file as PEM: openssl pkcs7 -inform DER "
			  "-print_certs <FILE)"
			: "");
	report(t, TRUST_BROKEN, &why);
}

/* What one file has. */
struct harvest {
	unsigned taken, broken, in_time;
	int64_t not_after; /* of the last certificate */
	char subject[CERTIFICATE_NAME_MAX];
};

static void take(const struct visit *t, const char *path, unsigned line,
    struct pem_block *b, struct harvest *h)
{
	if (b->crl) {
		h->taken +=
		    !t->v->list || t->v->list(t->v->self, b->crl, path, line);
		h->in_time = h->taken;
		X509_CRL_free(b->crl);
		return;
	}
	h->taken += !t->v->certificate ||
		    t->v->certificate(t->v->self, b->c, path, line);
	h->not_after = certificate_not_after(b->c);
	h->in_time += h->not_after >= (int64_t)time(NULL);
	certificate_subject(b->c, h->subject);
	X509_free(b->c);
}

/* A key or a request in the place of a certificate is taken for one easily. */
static void report_empty(
    const struct visit *t, const char *path, const char *bytes, size_t len)
{
	char text[TRUST_FAULT_MAX], label[PEM_LABEL_MAX];
	struct sentence why = sentence_to(text, sizeof(text));

	sentence_add(&why, "the %s file %s ", t->words->one, path);
	if (len == 0)
		sentence_add(&why, "is empty");
	else
		sentence_add(
		    &why, "has no %s in it (PEM or DER)", t->words->what);
	if (pem_first_label(bytes, len, label)) {
		sentence_add(&why, ", it has a block of the kind ");
		sentence_quote(&why, label, strlen(label));
		if (strcmp(label, "PKCS7") == 0)
			sentence_add(&why,
			    " (as PEM: openssl pkcs7 -print_certs <FILE)");
	}
	report(t, TRUST_EMPTY, &why);
}

static void report_outdated(
    const struct visit *t, const char *path, const struct harvest *h)
{
	char text[TRUST_FAULT_MAX], date[CERTIFICATE_DATE_MAX];
	struct sentence why = sentence_to(text, sizeof(text));

	certificate_date(h->not_after, date);
	sentence_add(&why,
	    "the trusted certificate \"%s\" in %s expired on %s: replace it, "
	    "or correct the local clock",
	    h->subject, path, date);
	report(t, TRUST_OUTDATED, &why);
}

/* In a directory of lists, *.pem may have certificates and keys only. Nothing,
 * the page of a web server, or half a block may once have been a list. */
static bool is_without_lists(const struct pem_reader *r, const char *path)
{
	const char *dot = strrchr(path, '.');

	return r->kind == PEM_CRL && dot && strcasecmp(dot, ".pem") == 0 &&
	       r->whole > 0 && r->torn == 0;
}

static unsigned visit_file(
    const struct visit *t, const char *path, bool in_directory)
{
	struct harvest h = {0};
	struct pem_reader r;
	struct pem_block b;
	size_t len;
	char *bytes = trust_read(path, &len);

	if (!bytes) {
		report_unreadable(t, path, errno);
		return 0;
	}
	r = pem_of(bytes, len, t->kind);
	while (pem_next(&r, &b)) {
		h.broken += b.fault != NULL;
		if (b.fault)
			report_broken(t, path, &b);
		else
			take(t, path, b.line, &b, &h);
	}
	if (h.taken == 0 && h.broken == 0 &&
	    !(in_directory && is_without_lists(&r, path)))
		report_empty(t, path, bytes, len);
	else if (h.taken > 0 && h.in_time == 0)
		report_outdated(t, path, &h);
	free(bytes);
	if (t->v->file)
		t->v->file(t->v->self, path);
	return h.in_time > 0;
}

/* "5a3c7f01.0", or "5a3c7f01.r0" for a list: the names of c_rehash. */
static bool is_hashed_name(const char *name, const char *dot, bool list)
{
	size_t i;

	for (i = 0; i < 8 && isxdigit((unsigned char)name[i]); i++)
		;
	if (i != 8 || dot != name + 8 || (list && dot[1] != 'r'))
		return false;
	return isdigit((unsigned char)dot[list ? 2 : 1]);
}

/* "ca.pem", "ca.crt", "ca.cer", and the names of c_rehash. */
static int is_certificate_name(const struct dirent *entry)
{
	const char *name = entry->d_name, *dot = strrchr(name, '.');

	if (!dot || name[0] == '.')
		return 0;
	return !strcasecmp(dot, ".pem") || !strcasecmp(dot, ".crt") ||
	       !strcasecmp(dot, ".cer") || is_hashed_name(name, dot, false);
}

static int is_list_name(const struct dirent *entry)
{
	const char *name = entry->d_name, *dot = strrchr(name, '.');

	if (!dot || name[0] == '.')
		return 0;
	return !strcasecmp(dot, ".pem") || !strcasecmp(dot, ".crl") ||
	       is_hashed_name(name, dot, true);
}

static void report_empty_directory(const struct visit *t, const char *directory)
{
	char text[TRUST_FAULT_MAX];
	struct sentence why = sentence_to(text, sizeof(text));

	sentence_add(&why, "the directory of %s %s has no file %s",
	    t->words->where, directory, t->words->names);
	report(t, TRUST_EMPTY_DIRECTORY, &why);
}

/* In the order of names, so that the first fault is always the same. */
static unsigned visit_directory(const struct visit *t, const char *directory)
{
	struct dirent **names;
	char path[PATH_MAX];
	unsigned good = 0;
	int count = scandir(directory, &names,
	    t->kind == PEM_CRL ? is_list_name : is_certificate_name, alphasort);

	if (count < 0) {
		report_unreadable(t, directory, errno);
		return 0;
	}
	for (int i = 0; i < count; i++) {
		/* A sentence would change bytes that are not ASCII. */
		snprintf(
		    path, sizeof(path), "%s/%s", directory, names[i]->d_name);
		good += visit_file(t, path, true);
		free(names[i]);
	}
	free(names);
	if (count == 0)
		report_empty_directory(t, directory);
	return good;
}

unsigned trust_visit(
    const char *path, enum pem_kind kind, const struct trust_visitor *v)
{
	const struct visit t = {v, kind, &words_of[kind]};
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return visit_directory(&t, path);
	return visit_file(&t, path, false);
}
