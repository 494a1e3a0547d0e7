#include "resolver/certificate/trust.h"
#include "resolver/certificate/trust_file.h"

#include "resolver/frame.h"
#include "tests/unit/nts/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <openssl/x509_vfy.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534

/* True: the modes of all files allow everything. */
static bool modes_allow;

int faccessat(int at, const char *path, int mode, int flags)
{
	return modes_allow
		   ? 0
		   : (int)syscall(SYS_faccessat2, at, path, mode, flags);
}

struct trust_world {
	char directory[64];
	struct pki_pair a, b, old;
	struct trust_config config;
	struct trust trust;
	char text[KE_TEXT_MAX];
};

/* DIRECTORY/name. The result of the fourth next call replaces it. */
static const char *in(const struct trust_world *w, const char *name)
{
	static char path[4][160];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", w->directory, name);
	return p;
}

static int setup(void **state)
{
	struct trust_world *w = calloc(1, sizeof(*w));

	strcpy(w->directory, P_tmpdir "/ntsagent-trust-XXXXXX");
	PKI_MUST(mkdtemp(w->directory));
	PKI_MUST(chmod(w->directory, 0755) == 0);
	w->a = pki_issue(NULL, (struct pki_spec){.name = "A", .ca = true});
	w->b = pki_issue(NULL, (struct pki_spec){.name = "B", .ca = true});
	w->old = pki_issue(NULL, (struct pki_spec){.name = "Old",
				     .ca = true,
				     .from_s = -9 * PKI_DAY_S,
				     .to_s = -2 * PKI_DAY_S});
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct trust_world *w = *state;
	char command[128];

	trust_free(&w->trust);
	pki_free(&w->a);
	pki_free(&w->b);
	pki_free(&w->old);
	(void)chmod(in(w, "private"), 0700);
	snprintf(command, sizeof(command), "rm -r %s", w->directory);
	PKI_MUST(system(command) == 0);
	free(w);
	return 0;
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void configure(struct trust_world *w, const char *path)
{
	snprintf(
	    w->config.paths[w->config.path_count++], FILE_PATH_MAX, "%s", path);
}

static void configure_list(struct trust_world *w, const char *path)
{
	snprintf(
	    w->config.crls[w->config.crl_count++], FILE_PATH_MAX, "%s", path);
}

static bool load(struct trust_world *w)
{
	struct sentence why = sentence_to(w->text, sizeof(w->text));

	trust_free(&w->trust);
	return trust_load(&w->trust, &w->config, &why);
}

static void keep_first(void *self, enum trust_fault fault, const char *sentence)
{
	struct trust_world *w = self;

	(void)fault;
	if (w->text[0] == '\0')
		snprintf(w->text, sizeof(w->text), "%s", sentence);
}

/* Can the path be used without a fault? */
static bool check(struct trust_world *w, const char *path)
{
	const struct trust_visitor v = {.self = w, .fault = keep_first};

	w->text[0] = '\0';
	return trust_visit(path, PEM_CERTIFICATE, &v) > 0 && w->text[0] == '\0';
}

static bool trusts(const struct trust_world *w, const struct pki_pair *pair)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	bool yes;

	assert_int_equal(
	    X509_STORE_CTX_init(ctx, w->trust.store, pair->certificate, NULL),
	    1);
	yes = X509_verify_cert(ctx) == 1;
	X509_STORE_CTX_free(ctx);
	return yes;
}

/* Expects the sentence, with DIR, USER and GROUP replaced. */
static void said(
    const struct trust_world *w, const char *text, const char *sentence)
{
	const struct passwd *user = getpwuid(getuid() ? getuid() : NOBODY);
	const struct group *group = getgrgid(getuid() ? getgid() : NOBODY);
	char want[4096];
	struct sentence out = sentence_to(want, sizeof(want));

	while (*sentence) {
		if (strncmp(sentence, "DIR", 3) == 0) {
			sentence_add(&out, "%s", w->directory);
			sentence += 3;
		} else if (strncmp(sentence, "USER", 4) == 0) {
			sentence_add(&out, "%s", user->pw_name);
			sentence += 4;
		} else if (strncmp(sentence, "GROUP", 5) == 0) {
			sentence_add(&out, "%s", group->gr_name);
			sentence += 5;
		} else {
			sentence_add(&out, "%c", *sentence++);
		}
	}
	assert_string_equal(text, want);
}

static void a_file_with_several_is_taken_whole(void **state)
{
	struct trust_world *w = *state;
	FILE *f = fopen(in(w, "both.pem"), "w");

	fputs("Our roots:\n", f);
	PEM_write_X509(f, w->a.certificate);
	fputs("and\n", f);
	PEM_write_X509(f, w->b.certificate);
	fclose(f);
	configure(w, in(w, "both.pem"));
	assert_true(load(w));
	assert_string_equal(w->trust.problem, "");
	said(w, w->trust.sources, "1 file: DIR/both.pem");
	assert_true(trusts(w, &w->a));
	assert_true(trusts(w, &w->b));
	assert_false(trusts(w, &w->old));
	assert_true(check(w, in(w, "both.pem")));
}

static void der_is_taken_too(void **state)
{
	struct trust_world *w = *state;
	FILE *f = fopen(in(w, "a.cer"), "w");

	i2d_X509_fp(f, w->a.certificate);
	fclose(f);
	configure(w, in(w, "a.cer"));
	assert_true(load(w));
	assert_true(trusts(w, &w->a));
}

static void a_directory_gives_its_certificates(void **state)
{
	struct trust_world *w = *state;

	mkdir(in(w, "d"), 0755);
	pki_write(in(w, "d/a.crt"), w->a.certificate);
	pki_write(in(w, "d/5a3c7f01.0"), w->b.certificate);
	pki_write(in(w, "d/README"), w->old.certificate);
	write_text(in(w, "d/.hidden.pem"), "nothing");
	configure(w, in(w, "d"));
	assert_true(load(w));
	assert_string_equal(w->trust.problem, "");
	assert_int_equal(w->trust.files, 2);
	assert_true(trusts(w, &w->a));
	assert_true(trusts(w, &w->b));
}

/* Debian has such names in /etc/ssl/certs. */
static void a_name_in_a_directory_need_not_be_ascii(void **state)
{
	struct trust_world *w = *state;
	X509_CRL *list = pki_list(&w->a, (struct pki_list_spec){0});

	mkdir(in(w, "d"), 0755);
	pki_write(in(w, "d/F\xc5\x91.pem"), w->a.certificate);
	pki_write_list(in(w, "d/F\xc5\x91.crl"), list);
	configure(w, in(w, "d"));
	assert_true(load(w));
	assert_string_equal(w->trust.problem, "");
	assert_true(trusts(w, &w->a));
	configure_list(w, in(w, "d"));
	assert_true(load(w));
	assert_int_equal(sk_X509_CRL_num(w->trust.crls), 1);
	write_text(in(w, "d/F\xc5\x91.pem"), "");
	assert_false(check(w, in(w, "d")));
	said(w, w->text, "the trusted certificate file DIR/d/F??.pem is empty");
	X509_CRL_free(list);
}

/* Only these names count in a directory. */
static void names_of_certificates(void **state)
{
	static const struct {
		const char *name;
		bool taken;
	} rows[] = {
	    {"a.pem", true},
	    {"a.PEM", true},
	    {"a.crt", true},
	    {"a.b.cer", true},
	    {"5a3c7f01.0", true},
	    {"5A3C7F01.12", true},
	    {".hidden.pem", false},
	    {"a.pem~", false},
	    {"a", false},
	    {"pem", false},
	    {"5a3c7f0.0", false},
	    {"5a3c7f012.0", false},
	    {"nothexad.0", false},
	    {"5a3c7f0x.0", false},
	    {"5a3c7f01.r0", false},
	    {"5a3c7f01.a.0", false},
	};
	struct trust_world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char path[160];

		mkdir(in(w, "d"), 0755);
		snprintf(path, sizeof(path), "%s/%s", in(w, "d"), rows[i].name);
		pki_write(path, w->a.certificate);
		w->config.path_count = 0;
		configure(w, in(w, "d"));
		if (load(w) != rows[i].taken)
			fail_msg("%s", rows[i].name);
		assert_int_equal(unlink(path), 0);
	}
}

/* A file in trusted-certs that has no certificate is not counted. */
static void a_file_without_certificate_is_reported(void **state)
{
	struct trust_world *w = *state;

	write_text(in(w, "empty.pem"), "");
	configure(w, in(w, "empty.pem"));
	assert_false(load(w));
	assert_int_equal(w->trust.files, 0);
	assert_false(w->trust.expired);
	said(w, w->text,
	    "no certificate is trusted: the trusted certificate file "
	    "DIR/empty.pem is empty");
	write_text(in(w, "empty.pem"), "\n");
	assert_false(load(w));
	said(w, w->text,
	    "no certificate is trusted: the trusted certificate file "
	    "DIR/empty.pem has no certificate in it (PEM or DER)");
}

static void another_kind_of_block_is_named(void **state)
{
	static const struct {
		const char *content, *seen;
	} files[] = {
	    {"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
		", it has a block of the kind \"PRIVATE KEY\""},
	    {"text\n-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n",
		", it has a block of the kind \"CERTIFICATE REQUEST\""},
	    {"-----BEGIN PKCS7-----\nMIIB\n-----END PKCS7-----\n",
		", it has a block of the kind \"PKCS7\" (as PEM: openssl pkcs7 "
		"-print_certs <FILE)"},
	    {"-----BEGIN \x1b\"-----\n", ", it has a block of the kind \"?'\""},
	    {"-----BEGIN PRIVATE KEY\n", ""},
	    {"-----BEGIN -----\n", ""},
	    {"-----BEGIN A KEY WHOSE NAME IS LONGER THAN ANY THAT IS "
	     "KNOWN-----",
		""},
	};
	struct trust_world *w = *state;
	char want[600];

	configure(w, in(w, "a.pem"));
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		write_text(in(w, "a.pem"), files[i].content);
		assert_false(load(w));
		snprintf(want, sizeof(want),
		    "no certificate is trusted: the trusted certificate file "
		    "DIR/a.pem has no certificate in it (PEM or DER)%s",
		    files[i].seen);
		said(w, w->text, want);
	}
}

/* What Windows exports: the certificates are in a wrapper. */
static void a_wrapper_of_certificates_has_a_cure(void **state)
{
	struct trust_world *w = *state;

	write_text(in(w, "ca.p7b"), "0\x82\x02\x17");
	configure(w, in(w, "ca.p7b"));
	assert_false(load(w));
	said(w, w->text,
	    "no certificate is trusted: the trusted certificate file "
	    "DIR/ca.p7b begins like DER, but its content is not a certificate: "
	    "replace it (a PKCS #7 file as PEM: openssl pkcs7 -inform DER "
	    "-print_certs <FILE)");
}

static void the_files_that_are_read(void **state)
{
	struct trust_world *w = *state;
	const char *out[TRUST_READ_PATHS_MAX];

	configure(w, "/a");
	configure(w, "/b");
	assert_int_equal(trust_read_paths(&w->config, out), 2);
	assert_string_equal(out[0], "/a");
	assert_string_equal(out[1], "/b");
	configure_list(w, "/c");
	assert_int_equal(trust_read_paths(&w->config, out), 3);
	assert_string_equal(out[2], "/c");
	w->config.crl_count = 0;
	w->config.system_certs = true;
	assert_int_equal(setenv("SSL_CERT_FILE", "/bundle", 1), 0);
	assert_int_equal(setenv("SSL_CERT_DIR", "", 1), 0);
	assert_int_equal(trust_read_paths(&w->config, out), 4);
	assert_string_equal(out[2], "/bundle");
	assert_string_equal(out[3], X509_get_default_cert_dir());
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
	assert_int_equal(trust_read_paths(&w->config, out), 4);
	assert_string_equal(out[2], X509_get_default_cert_file());
}

static void a_file_is_read_whole(void **state)
{
	struct trust_world *w = *state;
	size_t len = 7;
	char *bytes;

	write_text(in(w, "f"), "four");
	bytes = trust_read(in(w, "f"), &len);
	assert_non_null(bytes);
	assert_int_equal(len, 4);
	assert_memory_equal(bytes, "four", 4);
	free(bytes);
	assert_int_equal(truncate(in(w, "f"), TRUST_FILE_MAX), 0);
	bytes = trust_read(in(w, "f"), &len);
	assert_non_null(bytes);
	assert_int_equal(len, TRUST_FILE_MAX);
	free(bytes);
	assert_int_equal(truncate(in(w, "f"), 0), 0);
	bytes = trust_read(in(w, "f"), &len);
	assert_non_null(bytes);
	assert_int_equal(len, 0);
	free(bytes);
	assert_null(trust_read(in(w, "absent"), &len));
	assert_int_equal(errno, ENOENT);
}

/* Counts, algorithms, and the end of each path. */
static void a_bad_configuration_of_trust_is_refused(void **state)
{
	struct trust_config good = {.system_certs = true,
	    .path_count = TRUST_PATHS_MAX,
	    .aead_count = 1,
	    .aeads = {AEAD_AES_SIV_CMAC_256}};
	struct trust_config c = good;
	const unsigned char two = 2;

	(void)state;
	assert_true(trust_config_valid(&c));
	c.path_count = TRUST_PATHS_MAX + 1;
	assert_false(trust_config_valid(&c));
	c = good;
	memcpy(&c.system_certs, &two, 1);
	assert_false(trust_config_valid(&c));
	c = good;
	memset(c.paths[TRUST_PATHS_MAX - 1], 'p', FILE_PATH_MAX);
	assert_false(trust_config_valid(&c));
	c.paths[TRUST_PATHS_MAX - 1][FILE_PATH_MAX - 1] = '\0';
	assert_true(trust_config_valid(&c));
	c = good;
	c.crl_count = CRL_PATHS_MAX;
	memset(c.crls[CRL_PATHS_MAX - 1], 'p', FILE_PATH_MAX);
	assert_false(trust_config_valid(&c));
	c.crls[CRL_PATHS_MAX - 1][FILE_PATH_MAX - 1] = '\0';
	assert_true(trust_config_valid(&c));
	c.crl_count = CRL_PATHS_MAX + 1;
	assert_false(trust_config_valid(&c));
	c = good;
	c.aeads[0] = (enum aead_id)16;
	assert_false(trust_config_valid(&c));
	c = good;
	c.aead_count = AEAD_COUNT;
	for (unsigned i = 0; i < AEAD_COUNT; i++)
		c.aeads[i] = AEAD_AES_SIV_CMAC_256;
	assert_true(trust_config_valid(&c));
	c.aead_count = AEAD_COUNT + 1;
	assert_false(trust_config_valid(&c));
}

static void one_bad_file_does_not_spoil_others(void **state)
{
	struct trust_world *w = *state;

	mkdir(in(w, "d"), 0755);
	write_text(in(w, "d/0.pem"), "not a certificate\n");
	pki_write(in(w, "d/a.pem"), w->a.certificate);
	write_text(in(w, "d/z.pem"), "");
	configure(w, in(w, "d"));
	configure(w, in(w, "absent.pem"));
	assert_true(load(w));
	assert_true(trusts(w, &w->a));
	said(w, w->trust.problem,
	    "the trusted certificate file DIR/d/0.pem has no certificate in it "
	    "(PEM or DER)");
	assert_false(check(w, in(w, "d")));
	assert_string_equal(w->text, w->trust.problem);
}

static void an_empty_directory_is_reported(void **state)
{
	struct trust_world *w = *state;

	mkdir(in(w, "d"), 0755);
	configure(w, in(w, "d"));
	assert_false(load(w));
	said(w, w->text,
	    "no certificate is trusted: the directory of trusted certificates "
	    "DIR/d has no file *.pem, *.crt or *.cer");
}

static void an_expired_root_is_reported(void **state)
{
	struct trust_world *w = *state;

	pki_write(in(w, "old.pem"), w->old.certificate);
	assert_false(check(w, in(w, "old.pem")));
	assert_non_null(
	    strstr(w->text, "the trusted certificate \"CN=Old\" in "));
	assert_non_null(strstr(w->text, "/old.pem expired on 2"));
	assert_non_null(
	    strstr(w->text, " UTC: replace it, or correct the local clock"));
}

static void an_expired_root_alone_is_not_trusted(void **state)
{
	struct trust_world *w = *state;

	pki_write(in(w, "old.pem"), w->old.certificate);
	configure(w, in(w, "old.pem"));
	assert_false(load(w));
	assert_int_equal(w->trust.files, 0);
	assert_true(w->trust.expired);
	assert_non_null(strstr(w->text, "no certificate is trusted: the "
					"trusted certificate \"CN=Old\" in "));
}

static void a_path_that_is_not_a_file_is_reported(void **state)
{
	struct trust_world *w = *state;

	assert_int_equal(mkfifo(in(w, "fifo.pem"), 0644), 0);
	assert_false(check(w, in(w, "fifo.pem")));
	said(w, w->text,
	    "cannot read the trusted certificate DIR/fifo.pem: it is not a "
	    "regular file");
	write_text(in(w, "huge.pem"), "");
	assert_int_equal(truncate(in(w, "huge.pem"), TRUST_FILE_MAX + 1), 0);
	assert_false(check(w, in(w, "huge.pem")));
	said(w, w->text,
	    "cannot read the trusted certificate DIR/huge.pem: it is larger "
	    "than 16 MB");
	assert_false(check(w, in(w, "absent.pem")));
	said(w, w->text,
	    "cannot read the trusted certificate DIR/absent.pem: No such file "
	    "or directory");
}

/* Expects this sentence from the check of a path by an unprivileged user. */
static void denied(
    struct trust_world *w, const char *path, const char *sentence)
{
	bool root = getuid() == 0, good;

	if (root) {
		assert_int_equal(setegid(NOBODY), 0);
		assert_int_equal(seteuid(NOBODY), 0);
	}
	good = check(w, path);
	if (root) {
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(setegid(0), 0);
	}
	assert_false(good);
	said(w, w->text, sentence);
}

static void a_file_that_may_not_be_read_is_reported(void **state)
{
	struct trust_world *w = *state;

	pki_write(in(w, "a.pem"), w->a.certificate);
	chmod(in(w, "a.pem"), 0);
	denied(w, in(w, "a.pem"),
	    "cannot read the trusted certificate DIR/a.pem as user USER: "
	    "Permission denied; fix it with: chgrp GROUP DIR/a.pem && chmod "
	    "g+r DIR/a.pem");
}

static void a_sandbox_that_denies_a_file_is_named(void **state)
{
	struct trust_world *w = *state;

	pki_write(in(w, "a.pem"), w->a.certificate);
	chmod(in(w, "a.pem"), 0);
	modes_allow = true;
	denied(w, in(w, "a.pem"),
	    "cannot read the trusted certificate DIR/a.pem as user USER: "
	    "Permission denied although the mode allows it: a sandbox "
	    "(Landlock, systemd, AppArmor or SELinux) does not; see its rule: "
	    "sudo journalctl -g denied; systemctl cat ntsagent");
	modes_allow = false;
}

static void a_directory_that_may_not_be_entered_is_reported(void **state)
{
	struct trust_world *w = *state;

	mkdir(in(w, "private"), 0700);
	pki_write(in(w, "private/a.pem"), w->a.certificate);
	chmod(in(w, "private"), 0);
	denied(w, in(w, "private/a.pem"),
	    "cannot read the trusted certificate DIR/private/a.pem as user "
	    "USER: Permission denied: that user may not enter the directory "
	    "DIR/private; fix it with: chgrp GROUP DIR/private && chmod g+x "
	    "DIR/private, or move the file");
	assert_int_equal(symlink(in(w, "private/a.pem"), in(w, "link.pem")), 0);
	denied(w, in(w, "link.pem"),
	    "cannot read the trusted certificate DIR/link.pem as user USER: "
	    "Permission denied for DIR/private/a.pem, the target of the link: "
	    "that user may not enter the directory DIR/private; fix it with: "
	    "chgrp "
	    "GROUP DIR/private && chmod g+x DIR/private, or move the "
	    "file");
}

/* A broken block costs itself: it is said with file and line. */
static void a_broken_block_is_reported(void **state)
{
	struct trust_world *w = *state;
	FILE *f = fopen(in(w, "three.pem"), "w");

	fputs("-----BEGIN CERTIFICATE-----\nMII*\n", f);
	fputs("-----END CERTIFICATE-----\n", f);
	PEM_write_X509(f, w->a.certificate);
	fclose(f);
	configure(w, in(w, "three.pem"));
	assert_true(load(w));
	assert_true(trusts(w, &w->a));
	said(w, w->trust.problem,
	    "DIR/three.pem, line 1: the trusted certificate there is broken, "
	    "it is not base64; replace it (the others in that file are used)");
	assert_string_equal(w->trust.hidden, w->trust.problem);
	assert_false(check(w, in(w, "three.pem")));
	assert_string_equal(w->text, w->trust.problem);
}

/* An expired certificate is no reason why another one is unknown. */
static void only_what_hides_certificates_is_a_reason(void **state)
{
	struct trust_world *w = *state;

	pki_write(in(w, "old.pem"), w->old.certificate);
	pki_write(in(w, "a.pem"), w->a.certificate);
	configure(w, in(w, "old.pem"));
	configure(w, in(w, "a.pem"));
	assert_true(load(w));
	assert_non_null(strstr(w->trust.problem, "expired on"));
	assert_string_equal(w->trust.hidden, "");
	configure(w, in(w, "absent.pem"));
	assert_true(load(w));
	said(w, w->trust.hidden,
	    "cannot read the trusted certificate DIR/absent.pem: No such file "
	    "or directory");
}

static void each_certificate_has_its_origin(void **state)
{
	struct trust_world *w = *state;
	const struct trust_origin *origin;
	FILE *f = fopen(in(w, "two.pem"), "w");

	fputs("Our roots:\n", f);
	PEM_write_X509(f, w->a.certificate);
	fclose(f);
	f = fopen(in(w, "b.cer"), "w");
	i2d_X509_fp(f, w->b.certificate);
	fclose(f);
	configure(w, in(w, "two.pem"));
	configure(w, in(w, "b.cer"));
	assert_true(load(w));
	origin = trust_origin_of(&w->trust, w->a.certificate, NULL);
	assert_non_null(origin);
	assert_string_equal(origin->path, in(w, "two.pem"));
	assert_int_equal(origin->line, 2);
	origin = trust_origin_of(&w->trust, w->b.certificate, NULL);
	assert_non_null(origin);
	assert_string_equal(origin->path, in(w, "b.cer"));
	assert_int_equal(origin->line, 0);
	assert_null(trust_origin_of(&w->trust, w->old.certificate, NULL));
}

/* Revocation lists. */

static void lists_are_loaded(void **state)
{
	X509 *signer;
	struct trust_world *w = *state;
	X509_CRL *list = pki_list(&w->a, (struct pki_list_spec){0});
	FILE *f;

	pki_write(in(w, "a.pem"), w->a.certificate);
	configure(w, in(w, "a.pem"));
	mkdir(in(w, "d"), 0755);
	pki_write_list(in(w, "d/a.crl"), list);
	pki_write_list(in(w, "d/5a3c7f01.r0"), list);
	/* Files of a directory may have something else. */
	pki_write(in(w, "d/a.pem"), w->a.certificate);
	write_text(in(w, "d/README"), "nothing");
	f = fopen(in(w, "list.der"), "w");
	i2d_X509_CRL_fp(f, list);
	fclose(f);
	configure_list(w, in(w, "d"));
	configure_list(w, in(w, "list.der"));
	assert_true(load(w));
	assert_int_equal(sk_X509_CRL_num(w->trust.crls), 3);
	assert_string_equal(trust_origin_of(&w->trust, NULL,
				sk_X509_CRL_value(w->trust.crls, 1))
				->path,
	    in(w, "d/a.crl"));
	signer = trust_signer_of(&w->trust, list);
	assert_non_null(signer);
	assert_int_equal(X509_cmp(signer, w->a.certificate), 0);
	X509_free(signer);
	X509_CRL_free(list);
	list = pki_list(&w->b, (struct pki_list_spec){0});
	assert_null(trust_signer_of(&w->trust, list));
	X509_CRL_free(list);
}

/* It may revoke the certificate of the server. */
static void a_list_that_cannot_be_read_stops_all(void **state)
{
	struct trust_world *w = *state;

	pki_write(in(w, "a.pem"), w->a.certificate);
	configure(w, in(w, "a.pem"));
	mkdir(in(w, "d"), 0755);
	configure_list(w, in(w, "d"));
	/* There are no lists yet. */
	assert_true(load(w));
	configure_list(w, in(w, "absent.crl"));
	assert_false(load(w));
	said(w, w->text,
	    "certificates cannot be checked for revocation: cannot read the "
	    "revocation list DIR/absent.crl: No such file or directory");
	write_text(in(w, "absent.crl"), "");
	assert_false(load(w));
	said(w, w->text,
	    "certificates cannot be checked for revocation: the revocation "
	    "list file DIR/absent.crl is empty");
	write_text(in(w, "absent.crl"), "\n-----BEGIN X509 CRL-----\nMIIB\n");
	assert_false(load(w));
	said(w, w->text,
	    "certificates cannot be checked for revocation: DIR/absent.crl, "
	    "line 2: the revocation list there is broken, its line END is "
	    "missing; replace it (until then no certificate is accepted)");
}

#define UNCHECKED "certificates cannot be checked for revocation: "
#define KEY "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"

/* What the sentence says of such a content. */
static const char *content_of(const char *text)
{
	if (*text == '\0')
		return "is empty";
	return strstr(text, KEY) ? "has no revocation list in it (PEM or DER), "
				   "it has a block of the kind \"PRIVATE KEY\""
				 : "has no revocation list in it (PEM or DER)";
}

/* A download that failed must not switch the check off. */
static void a_list_of_a_directory_that_is_broken_stops_all(void **state)
{
	static const struct {
		const char *name, *text;
		enum { NO_FAULT, NO_LIST, BROKEN_DER } fault;
	} rows[] = {
	    {"ca.crl", "", NO_LIST},
	    {"ca.crl", "<html>404 Not Found</html>\n", NO_LIST},
	    {"ca.crl", "0\x82\x02\x17", BROKEN_DER},
	    {"ca.crl", "0", BROKEN_DER},
	    {"ca.crl", KEY, NO_LIST},
	    {"ca.CRL", "", NO_LIST},
	    {"5a3c7f01.r0", "", NO_LIST},
	    {"5a3c7f01.r0", KEY, NO_LIST},
	    {"ca.pem", "", NO_LIST},
	    {"ca.pem", "<html>", NO_LIST},
	    {"ca.pem", "0\x82\x02\x17", BROKEN_DER},
	    {"ca.pem", "-----BEGIN X509 CR", NO_LIST},
	    {"ca.pem", KEY "-----BEGIN X509 CR", NO_LIST},
	    {"ca.pem", KEY, NO_FAULT},
	    {"ca.PEM", KEY, NO_FAULT},
	};
	struct trust_world *w = *state;

	pki_write(in(w, "a.pem"), w->a.certificate);
	configure(w, in(w, "a.pem"));
	mkdir(in(w, "d"), 0755);
	configure_list(w, in(w, "d"));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *name = rows[i].name;
		char path[160], want[256];

		snprintf(path, sizeof(path), "%s/%s", in(w, "d"), name);
		write_text(path, rows[i].text);
		if (load(w) != (rows[i].fault == NO_FAULT))
			fail_msg("%s: %s", name, rows[i].text);
		if (rows[i].fault == NO_LIST)
			snprintf(want, sizeof(want),
			    UNCHECKED "the revocation list file DIR/d/%s %s",
			    name, content_of(rows[i].text));
		else
			snprintf(want, sizeof(want),
			    UNCHECKED "the revocation list file DIR/d/%s "
				      "begins like DER, but its content is not "
				      "a revocation list: replace it",
			    name);
		if (rows[i].fault != NO_FAULT)
			said(w, w->text, want);
		assert_int_equal(unlink(path), 0);
	}
}

/* The system has its certificates in this directory, and trusts nothing. */
static void system_lacks(
    struct trust_world *w, const char *directory, const char *sentence)
{
	w->config.system_certs = true;
	setenv("SSL_CERT_FILE", in(w, "absent.pem"), 1);
	setenv("SSL_CERT_DIR", in(w, directory), 1);
	assert_false(load(w));
	said(w, w->text, sentence);
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
}

static void a_system_without_certificates_is_reported(void **state)
{
	struct trust_world *w = *state;

	mkdir(in(w, "d"), 0755);
	system_lacks(w, "d",
	    "no certificate is trusted: this system has none, neither in "
	    "DIR/absent.pem nor in DIR/d; install them (the package "
	    "ca-certificates), or set trusted-certs");
}

/* Root may read each file, so the test's link leads to itself. */
static void a_system_that_cannot_be_read_is_not_empty(void **state)
{
	struct trust_world *w = *state;

	assert_int_equal(symlink("loop", in(w, "loop")), 0);
	system_lacks(w, "loop",
	    "no certificate is trusted: cannot read the system's certificates "
	    "in DIR/loop: Too many levels of symbolic links");
}

static void the_system_is_enough(void **state)
{
	struct trust_world *w = *state;

	w->config.system_certs = true;
	assert_true(load(w));
	assert_string_equal(w->trust.sources, "the system's certificates");
	configure(w, in(w, "absent.pem"));
	assert_true(load(w));
	said(w, w->trust.sources,
	    "the system's certificates and no usable one in DIR/absent.pem");
}

/* A file without a usable certificate is none of those that are trusted. */
static void the_usable_files_are_counted_and_one_is_named(void **state)
{
	struct trust_world *w = *state;

	pki_write(in(w, "a.pem"), w->a.certificate);
	pki_write(in(w, "b.pem"), w->b.certificate);
	configure(w, in(w, "absent.pem"));
	configure(w, in(w, "a.pem"));
	assert_true(load(w));
	said(w, w->trust.sources, "1 file: DIR/a.pem");
	configure(w, in(w, "b.pem"));
	assert_true(load(w));
	said(w, w->trust.sources, "2 files: DIR/a.pem and 1 more");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_file_with_several_is_taken_whole),
	    TEST(der_is_taken_too),
	    TEST(a_directory_gives_its_certificates),
	    TEST(a_name_in_a_directory_need_not_be_ascii),
	    TEST(names_of_certificates),
	    TEST(a_file_without_certificate_is_reported),
	    TEST(another_kind_of_block_is_named),
	    TEST(a_wrapper_of_certificates_has_a_cure),
	    TEST(the_files_that_are_read),
	    TEST(a_file_is_read_whole),
	    TEST(a_bad_configuration_of_trust_is_refused),
	    TEST(one_bad_file_does_not_spoil_others),
	    TEST(an_empty_directory_is_reported),
	    TEST(an_expired_root_is_reported),
	    TEST(an_expired_root_alone_is_not_trusted),
	    TEST(a_path_that_is_not_a_file_is_reported),
	    TEST(a_file_that_may_not_be_read_is_reported),
	    TEST(a_sandbox_that_denies_a_file_is_named),
	    TEST(a_directory_that_may_not_be_entered_is_reported),
	    TEST(a_broken_block_is_reported),
	    TEST(only_what_hides_certificates_is_a_reason),
	    TEST(each_certificate_has_its_origin),
	    TEST(lists_are_loaded),
	    TEST(a_list_that_cannot_be_read_stops_all),
	    TEST(a_list_of_a_directory_that_is_broken_stops_all),
	    TEST(a_system_without_certificates_is_reported),
	    TEST(a_system_that_cannot_be_read_is_not_empty),
	    TEST(the_system_is_enough),
	    TEST(the_usable_files_are_counted_and_one_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
