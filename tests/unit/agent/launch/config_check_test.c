/* What --check-config opens with the rights of the agent's user: of `nobody`,
 * in a child, when root runs the test, else of the user who runs it. */
#include "tests/unit/agent/config/config_room.h"
#include "resolver/certificate/certificate.h"
#include "tests/unit/nts/pki.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* The exit status of the process that runs the tests. */
#define ALL_PASSED 77

/* Is what the agent writes to mounted read-only? */
static bool read_only;

/* In the place of the C library's. */
int access(const char *path, int mode)
{
	if (read_only && (mode & W_OK)) {
		errno = EROFS;
		return -1;
	}
	return faccessat(AT_FDCWD, path, mode, 0);
}

static bool no_processes; /* fork(2) fails */

/* The linker prefers this function to that of the C library. */
pid_t fork(void)
{
	pid_t (*real)(void);

	if (no_processes) {
		errno = EAGAIN;
		return -1;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "fork");
	return real();
}

static bool am_root(void)
{
	return geteuid() == 0;
}

/* The user with whose rights the check is done. */
static const struct passwd *checker(void)
{
	const struct passwd *who =
	    am_root() ? getpwnam("nobody") : getpwuid(geteuid());

	assert_non_null(who);
	return who;
}

/* A copy: the next getgrgid(3) writes over its own answer. */
static const char *checkers_group(void)
{
	static char name[64];
	const struct group *group = getgrgid(checker()->pw_gid);

	assert_non_null(group);
	snprintf(name, sizeof(name), "%.60s", group->gr_name);
	return name;
}

/* The owner of the files of this test, such as "root:root". */
static const char *makers(char out[64])
{
	const struct passwd *user = getpwuid(geteuid());
	const struct group *group = getgrgid(getegid());

	assert_true(user && group);
	snprintf(out, 64, "%.30s:%.30s", user->pw_name, group->gr_name);
	return out;
}

/* Three sources, so that there is no warning of their number; the machine's
 * table of leap seconds may have expired. */
static void load(struct config_room *r, const char *keys)
{
	char text[1024];

	assert_int_equal(chmod(r->dir, 0755), 0);
	snprintf(text, sizeof(text),
	    "[agent]\nuser = nobody\nuser-resolver = nobody\n"
	    "[clock]\ndriftfile = none\nlast-good-time = "
	    "none\n[nts]\nsaved-keys = none\n%s\n[source "
	    "a]\n[source b]\n[source c]\n",
	    keys);
	room_accepts(r, text);
	r->config.leap_table[0] = '\0';
}

static void load_certificate(struct config_room *r, const char *name)
{
	char text[256];

	snprintf(
	    text, sizeof(text), "[nts]\ntrusted-certs = %s/%s\n", r->dir, name);
	load(r, text);
}

#define YEAR_S (365 * PKI_DAY_S)

static void put_certificate_of(const struct config_room *r, const char *name,
    mode_t mode, struct pki_spec spec)
{
	struct pki_pair ca = pki_issue(NULL, spec);
	char path[128];

	pki_write(room_path(r, name, path), ca.certificate);
	assert_int_equal(chmod(path, mode), 0);
	pki_free(&ca);
}

static void put_certificate(
    const struct config_room *r, const char *name, mode_t mode)
{
	put_certificate_of(r, name, mode,
	    (struct pki_spec){
		.name = "Root", .ca = true, .from_s = -YEAR_S, .to_s = YEAR_S});
}

/* "error: FILE:LINE: key = ..." without FILE and LINE, which one test has. */
static void drop_place(struct config_room *r)
{
	static const char error[] = "error: ";
	char *place = r->said + sizeof(error) - 1;
	size_t len = strlen(r->path);

	if (strncmp(r->said, error, sizeof(error) - 1) != 0 ||
	    strncmp(place, r->path, len) != 0 || place[len] != ':')
		return;
	len += 1 + strspn(place + len + 1, "0123456789") + 2;
	memmove(place, place + len, strlen(place + len) + 1);
}

static void says_one_error(struct config_room *r, const char *expected)
{
	room_check(r);
	drop_place(r);
	assert_string_equal(r->said, expected);
	assert_int_equal(r->errors, 1);
}

static void nothing_to_say(void **state)
{
	struct config_room *r = *state;

	put_certificate(r, "root.crt", 0644);
	load_certificate(r, "root.crt");
	room_check(r);
	assert_string_equal(r->said, "");
	assert_int_equal(r->errors, 0);
}

static void an_unreadable_certificate(void **state)
{
	struct config_room *r = *state;
	char expected[1024], path[128], owners[64];

	put_certificate(r, "root.crt", 0);
	load_certificate(r, "root.crt");
	room_path(r, "root.crt", path);
	snprintf(expected, sizeof(expected),
	    "error: cannot read the trusted certificate %1$s as user %2$s: "
	    "Permission denied; fix it with: chgrp %3$s %1$s && chmod g+r "
	    "%1$s\n"
	    "  %1$s belongs to %4$s and has the mode 0000\n",
	    path, checker()->pw_name, checkers_group(), makers(owners));
	says_one_error(r, expected);
	/* The command that is named corrects it. */
	assert_int_equal(chown(path, (uid_t)-1, checker()->pw_gid), 0);
	assert_int_equal(chmod(path, am_root() ? 0040 : 0400), 0);
	room_check(r);
	assert_string_equal(r->said, "");
}

/* As a user who is neither root nor the agent's: 65533 if root runs the test.
 */
static void check_as_other(struct config_room *r)
{
	FILE *f = room_listen();
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (am_root() && setresuid(65533, 65533, 65533) != 0)
			_exit(99);
		_exit(config_check_is_other_user(&r->config)
			  ? (int)config_check_as_other(&r->config, f)
			  : 98);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	r->errors = (unsigned)WEXITSTATUS(status);
	room_hear(r, f);
}

/* What the agent may read is not judged by what another user may. */
static void another_user_only_warns_of_closed_files(void **state)
{
	struct config_room *r = *state;
	char path[128], keys[256], expected[512];

	put_certificate(r, "closed.crt", 0);
	put_certificate(r, "open.crt", 0644);
	room_put(r, "empty.crt", "nothing here\n");
	room_path(r, "empty.crt", path);
	assert_int_equal(chmod(path, 0644), 0);
	snprintf(keys, sizeof(keys),
	    "[nts]\ntrusted-certs = %1$s/closed.crt %1$s/open.crt "
	    "%1$s/empty.crt\n[clock]\nleapseclist = %1$s/closed.list\n",
	    r->dir);
	load(r, keys);
	room_put(r, "closed.list", "no table\n");
	room_path(r, "closed.list", r->config.leap_table);
	assert_int_equal(chmod(r->config.leap_table, 0), 0);
	check_as_other(r);
	assert_int_equal(r->errors, 1);
	snprintf(expected, sizeof(expected),
	    "warning: %s/closed.list is not judged: user ", r->dir);
	assert_non_null(strstr(r->said, expected));
	assert_null(strstr(r->said, "leapseclist"));
	snprintf(expected, sizeof(expected),
	    "error: the trusted certificate file %s/empty.crt has no "
	    "certificate in it (PEM or DER)\n",
	    r->dir);
	assert_non_null(strstr(r->said, expected));
	snprintf(expected, sizeof(expected),
	    "warning: %s/closed.crt is not judged: user ", r->dir);
	assert_non_null(strstr(r->said, expected));
	assert_null(strstr(r->said, "open.crt"));
}

static void root_and_the_agents_user_are_no_others(void **state)
{
	struct config_room *r = *state;

	load(r, "");
	snprintf(r->config.user, sizeof(r->config.user), "%s",
	    getpwuid(geteuid())->pw_name);
	assert_false(config_check_is_other_user(&r->config));
	/* Without such a user, nothing better is known than this one. */
	snprintf(r->config.user, sizeof(r->config.user), "no such user");
	assert_false(config_check_is_other_user(&r->config));
}

static void a_folder_that_cannot_be_entered(void **state)
{
	struct config_room *r = *state;
	char expected[1024], path[128], owners[64];

	room_folder(r, "pki");
	put_certificate(r, "pki/root.crt", 0644);
	load_certificate(r, "pki/root.crt");
	room_path(r, "pki", path);
	assert_int_equal(chmod(path, 0), 0);
	snprintf(expected, sizeof(expected),
	    "error: cannot read the trusted certificate %1$s/root.crt as user "
	    "%2$s: Permission denied: that user may not enter the directory "
	    "%1$s; fix it with: chgrp %3$s %1$s && chmod g+x %1$s, or move "
	    "the file\n"
	    "  %1$s belongs to %4$s and has the mode 0000\n",
	    path, checker()->pw_name, checkers_group(), makers(owners));
	says_one_error(r, expected);
	assert_int_equal(chmod(path, 0755), 0);
}

static void a_missing_certificate_and_an_empty_one(void **state)
{
	struct config_room *r = *state;
	char keys[256], expected[512];

	room_put(r, "empty.crt", "nothing here\n");
	snprintf(keys, sizeof(keys), "[nts]\ntrusted-certs = %1$s/no %1$s/%2$s",
	    r->dir, "empty.crt");
	load(r, keys);
	room_check(r);
	snprintf(expected, sizeof(expected),
	    "error: cannot read the trusted certificate %1$s/no: No such file "
	    "or directory\n"
	    "error: the trusted certificate file %1$s/empty.crt has no "
	    "certificate in it (PEM or DER)\n",
	    r->dir);
	assert_string_equal(r->said, expected);
	assert_int_equal(r->errors, 2);
}

/* Certificates that can be read, but verify no server. */

#define LATER                                                                  \
	{                                                                      \
		.name = "Later", .ca = true, .from_s = YEAR_S,                 \
		.to_s = 2 * YEAR_S                                             \
	}
#define FINE                                                                   \
	{                                                                      \
		.name = "Fine", .ca = true, .from_s = -YEAR_S, .to_s = YEAR_S  \
	}
#define PAST                                                                   \
	{                                                                      \
		.name = "Past", .ca = true, .from_s = -2 * YEAR_S,             \
		.to_s = -YEAR_S                                                \
	}

/* A file of two certificates; `der`: of the first alone, in DER. */
static void put_two(const struct config_room *r, const char *name,
    const struct pki_pair *first, const struct pki_pair *second, bool der)
{
	char path[128];
	FILE *f = fopen(room_path(r, name, path), "we");

	assert_non_null(f);
	if (der)
		assert_int_equal(i2d_X509_fp(f, first->certificate), 1);
	else
		assert_int_equal(PEM_write_X509(f, first->certificate), 1);
	if (second)
		assert_int_equal(PEM_write_X509(f, second->certificate), 1);
	assert_int_equal(fclose(f), 0);
}

static void a_certificate_of_later(void **state)
{
	struct config_room *r = *state;
	struct pki_pair later = pki_issue(NULL, (struct pki_spec)LATER);
	struct pki_pair fine = pki_issue(NULL, (struct pki_spec)FINE);
	char date[CERTIFICATE_DATE_MAX], warning[512], error[512];

	certificate_date(certificate_not_before(later.certificate), date);
	snprintf(error, sizeof(error),
	    "\nerror: no certificate in %s/two.crt is valid yet: correct the "
	    "local clock, or replace the file\n",
	    r->dir);
	for (int der = 1; der >= 0; der--) {
		snprintf(warning, sizeof(warning),
		    "warning: the trusted certificate \"CN=Later\" "
		    "(%s/two.crt%s) is not valid before %s; the local clock "
		    "says 2",
		    r->dir, der ? "" : ", line 1", date);
		put_two(r, "two.crt", &later, NULL, der);
		load_certificate(r, "two.crt");
		room_check(r);
		assert_ptr_equal(strstr(r->said, warning), r->said);
		assert_non_null(strstr(r->said, error));
		assert_int_equal(r->errors, 1);
	}
	/* Another certificate in the file is enough. */
	put_two(r, "two.crt", &later, &fine, false);
	room_check(r);
	assert_ptr_equal(strstr(r->said, warning), r->said);
	assert_null(strstr(r->said, "error"));
	assert_int_equal(r->errors, 0);
	pki_free(&later);
	pki_free(&fine);
}

static void warns(struct config_room *r, const char *expected)
{
	room_check(r);
	assert_string_equal(r->said, expected);
	assert_int_equal(r->errors, 0);
}

/* How many lines a certificate has in PEM. */
static unsigned lines_of(const struct pki_pair *p)
{
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned lines = 0;
	char c;

	assert_int_equal(PEM_write_bio_X509(bio, p->certificate), 1);
	while (BIO_read(bio, &c, 1) == 1)
		lines += c == '\n';
	BIO_free(bio);
	return lines;
}

static void an_expired_certificate_next_to_a_good_one(void **state)
{
	struct config_room *r = *state;
	struct pki_pair past = pki_issue(NULL, (struct pki_spec)PAST);
	struct pki_pair fine = pki_issue(NULL, (struct pki_spec)FINE);
	char date[CERTIFICATE_DATE_MAX], expected[512];

	put_two(r, "two.crt", &fine, &past, false);
	load_certificate(r, "two.crt");
	certificate_date(certificate_not_after(past.certificate), date);
	snprintf(expected, sizeof(expected),
	    "warning: the trusted certificate \"CN=Past\" (%s/two.crt, line "
	    "%u) expired on %s\n",
	    r->dir, lines_of(&fine) + 1, date);
	warns(r, expected);
	pki_free(&past);
	pki_free(&fine);
}

/* All certificates have expired: the agent would trust no server. */
static void an_expired_certificate_alone(void **state)
{
	struct config_room *r = *state;

	put_certificate_of(r, "past.crt", 0644, (struct pki_spec)PAST);
	load_certificate(r, "past.crt");
	room_check(r);
	assert_non_null(strstr(r->said,
	    "error: the trusted certificate \"CN=Past\" in /tmp/config-"));
	assert_non_null(strstr(r->said, "past.crt expired on 2"));
	assert_int_equal(r->errors, 1);
}

static void a_certificate_that_expires_soon(void **state)
{
	struct config_room *r = *state;
	struct pki_pair soon = pki_issue(NULL, (struct pki_spec){.name = "Soon",
						   .ca = true,
						   .from_s = -YEAR_S,
						   .to_s = 29 * PKI_DAY_S});
	/* The first file of the folder, and the last. */
	static const char *const names[] = {"pki/a.pem", "pki/z.pem"};
	char date[CERTIFICATE_DATE_MAX], expected[512], path[128];

	room_folder(r, "pki");
	put_certificate(r, "pki/root.crt", 0644);
	load_certificate(r, "pki");
	certificate_date(certificate_not_after(soon.certificate), date);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		put_two(r, names[i], &soon, NULL, false);
		snprintf(expected, sizeof(expected),
		    "warning: the trusted certificate \"CN=Soon\" (%s/%s, line "
		    "1) "
		    "expires on %s: replace it before\n",
		    r->dir, names[i], date);
		warns(r, expected);
		assert_int_equal(unlink(room_path(r, names[i], path)), 0);
	}
	pki_free(&soon);
}

static void a_certificate_that_is_no_ca(void **state)
{
	struct config_room *r = *state;
	char expected[512];

	put_certificate_of(r, "leaf.crt", 0644,
	    (struct pki_spec){
		.name = "ntpserver", .from_s = -YEAR_S, .to_s = YEAR_S});
	load_certificate(r, "leaf.crt");
	snprintf(expected, sizeof(expected),
	    "warning: the trusted certificate \"CN=ntpserver\" (%s/leaf.crt, "
	    "line 1) is not that of a CA: it vouches for nothing but itself\n",
	    r->dir);
	warns(r, expected);
}

/* A broken block: the others in the file are used. */
static void a_broken_block_of_a_file(void **state)
{
	struct config_room *r = *state;
	char text[4096], expected[512];
	struct pki_pair fine = pki_issue(NULL, (struct pki_spec)FINE);
	BIO *bio = BIO_new(BIO_s_mem());
	int len;

	assert_int_equal(PEM_write_bio_X509(bio, fine.certificate), 1);
	len = BIO_read(bio, text, sizeof(text) - 100);
	assert_true(len > 0);
	strcpy(text + len, "-----BEGIN CERTIFICATE-----\nMII*\n"
			   "-----END CERTIFICATE-----\n");
	room_put(r, "two.crt", text);
	load_certificate(r, "two.crt");
	snprintf(expected, sizeof(expected),
	    "error: %s/two.crt, line %u: the trusted certificate there is "
	    "broken, it is not base64; replace it (the others in that file "
	    "are used)\n",
	    r->dir, lines_of(&fine) + 1);
	says_one_error(r, expected);
	BIO_free(bio);
	pki_free(&fine);
}

/* It must not control the terminal. */
static void the_name_of_a_file_is_printed_harmlessly(void **state)
{
	struct config_room *r = *state;

	room_folder(r, "pki");
	put_certificate_of(r, "pki/a\x1b.crt", 0644,
	    (struct pki_spec){
		.name = "ntpserver", .from_s = YEAR_S, .to_s = 2 * YEAR_S});
	load_certificate(r, "pki");
	room_check(r);
	assert_int_equal(r->errors, 1);
	assert_non_null(strstr(r->said, "pki/a?.crt, line 1) is not that of"));
	assert_non_null(strstr(r->said, "pki/a?.crt is valid yet"));
	assert_null(strchr(r->said, '\x1b'));
}

/* c_rehash makes a second name for a file. */
static void a_file_with_two_names_is_named_once(void **state)
{
	struct config_room *r = *state;
	char path[128], expected[512];

	room_folder(r, "pki");
	put_certificate_of(r, "pki/leaf.crt", 0644,
	    (struct pki_spec){
		.name = "ntpserver", .from_s = -YEAR_S, .to_s = YEAR_S});
	assert_int_equal(
	    symlink("leaf.crt", room_path(r, "pki/5a3c7f01.0", path)), 0);
	load_certificate(r, "pki");
	snprintf(expected, sizeof(expected),
	    "warning: the trusted certificate \"CN=ntpserver\" "
	    "(%s/pki/leaf.crt, line 1) is not that of a CA: it vouches for "
	    "nothing but itself\n",
	    r->dir);
	warns(r, expected);
}

/* Revocation lists. */

/* Writes root.crt and root.crl, and loads a configuration with both. */
static void load_list(struct config_room *r, X509 *root, X509_CRL *list)
{
	char path[128], keys[256];

	pki_write(room_path(r, "root.crt", path), root);
	assert_int_equal(chmod(path, 0644), 0);
	pki_write_list(room_path(r, "root.crl", path), list);
	assert_int_equal(chmod(path, 0644), 0);
	snprintf(keys, sizeof(keys),
	    "[nts]\ntrusted-certs = %1$s/root.crt\ncrl-files = "
	    "%1$s/root.crl\n",
	    r->dir);
	load(r, keys);
}

/* Loads root.crt and a list, and checks both. */
static void check_list(struct config_room *r, struct pki_list_spec spec,
    bool by_root, char issuer_dates[2][CERTIFICATE_DATE_MAX])
{
	struct pki_pair root = pki_issue(NULL,
	    (struct pki_spec){
		.name = "Root", .ca = true, .from_s = -YEAR_S, .to_s = YEAR_S});
	struct pki_pair other =
	    pki_issue(NULL, (struct pki_spec){.name = "Root", .ca = true});
	X509_CRL *list = pki_list(by_root ? &root : &other, spec);

	load_list(r, root.certificate, list);
	certificate_date(
	    certificate_time(X509_CRL_get0_lastUpdate(list)), issuer_dates[0]);
	certificate_date(
	    certificate_time(X509_CRL_get0_nextUpdate(list)), issuer_dates[1]);
	room_check(r);
	X509_CRL_free(list);
	pki_free(&root);
	pki_free(&other);
}

#define LIST "the revocation list of \"CN=Root\" (%s/root.crl, line 1) "

static void revocation_lists_are_checked(void **state)
{
	static const struct {
		struct pki_list_spec spec;
		bool by_root;
		unsigned errors;
		const char *said; /* the folder, and perhaps a date */
		int date;
	} cases[] = {
	    {{0}, true, 0, "%.0s%.0s", 0},
	    {{.from_s = -YEAR_S, .to_s = -60}, true, 1,
		"error: " LIST "expired on %s: certificates of that CA are "
		"refused; get the current list from the CA\n",
		1},
	    {{.from_s = YEAR_S, .to_s = 2 * YEAR_S}, true, 1,
		"error: " LIST "is not valid before %s: correct the local "
		"clock, or replace the list\n",
		0},
	    {{.endless = true}, true, 0, "%.0s%.0s", 0},
	    {{0}, false, 0,
		"warning: " LIST "is not signed by a trusted certificate: it "
		"counts only for a CA that a server sends\n%.0s",
		0},
	    {{.delta = 3}, true, 0,
		"warning: " LIST "has only changes to another list (delta), "
		"and is not used: get the complete one\n%.0s",
		0},
	};
	struct config_room *r = *state;
	char dates[2][CERTIFICATE_DATE_MAX], expected[512];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		check_list(r, cases[i].spec, cases[i].by_root, dates);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(expected, sizeof(expected), cases[i].said, r->dir,
		    dates[cases[i].date]);
#pragma GCC diagnostic pop
		assert_string_equal(r->said, expected);
		assert_int_equal(r->errors, cases[i].errors);
	}
}

/* Marks an extension as critical that nobody knows. */
static void add_unknown(X509_CRL *list)
{
	ASN1_OCTET_STRING *bytes = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e;

	assert_int_equal(
	    ASN1_OCTET_STRING_set(bytes, (const unsigned char *)"0", 1), 1);
	e = X509_EXTENSION_create_by_NID(NULL, NID_netscape_comment, 1, bytes);
	assert_non_null(e);
	assert_int_equal(X509_CRL_add_ext(list, e, -1), 1);
	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(bytes);
}

/* The agent refuses all certificates of the issuer because of such a list. */
static void a_list_that_cannot_be_used_is_an_error(void **state)
{
	static const struct {
		const char *usage; /* of the root's key */
		bool unknown;
		const char *digest, *fault;
	} cases[] = {
	    {"keyCertSign,cRLSign", false, "SHA256", NULL},
	    {"keyCertSign", false, "SHA256",
		"is from a CA that may not sign lists (its key usage has no "
		"cRLSign)"},
	    {NULL, true, "SHA256",
		"has an unknown extension that is marked as critical"},
	    {NULL, false, "SHA1",
		"has a signature with a digest that is too weak"},
	};
	struct config_room *r = *state;
	char expected[512];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pki_pair root =
		    pki_issue(NULL, (struct pki_spec){.name = "Root",
					.ca = true,
					.from_s = -YEAR_S,
					.to_s = YEAR_S,
					.usage = cases[i].usage});
		X509_CRL *list = pki_list(&root, (struct pki_list_spec){0});

		if (cases[i].unknown)
			add_unknown(list);
		assert_true(X509_CRL_sign(list, root.key,
				EVP_get_digestbyname(cases[i].digest)) > 0);
		load_list(r, root.certificate, list);
		room_check(r);
		snprintf(expected, sizeof(expected),
		    "error: " LIST "%s: certificates of that CA are refused; "
		    "let the CA correct that, or remove the list from "
		    "crl-files\n",
		    r->dir, cases[i].fault ? cases[i].fault : "");
		assert_string_equal(r->said, cases[i].fault ? expected : "");
		assert_int_equal(r->errors, cases[i].fault != NULL);
		X509_CRL_free(list);
		pki_free(&root);
	}
}

static void a_revocation_list_that_is_not_there(void **state)
{
	struct config_room *r = *state;
	char keys[256], expected[512];

	put_certificate(r, "root.crt", 0644);
	room_folder(r, "crls");
	snprintf(keys, sizeof(keys),
	    "[nts]\ntrusted-certs = %1$s/root.crt\ncrl-files = %1$s/no "
	    "%1$s/root.crt %1$s/crls\n",
	    r->dir);
	load(r, keys);
	room_check(r);
	snprintf(expected, sizeof(expected),
	    "error: cannot read the revocation list %1$s/no: No such file or "
	    "directory\n"
	    "error: the revocation list file %1$s/root.crt has no revocation "
	    "list in it (PEM or DER), it has a block of the kind "
	    "\"CERTIFICATE\"\n"
	    "warning: the directory of revocation lists %1$s/crls has no file "
	    "*.pem or *.crl\n",
	    r->dir);
	assert_string_equal(r->said, expected);
	assert_int_equal(r->errors, 2);
}

/* The folder `name` is to hold the drift file. */
static void load_drift(struct config_room *r, const char *name)
{
	char text[512];

	assert_int_equal(chmod(r->dir, 0755), 0);
	snprintf(text, sizeof(text),
	    "[agent]\nuser = nobody\n[clock]\ndriftfile = %s/%s/drift\n"
	    "last-good-time = none\n[nts]\nsaved-keys = none\n[source "
	    "a]\n[source b]\n[source c]\n",
	    r->dir, name);
	room_accepts(r, text);
	r->config.leap_table[0] = '\0';
}

static void a_folder_that_cannot_be_written(void **state)
{
	struct config_room *r = *state;
	char expected[1024], path[128], owners[64];

	room_folder(r, "ntsagent");
	assert_int_equal(chmod(room_path(r, "ntsagent", path), 0555), 0);
	load_drift(r, "ntsagent");
	snprintf(expected, sizeof(expected),
	    "error: driftfile = %1$s/drift: user %2$s cannot write into %1$s: "
	    "Permission denied; fix it with: %4$s %1$s\n"
	    "  %1$s belongs to %3$s and has the mode 0555\n",
	    path, checker()->pw_name, makers(owners),
	    geteuid() == 0 ? "chown nobody" : "chmod u+rwx");
	says_one_error(r, expected);
	assert_int_equal(chown(path, checker()->pw_uid, checker()->pw_gid), 0);
	room_check(r);
	assert_non_null(strstr(r->said, "; fix it with: chmod u+rwx "));
	assert_int_equal(chmod(path, 0755), 0);
	room_check(r);
	assert_string_equal(r->said, "");
}

/* To give them to the agent would break other programs. */
static void a_folder_of_the_system_stays_as_it_is(void **state)
{
	struct config_room *r = *state;

	load(r, "");
	strcpy(r->config.driftfile, "/etc/drift");
	room_check(r);
	assert_non_null(strstr(r->said,
	    "cannot write into /etc: Permission denied; use a folder of its "
	    "own, such as /var/lib/ntsagent\n"));
	assert_null(strstr(r->said, "chown"));
	strcpy(r->config.driftfile, "");
	strcpy(r->config.log_folder, "/etc");
	r->config.log_measurements = true;
	room_check(r);
	assert_non_null(strstr(r->said, ", such as /var/log/ntsagent\n"));
}

/* Found before a start fails, with the words of the start. */
static void what_is_in_the_way_of_the_start(void **state)
{
	struct config_room *r = *state;
	char path[128], below[160];

	room_put(r, "file", "");
	room_folder(r, "lib");
	load(r, "");
	room_path(r, "file", path);
	snprintf(below, sizeof(below), "%s/x", path);
	snprintf(r->config.status_socket, sizeof(r->config.status_socket), "%s",
	    path);
	snprintf(r->config.pidfile, sizeof(r->config.pidfile), "%s", below);
	room_check(r);
	assert_non_null(strstr(r->said,
	    "/file is in the way of the agent's socket and not a socket: move "
	    "it away\n"));
	assert_non_null(strstr(r->said,
	    "/file/x: Not a directory; a part of this path is a file: move it "
	    "away\n"));
	snprintf(r->config.status_socket, sizeof(r->config.status_socket), "%s",
	    below);
	room_path(r, "lib", path);
	snprintf(r->config.pidfile, sizeof(r->config.pidfile), "%s", path);
	room_check(r);
	assert_non_null(strstr(r->said, ": cannot make the socket "));
	assert_non_null(strstr(r->said, "/lib: Is a directory\n"));
}

static void a_folder_in_the_place_of_the_key(void **state)
{
	struct config_room *r = *state;
	char path[128];

	room_folder(r, "seal.key");
	load(r, "");
	room_path(r, "drift", path);
	r->config.saved_keys[0] = '\0';
	snprintf(r->config.driftfile, sizeof(r->config.driftfile), "%s", path);
	room_check(r);
	assert_non_null(strstr(r->said,
	    "/seal.key is not a key that only this user may read, and no new "
	    "one can take its place (Is a directory); remove it\n"));
	assert_true(r->errors > 0);
}

static void a_folder_in_the_place_of_a_file(void **state)
{
	struct config_room *r = *state;
	char expected[512], path[128];

	room_folder(r, "lib");
	load(r, "");
	snprintf(r->config.driftfile, sizeof(r->config.driftfile), "%s",
	    room_path(r, "lib", path));
	snprintf(expected, sizeof(expected),
	    "error: driftfile = %s: this is a directory, so name a file in "
	    "it\n",
	    path);
	says_one_error(r, expected);
}

static void a_file_in_the_place_of_a_folder(void **state)
{
	struct config_room *r = *state;
	char expected[1024], path[128];

	room_put(r, "lib", "x");
	load_drift(r, "lib");
	snprintf(expected, sizeof(expected),
	    "error: driftfile = %1$s/drift: user %2$s cannot write into %1$s: "
	    "Not a directory; a part of this path is a file: move it away\n",
	    room_path(r, "lib", path), checker()->pw_name);
	says_one_error(r, expected);
}

static void the_folder_of_the_measurements_is_checked(void **state)
{
	struct config_room *r = *state;
	char path[128], expected[512];

	room_folder(r, "log");
	assert_int_equal(chmod(room_path(r, "log", path), 0555), 0);
	load(r, "");
	r->config.driftfile[0] = r->config.goodtime_file[0] = '\0';
	r->config.saved_keys[0] = '\0';
	r->config.log_tracking = true;
	snprintf(
	    r->config.log_folder, sizeof(r->config.log_folder), "%s", path);
	room_check(r);
	snprintf(expected, sizeof(expected),
	    "error: log-dir = %1$s: user %2$s cannot write into %1$s: ", path,
	    checker()->pw_name);
	assert_non_null(strstr(r->said, expected));
	r->config.log_tracking = false;
	room_check(r);
	assert_string_equal(r->said, "");
}

/* The folder `name` is to hold the keys. */
static void load_saved_keys(struct config_room *r, const char *name)
{
	char path[128];

	load(r, "");
	snprintf(r->config.saved_keys, sizeof(r->config.saved_keys), "%s",
	    room_path(r, name, path));
}

/* Also on a file system that is read-only. */
static void keys_in_a_folder_without_the_right_to_write(void **state)
{
	struct config_room *r = *state;
	char path[128];

	room_folder(r, "keys");
	load_saved_keys(r, "keys");
	assert_int_equal(chmod(room_path(r, "keys", path), 0500), 0);
	assert_int_equal(chown(path, checker()->pw_uid, checker()->pw_gid), 0);
	room_check(r);
	assert_non_null(strstr(r->said, "; fix it with: chmod u+rwx "));
	assert_int_equal(chmod(path, 0700), 0);
	room_check(r);
	assert_string_equal(r->said, "");
}

static void keys_in_somebody_elses_folder(void **state)
{
	struct config_room *r = *state;
	char expected[1024], path[128], owners[64];

	/* It takes two users. */
	if (geteuid() != 0)
		skip();
	room_folder(r, "keys");
	assert_int_equal(chmod(room_path(r, "keys", path), 0700), 0);
	load_saved_keys(r, "keys");
	snprintf(expected, sizeof(expected),
	    "error: saved-keys = %1$s: it must belong to user %2$s; fix it "
	    "with: chown -R %2$s %1$s\n"
	    "  %1$s belongs to %3$s and has the mode 0700\n",
	    path, checker()->pw_name, makers(owners));
	says_one_error(r, expected);
	assert_int_equal(chown(path, checker()->pw_uid, checker()->pw_gid), 0);
	room_check(r);
	assert_string_equal(r->said, "");
}

static void keys_in_a_folder_that_is_open(void **state)
{
	struct config_room *r = *state;
	char expected[512], path[128];

	room_folder(r, "keys");
	room_path(r, "keys", path);
	assert_int_equal(chown(path, checker()->pw_uid, checker()->pw_gid), 0);
	assert_int_equal(chmod(path, 0750), 0);
	load_saved_keys(r, "keys");
	snprintf(expected, sizeof(expected),
	    "error: saved-keys = %1$s: it is open to others, mode 0750; fix "
	    "it with: chmod 0700 %1$s\n",
	    path);
	says_one_error(r, expected);
}

static void keys_where_a_file_is(void **state)
{
	struct config_room *r = *state;
	char expected[512];

	room_put(r, "keys", "x");
	load_saved_keys(r, "keys");
	snprintf(expected, sizeof(expected),
	    "error: saved-keys = %s/keys: this is not a directory\n", r->dir);
	says_one_error(r, expected);
}

/* In the main file or in one of conf.d. A default stands nowhere. */
static void an_error_of_a_folder_names_the_line(void **state)
{
	struct config_room *r = *state;
	char expected[512];

	room_put(r, "lib", "x");
	load_drift(r, "lib/x");
	room_check(r);
	snprintf(expected, sizeof(expected),
	    "error: %s:4: driftfile = %s/lib/x/drift: ", r->path, r->dir);
	assert_memory_equal(r->said, expected, strlen(expected));
	room_folder(r, "conf.d");
	room_put(r, "conf.d/a.conf", "; driftfile =\n[clock]\n driftfile=/a\n");
	room_put(r, "main.conf", "[source driftfile]\n");
	room_check(r);
	snprintf(expected, sizeof(expected),
	    "error: %s/conf.d/a.conf:3: driftfile = ", r->dir);
	assert_non_null(strstr(r->said, expected));
	room_put(r, "conf.d/a.conf", "");
	room_check(r);
	assert_non_null(strstr(r->said, "error: driftfile = "));
}

/* Other rights do not help when a file is in the way. */
static void a_file_in_the_way_of_a_folder(void **state)
{
	struct config_room *r = *state;
	char expected[512];

	room_put(r, "lib", "x");
	load_drift(r, "lib/x");
	snprintf(expected, sizeof(expected),
	    "error: driftfile = %1$s/lib/x/drift: user %2$s cannot write into "
	    "%1$s/lib/x: Not a directory; a part of this path is a file: move "
	    "it away\n",
	    r->dir, checker()->pw_name);
	says_one_error(r, expected);
}

static void a_folder_that_is_mounted_read_only(void **state)
{
	struct config_room *r = *state;
	char expected[512];

	room_folder(r, "lib");
	load_drift(r, "lib");
	read_only = true;
	snprintf(expected, sizeof(expected),
	    "error: driftfile = %1$s/lib/drift: user %2$s cannot write into "
	    "%1$s/lib: Read-only file system; mount it writable, set "
	    "ReadWritePaths= in the unit, or configure another path\n",
	    r->dir, checker()->pw_name);
	says_one_error(r, expected);
	read_only = false;
}

/* The agent makes it when it starts. */
static void a_missing_folder_is_no_error(void **state)
{
	struct config_room *r = *state;
	char expected[512];

	load_drift(r, "missing");
	room_check(r);
	assert_string_equal(r->said, "");
	assert_int_equal(r->errors, 0);
	/* The agent makes one, and not those above it. */
	load_drift(r, "far/away");
	snprintf(expected, sizeof(expected),
	    "error: driftfile = %1$s/far/away/drift: there is no directory "
	    "%1$s/far; make it with: mkdir -p %1$s/far\n",
	    r->dir);
	says_one_error(r, expected);
	/* The command takes it as one word. */
	load_drift(r, "so far/away");
	snprintf(expected, sizeof(expected),
	    "error: driftfile = %1$s/so far/away/drift: there is no directory "
	    "%1$s/so far; make it with: mkdir -p '%1$s/so far'\n",
	    r->dir);
	says_one_error(r, expected);
}

static void a_host_of_two_sections_is_a_warning(void **state)
{
	static const char expected[] =
	    "warning: [source b] has the host of [source a]: if both lead to "
	    "one server, they count as one; for several servers of one name "
	    "write [pool NAME]\n";
	struct config_room *r = *state;
	struct source_config *s = r->config.sources;

	load(r, "");
	strcpy(s[0].host, "ntp.example");
	strcpy(s[1].host, "NTP.example");
	room_check(r);
	assert_string_equal(r->said, expected);
	assert_int_equal(r->errors, 0);
	/* The members of a pool have one host. */
	s[0].member = s[1].member = 1;
	room_check(r);
	assert_string_equal(r->said, "");
	s[0].member = s[1].member = 0;
	s[1].ke_port++;
	room_check(r);
	assert_string_equal(r->said, "");
}

static void few_sources_are_a_warning(void **state)
{
	static const char fine[] =
	    ": with fewer than 3, one that is wrong cannot be told from one "
	    "that is right\n";
	struct config_room *r = *state;
	char expected[256];

	load(r, "");
	r->config.source_count = 1;
	r->config.bootstrap = BOOTSTRAP_SINGLE;
	room_check(r);
	snprintf(expected, sizeof(expected), "warning: 1 source%s", fine);
	assert_string_equal(r->said, expected);
	assert_int_equal(r->errors, 0);
	r->config.bootstrap = BOOTSTRAP_QUORUM;
	room_check(r);
	assert_non_null(strstr(r->said, "with bootstrap = single"));
	assert_int_equal(r->errors, 0);
	r->config.source_count = 3;
	r->config.sources[1].options.noselect = true;
	room_check(r);
	snprintf(expected, sizeof(expected), "warning: 2 sources%s", fine);
	assert_string_equal(r->said, expected);
}

static void a_file_of_leap_seconds_that_is_of_no_use(void **state)
{
	static const struct {
		const char *key, *file, *before, *after;
	} rows[] = {
	    {"leapseclist", "good", "", NULL},
	    {"leapseclist", "old", "the table of leap seconds ",
		" expired on 2016-07-27: get a current one, as in a new "
		"tzdata"},
	    {"leapseclist", "other", "",
		" is not a table of leap seconds: CLOCK_TAI is left as it is"},
	    {"leapsectz", "other", "",
		" is not a time zone with leap seconds: CLOCK_TAI is left as "
		"it is"},
	    {"leapseclist", "missing", "cannot read ",
		": No such file or directory: CLOCK_TAI is left as it is"},
	    {"leapsectz", "missing", "cannot read ",
		": No such file or directory: CLOCK_TAI is left as it is"},
	};
	char text[512], file[128], expected[512];
	struct config_room *r = *state;

	room_put(r, "good", "#@ 4294967295\n3692217600 37\n");
	room_put(r, "old", "#@ 3678566400\n3550089600 35\n");
	room_put(r, "other", "TZif2\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		room_path(r, rows[i].file, file);
		snprintf(text, sizeof(text),
		    "[clock]\n%s = %s\ndriftfile = none\nlast-good-time = "
		    "none\n[agent]\nuser = nobody\n[nts]\nsaved-keys = none\n"
		    "[source a]\n[source b]\n[source c]\n",
		    rows[i].key, file);
		room_accepts(r, text);
		assert_int_equal(chmod(r->dir, 0755), 0);
		room_check(r);
		assert_int_equal(r->errors, 0);
		snprintf(expected, sizeof(expected),
		    "warning: %s:2: %s: %s%s%s\n", r->path, rows[i].key,
		    rows[i].before, file, rows[i].after ? rows[i].after : "");
		assert_string_equal(r->said, rows[i].after ? expected : "");
	}
}

/* Not every system has it, and nobody asked for it. */
static void a_default_file_of_leap_seconds_may_be_missing(void **state)
{
	struct config_room *r = *state;

	load(r, "");
	r->config.file[0] = '\0';
	room_path(r, "missing", r->config.leap_table);
	room_check(r);
	assert_string_equal(r->said, "");
	room_put(r, "missing", "#@ 3678566400\n3550089600 35\n");
	room_check(r);
	assert_string_equal(r->said, "");
	room_put(r, "missing", "TZif2\n");
	room_check(r);
	assert_non_null(strstr(r->said, "warning: leapseclist: "));
	assert_int_equal(r->errors, 0);
}

/* The filter takes sixteen sources. */
static void many_sources_are_a_warning(void **state)
{
	struct config_room *r = *state;

	load(r, "");
	r->config.source_count = 18;
	for (uint16_t i = 0; i < 18; i++)
		r->config.sources[i].ke_port = i;
	r->config.sources[4].options.noselect = true;
	warns(r,
	    "warning: 17 sources: all of them vote, and the time comes from "
	    "the 16 nearest ones that agree\n");
	r->config.sources[5].options.noselect = true;
	warns(r, "");
}

/* It may come later. */
static void what_cannot_be_bound_is_a_warning(void **state)
{
	static const struct {
		const char *keys, *warning;
	} cases[] = {
	    {"bind-address = 127.0.0.1", ""},
	    {"bind-device = lo\ndscp = 46", ""},
	    {"bind-address = 192.0.2.99",
		"bind-address = 192.0.2.99: this host does not have this "
		"address"},
	    {"bind-address = 2001:db8::99\nbind-device = lo",
		"bind-address = 2001:db8::99: neither the device lo nor a VRF "
		"of that name has this address"},
	    {"bind-device = nothere0",
		"bind-device = nothere0: this host does not have this device"},
	};
	struct config_room *r = *state;
	char keys[128], expected[512];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(keys, sizeof(keys), "[agent]\n%s\n", cases[i].keys);
		load(r, keys);
		snprintf(expected, sizeof(expected),
		    "warning: %s:%u: [source a]: %s; the source is not used "
		    "until this is right\n",
		    r->path, r->config.sources[0].line, cases[i].warning);
		warns(r, cases[i].warning[0] ? expected : "");
	}
}

/* That of one source, in its own words, and that of a pool by its section. */
static void a_fixed_port_is_a_warning(void **state)
{
	struct config_room *r = *state;
	char expected[512];

	load(r, "[agent]\nsource-port = 33123\n[source x]\nsource-port = "
		"random\n");
	snprintf(expected, sizeof(expected),
	    "warning: %s:%u: [source a]: source-port = 33123: everybody knows "
	    "where to send forged answers; they are refused, but leave the "
	    "key out if no firewall needs it\n",
	    r->path, r->config.sources[1].line);
	warns(r, expected);
	load(r, "[pool p]\nsource-port = 33123\nsources = 1\n");
	room_check(r);
	assert_non_null(strstr(r->said, ":9: [pool p]: source-port = 33123: "));
}

/* Each is a legal number, so that only a warning is right. A pool says it
 * once. */
static void the_port_of_the_other_protocol_is_a_warning(void **state)
{
	struct config_room *r = *state;
	char expected[1024];

	load(r, "[pool p]\nport = 4460\nsources = 2\n[source x]\nntsport = "
		"123\n[source y]\nport = 123\nntsport = 4460\n");
	snprintf(expected, sizeof(expected),
	    "warning: %1$s:9: [pool p]: port = 4460: this is usually the value "
	    "of ntsport; remove this key, unless time comes from UDP port "
	    "4460 there\n"
	    "warning: %1$s:12: [source x]: ntsport = 123: this is usually the "
	    "value of port; remove this key, unless keys come from TCP port "
	    "123 there\n",
	    r->path);
	warns(r, expected);
}

/* Editors and package managers leave copies, which nobody expects to count. */
static void a_file_that_is_not_read_because_of_its_name(void **state)
{
	static const char *const quiet[] = {"conf.d/a.conf~", "conf.d/README",
	    "conf.d/a.conf.dpkg-old", "conf.d/.hidden", "conf.d/a.conf"};
	struct config_room *r = *state;
	char expected[512];

	room_folder(r, "conf.d");
	room_folder(r, "sources.d");
	for (size_t i = 0; i < ARRAY_LEN(quiet); i++)
		room_put(r, quiet[i], "");
	load(r, "");
	warns(r, "");
	room_put(r, "conf.d/10-clock", "");
	room_put(r, "sources.d/b.CONF", "");
	snprintf(expected, sizeof(expected),
	    "warning: %1$s/conf.d/10-clock is not read: its name does not end "
	    "in .conf; rename it, or move it away\n"
	    "warning: %1$s/sources.d/b.CONF is not read: its name does not end "
	    "in .conf; rename it, or move it away\n",
	    r->dir);
	warns(r, expected);
}

static void a_file_for_everybody_is_a_warning(void **state)
{
	struct config_room *r = *state;
	char expected[256];

	load(r, "");
	assert_int_equal(chmod(r->path, 0666), 0);
	room_check(r);
	snprintf(expected, sizeof(expected),
	    "warning: everybody may write to %1$s; fix it with: chmod o-w "
	    "%1$s\n",
	    r->path);
	assert_string_equal(r->said, expected);
	assert_int_equal(r->errors, 0);
}

/* Another user may have made the file: its name must neither control the
 * terminal nor give a shell another command than the one that is meant. */
static void a_hostile_name_is_harmless(void **state)
{
	struct config_room *r = *state;
	char expected[1024], path[128], folder[128];

	room_folder(r, "sources.d");
	room_put(r, "sources.d/a\x1b;id'$(id).conf", "[source x]\n");
	load(r, "");
	room_path(r, "sources.d/a\x1b;id'$(id).conf", path);
	assert_int_equal(chmod(path, 0666), 0);
	room_path(r, "sources.d", folder);
	snprintf(expected, sizeof(expected),
	    "warning: everybody may write to %1$s/a?;id'$(id).conf; fix it "
	    "with: chmod o-w '%1$s/a?;id'\\''$(id).conf'\n",
	    folder);
	warns(r, expected);
}

/* Who may write there can be any server. */
static void certificates_for_everybody_are_a_warning(void **state)
{
	struct config_room *r = *state;
	char expected[512], path[128];

	put_certificate(r, "root.pem", 0666);
	load_certificate(r, "root.pem");
	room_path(r, "root.pem", path);
	room_check(r);
	snprintf(expected, sizeof(expected),
	    "warning: everybody may write to %1$s; fix it with: chmod o-w "
	    "%1$s\n",
	    path);
	assert_non_null(strstr(r->said, expected));
}

/* There the main file can be replaced. */
static void a_folder_for_everybody_is_a_warning(void **state)
{
	struct config_room *r = *state;
	char expected[512];

	load(r, "");
	assert_int_equal(chmod(r->dir, 0777), 0);
	snprintf(expected, sizeof(expected),
	    "warning: everybody may write to %1$s; fix it with: chmod o-w "
	    "%1$s\n",
	    r->dir);
	warns(r, expected);
	assert_int_equal(chmod(r->dir, 01777), 0);
	warns(r, "");
}

/* Each file, with a source or without, and the folder itself. */
static void a_further_file_for_everybody_is_a_warning(void **state)
{
	struct config_room *r = *state;
	char expected[1024], path[128];

	room_folder(r, "conf.d");
	room_put(r, "conf.d/a.conf", "[clock]\n");
	load(r, "");
	assert_int_equal(chmod(room_path(r, "conf.d/a.conf", path), 0646), 0);
	assert_int_equal(chmod(room_path(r, "conf.d", path), 0777), 0);
	snprintf(expected, sizeof(expected),
	    "warning: everybody may write to %1$s; fix it with: chmod o-w "
	    "%1$s\n"
	    "warning: everybody may write to %1$s/a.conf; fix it with: chmod "
	    "o-w %1$s/a.conf\n",
	    path);
	warns(r, expected);
}

/* Root can read the file, but the configured user cannot. */
static void a_configuration_that_the_user_cannot_read(void **state)
{
	struct config_room *r = *state;
	char expected[1024], path[128], owners[64];

	if (!am_root())
		skip();
	room_folder(r, "conf.d");
	room_put(r, "conf.d/a.conf", "[clock]\n");
	load(r, "");
	assert_int_equal(chmod(room_path(r, "conf.d/a.conf", path), 0640), 0);
	snprintf(expected, sizeof(expected),
	    "warning: user nobody cannot read %1$s, so the agent cannot "
	    "read it again on a reload; fix it with: chmod o+rX %1$s\n"
	    "  %1$s belongs to %2$s and has the mode 0640\n",
	    path, makers(owners));
	warns(r, expected);
	/* A closed folder hides what is in it. */
	assert_int_equal(chmod(r->dir, 0750), 0);
	snprintf(expected, sizeof(expected),
	    "warning: user nobody cannot read %1$s, so the agent cannot "
	    "read it again on a reload; fix it with: chmod o+rX %2$s\n"
	    "  %2$s belongs to %3$s and has the mode 0750\n",
	    r->path, r->dir, owners);
	warns(r, expected);
}

/* chmod follows links: a cure must not make root change another file. */
static void a_link_has_no_cure(void **state)
{
	struct config_room *r = *state;
	char link[128], other[128];

	load(r, "");
	room_folder(r, "conf.d");
	room_folder(r, "sources.d");
	room_put(r, "secret", "");
	assert_int_equal(chmod(room_path(r, "secret", other), 0600), 0);
	assert_int_equal(
	    symlink("/dev/null", room_path(r, "conf.d/a.conf", link)), 0);
	assert_int_equal(
	    symlink("/dev/null", room_path(r, "sources.d/a.conf", link)), 0);
	assert_int_equal(
	    symlink(other, room_path(r, "sources.d/b.conf", link)), 0);
	room_check(r);
	assert_null(strstr(r->said, "chmod"));
	assert_int_equal(chmod(other, 0666), 0);
	room_check(r);
	assert_null(strstr(r->said, "chmod"));
}

/* Only root changes the user, so only root needs that user. */
static void a_missing_user(void **state)
{
	struct config_room *r = *state;

	load(r, "");
	strcpy(r->config.user, "no-such-user");
	room_check(r);
	assert_int_equal(r->errors, am_root() ? 1 : 0);
	assert_int_equal(
	    strstr(r->said, "the user \"no-such-user\" does not exist; make "
			    "it with `useradd") != NULL,
	    am_root());
}

/* The default one need not exist. */
static void a_missing_second_user(void **state)
{
	struct config_room *r = *state;

	load(r, "");
	strcpy(r->config.user_resolver, "no-such-user");
	room_check(r);
	assert_int_equal(r->errors, am_root() ? 1 : 0);
	assert_int_equal(
	    strstr(r->said, "(user-resolver = in [agent])") != NULL, am_root());
	strcpy(r->config.user_resolver, CONFIG_USER_RESOLVER);
	room_check(r);
	assert_int_equal(r->errors, 0);
}

/* Root: a certificate that the agent's user may read, but no job. */
static void the_second_user_reads_the_certificates(void **state)
{
	struct config_room *r = *state;
	char path[128];

	if (!am_root())
		skip();
	put_certificate(r, "root.crt", 0400);
	load_certificate(r, "root.crt");
	strcpy(r->config.user_resolver, "daemon");
	room_path(r, "root.crt", path);
	assert_int_equal(chown(path, getpwnam("nobody")->pw_uid, 0), 0);
	room_check(r);
	assert_int_equal(r->errors, 1);
	assert_non_null(strstr(r->said, "root.crt as user daemon: "));
	/* The group of the agent's user stays theirs. */
	assert_int_equal(chown(path, 0, getpwnam("nobody")->pw_gid), 0);
	assert_int_equal(chmod(path, 0440), 0);
	room_check(r);
	assert_int_equal(r->errors, 0);
}

/* What was not checked is not good. */
static void a_check_that_cannot_start(void **state)
{
	struct config_room *r = *state;

	if (!am_root())
		skip();
	load(r, "");
	no_processes = true;
	room_check(r);
	no_processes = false;
	assert_string_equal(
	    r->said, "error: the check as the agent's user failed\n");
	assert_int_equal(r->errors, 1);
}

static int has_passed(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
		       WEXITSTATUS(status) == ALL_PASSED
		   ? 0
		   : 1;
}

#define IN_ROOM(test)                                                          \
	cmocka_unit_test_setup_teardown(test, room_make, room_drop)

static const struct CMUnitTest tests[] = {
    IN_ROOM(nothing_to_say),
    IN_ROOM(an_unreadable_certificate),
    IN_ROOM(another_user_only_warns_of_closed_files),
    IN_ROOM(root_and_the_agents_user_are_no_others),
    IN_ROOM(a_folder_that_cannot_be_entered),
    IN_ROOM(a_missing_certificate_and_an_empty_one),
    IN_ROOM(a_certificate_of_later),
    IN_ROOM(an_expired_certificate_next_to_a_good_one),
    IN_ROOM(an_expired_certificate_alone),
    IN_ROOM(a_certificate_that_expires_soon),
    IN_ROOM(a_certificate_that_is_no_ca),
    IN_ROOM(a_broken_block_of_a_file),
    IN_ROOM(the_name_of_a_file_is_printed_harmlessly),
    IN_ROOM(a_file_with_two_names_is_named_once),
    IN_ROOM(revocation_lists_are_checked),
    IN_ROOM(a_list_that_cannot_be_used_is_an_error),
    IN_ROOM(a_revocation_list_that_is_not_there),
    IN_ROOM(a_folder_that_cannot_be_written),
    IN_ROOM(a_folder_of_the_system_stays_as_it_is),
    IN_ROOM(what_is_in_the_way_of_the_start),
    IN_ROOM(a_folder_in_the_place_of_the_key),
    IN_ROOM(a_folder_in_the_place_of_a_file),
    IN_ROOM(a_file_in_the_place_of_a_folder),
    IN_ROOM(the_folder_of_the_measurements_is_checked),
    IN_ROOM(keys_in_a_folder_without_the_right_to_write),
    IN_ROOM(keys_in_somebody_elses_folder),
    IN_ROOM(keys_in_a_folder_that_is_open),
    IN_ROOM(keys_where_a_file_is),
    IN_ROOM(an_error_of_a_folder_names_the_line),
    IN_ROOM(a_file_in_the_way_of_a_folder),
    IN_ROOM(a_folder_that_is_mounted_read_only),
    IN_ROOM(a_missing_folder_is_no_error),
    IN_ROOM(a_host_of_two_sections_is_a_warning),
    IN_ROOM(few_sources_are_a_warning),
    IN_ROOM(many_sources_are_a_warning),
    IN_ROOM(a_file_of_leap_seconds_that_is_of_no_use),
    IN_ROOM(a_default_file_of_leap_seconds_may_be_missing),
    IN_ROOM(what_cannot_be_bound_is_a_warning),
    IN_ROOM(a_fixed_port_is_a_warning),
    IN_ROOM(the_port_of_the_other_protocol_is_a_warning),
    IN_ROOM(a_file_that_is_not_read_because_of_its_name),
    IN_ROOM(a_file_for_everybody_is_a_warning),
    IN_ROOM(a_hostile_name_is_harmless),
    IN_ROOM(certificates_for_everybody_are_a_warning),
    IN_ROOM(a_folder_for_everybody_is_a_warning),
    IN_ROOM(a_further_file_for_everybody_is_a_warning),
    IN_ROOM(a_configuration_that_the_user_cannot_read),
    IN_ROOM(a_link_has_no_cure),
    IN_ROOM(a_missing_user),
    IN_ROOM(a_missing_second_user),
    IN_ROOM(the_second_user_reads_the_certificates),
    IN_ROOM(a_check_that_cannot_start),
};

int main(void)
{
	pid_t pid = fork();

	/* The check ends a process, which must not be the one that asks. */
	if (pid == 0)
		exit(cmocka_run_group_tests(tests, NULL, NULL) == 0 ? ALL_PASSED
								    : 1);
	return has_passed(pid);
}
