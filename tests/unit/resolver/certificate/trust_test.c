#include "resolver/certificate/trust.h"

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
#include <unistd.h>

#define NOBODY 65534

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

static bool load(struct trust_world *w)
{
	struct sentence why = sentence_to(w->text, sizeof(w->text));

	trust_free(&w->trust);
	return trust_load(&w->trust, &w->config, &why);
}

static bool check(struct trust_world *w, const char *path)
{
	struct sentence why = sentence_to(w->text, sizeof(w->text));

	return trust_check_path(path, &why);
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
	    "DIR/empty.pem has no certificate in it (PEM or DER)");
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
	assert_non_null(strstr(w->text, "the trusted certificate CN=Old in "));
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
	assert_non_null(strstr(w->text,
	    "no certificate is trusted: the trusted certificate CN=Old in "));
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
	    "DIR/private, or move the certificate");
	assert_int_equal(symlink(in(w, "private/a.pem"), in(w, "link.pem")), 0);
	denied(w, in(w, "link.pem"),
	    "cannot read the trusted certificate DIR/link.pem as user USER: "
	    "Permission denied for DIR/private/a.pem, the target of the link: "
	    "that user may not enter the directory DIR/private; fix it with: "
	    "chgrp "
	    "GROUP DIR/private && chmod g+x DIR/private, or move the "
	    "certificate");
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
	    "the system's certificates and 0 files: DIR/absent.pem");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_file_with_several_is_taken_whole),
	    TEST(der_is_taken_too),
	    TEST(a_directory_gives_its_certificates),
	    TEST(names_of_certificates),
	    TEST(a_file_without_certificate_is_reported),
	    TEST(the_files_that_are_read),
	    TEST(a_file_is_read_whole),
	    TEST(a_bad_configuration_of_trust_is_refused),
	    TEST(one_bad_file_does_not_spoil_others),
	    TEST(an_empty_directory_is_reported),
	    TEST(an_expired_root_is_reported),
	    TEST(an_expired_root_alone_is_not_trusted),
	    TEST(a_path_that_is_not_a_file_is_reported),
	    TEST(a_file_that_may_not_be_read_is_reported),
	    TEST(a_directory_that_may_not_be_entered_is_reported),
	    TEST(the_system_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
