#include "resolver/certificate/trust.h"

#include "resolver/frame.h"
#include "tests/unit/nts/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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
	struct words why = words_to(w->text, sizeof(w->text));

	trust_free(&w->trust);
	return trust_load(&w->trust, &w->config, &why);
}

static bool check(struct trust_world *w, const char *path)
{
	struct words why = words_to(w->text, sizeof(w->text));

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
	struct words out = words_to(want, sizeof(want));

	while (*sentence) {
		if (strncmp(sentence, "DIR", 3) == 0) {
			words_add(&out, "%s", w->directory);
			sentence += 3;
		} else if (strncmp(sentence, "USER", 4) == 0) {
			words_add(&out, "%s", user->pw_name);
			sentence += 4;
		} else if (strncmp(sentence, "GROUP", 5) == 0) {
			words_add(&out, "%s", group->gr_name);
			sentence += 5;
		} else {
			words_add(&out, "%c", *sentence++);
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

/* Every error has a sentence, also one that no test can provoke. */
static void every_refusal_has_a_sentence(void **state)
{
	struct trust_world *w = *state;
	struct tls_refusal r = {.certificate = w->a.certificate};

	assert_true((w->config.system_certs = true));
	assert_true(load(w));
	for (r.error = 1; r.error < 100; r.error++) {
		struct words out = words_to(w->text, sizeof(w->text));

		r.depth = r.error % 2;
		trust_explain_refusal(&w->trust, &r, "ntp1", 0, &out);
		assert_non_null(strstr(w->text, "CN=A"));
	}
}

static void a_refusal_without_certificate_has_a_sentence(void **state)
{
	struct trust_world *w = *state;
	struct tls_refusal r = {.error = X509_V_ERR_UNSPECIFIED};
	struct words out = words_to(w->text, sizeof(w->text));

	trust_explain_refusal(&w->trust, &r, "ntp1", 0, &out);
	assert_string_equal(w->text,
	    "the server's certificate is refused: unspecified certificate "
	    "verification error");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_file_with_several_is_taken_whole),
	    TEST(der_is_taken_too),
	    TEST(a_directory_gives_its_certificates),
	    TEST(one_bad_file_does_not_spoil_others),
	    TEST(an_empty_directory_is_reported),
	    TEST(an_expired_root_is_reported),
	    TEST(a_path_that_is_not_a_file_is_reported),
	    TEST(a_file_that_may_not_be_read_is_reported),
	    TEST(a_directory_that_may_not_be_entered_is_reported),
	    TEST(the_system_is_enough),
	    TEST(every_refusal_has_a_sentence),
	    TEST(a_refusal_without_certificate_has_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
