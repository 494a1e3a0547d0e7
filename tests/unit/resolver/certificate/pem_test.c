/* PEM blocks, good and broken, in any surroundings. */
#include "resolver/certificate/pem.h"

#include "tests/unit/nts/pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

struct pem_world {
	struct pki_pair a, b;
	X509_CRL *list;
	char *text_a, *text_b, *text_list; /* in PEM */
	unsigned lines;			   /* of text_a */
};

static char *text_of(BIO *bio)
{
	char *bytes, *text;
	long len = BIO_get_mem_data(bio, &bytes);

	text = strndup(bytes, (size_t)len);
	assert_non_null(text);
	BIO_free(bio);
	return text;
}

static char *pem_text(X509 *c)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_X509(bio, c), 1);
	return text_of(bio);
}

static int setup(void **state)
{
	struct pem_world *w = calloc(1, sizeof(*w));
	BIO *bio = BIO_new(BIO_s_mem());

	assert_non_null(w);
	w->a = pki_issue(NULL, (struct pki_spec){.name = "A", .ca = true});
	w->b = pki_issue(NULL, (struct pki_spec){.name = "B", .ca = true});
	w->list = pki_list(&w->a, (struct pki_list_spec){0});
	w->text_a = pem_text(w->a.certificate);
	w->text_b = pem_text(w->b.certificate);
	assert_int_equal(PEM_write_bio_X509_CRL(bio, w->list), 1);
	w->text_list = text_of(bio);
	for (const char *c = w->text_a; *c; c++)
		w->lines += *c == '\n';
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct pem_world *w = *state;

	pki_free(&w->a);
	pki_free(&w->b);
	X509_CRL_free(w->list);
	free(w->text_a);
	free(w->text_b);
	free(w->text_list);
	free(w);
	return 0;
}

/* Describes the blocks: "A@1 B@14", or "BROKEN(fault)@1". */
static const char *blocks_of(const struct pem_world *w, const char *bytes,
    size_t len, enum pem_kind kind)
{
	static char out[512];
	struct pem_reader r = pem_of(bytes, len, kind);
	struct pem_block b;
	size_t used = 0;

	out[0] = '\0';
	while (pem_next(&r, &b)) {
		const char *what = b.fault ? b.fault : b.crl ? "LIST" : "?";

		if (b.c && X509_cmp(b.c, w->a.certificate) == 0)
			what = "A";
		if (b.c && X509_cmp(b.c, w->b.certificate) == 0)
			what = "B";
		used += (size_t)snprintf(out + used, sizeof(out) - used,
		    "%s%s@%u", used ? " " : "", what, b.line);
		X509_free(b.c);
		X509_CRL_free(b.crl);
	}
	return out;
}

static const char *in_text(const struct pem_world *w, enum pem_kind kind,
    const char *fmt, ...) PRINTF_LIKE(3, 4);

static const char *in_text(
    const struct pem_world *w, enum pem_kind kind, const char *fmt, ...)
{
	char text[8192];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return blocks_of(w, text, (size_t)len, kind);
}

static const char *certificates(const struct pem_world *w, const char *text)
{
	return in_text(w, PEM_CERTIFICATE, "%s", text);
}

static void blocks_have_their_lines(void **state)
{
	const struct pem_world *w = *state;
	char want[64];

	snprintf(want, sizeof(want), "A@1 B@%u", w->lines + 1);
	assert_string_equal(
	    in_text(w, PEM_CERTIFICATE, "%s%s", w->text_a, w->text_b), want);
	snprintf(want, sizeof(want), "A@3 B@%u", w->lines + 4);
	assert_string_equal(
	    in_text(w, PEM_CERTIFICATE, "our roots\n\n%snext:\n%sthe end",
		w->text_a, w->text_b),
	    want);
}

/* cat without a line feed at the end of the first file. */
static void joined_blocks_are_read(void **state)
{
	const struct pem_world *w = *state;
	char want[64];

	snprintf(want, sizeof(want), "A@1 B@%u", w->lines);
	assert_string_equal(
	    in_text(w, PEM_CERTIFICATE, "%.*s%s", (int)strlen(w->text_a) - 1,
		w->text_a, w->text_b),
	    want);
}

static void other_forms_of_text_are_read(void **state)
{
	const struct pem_world *w = *state;
	char crlf[8192] = "\xef\xbb\xbf", one_line[8192] = "";
	size_t n = strlen(crlf), m = 0;

	for (const char *c = w->text_a; *c; c++) {
		if (*c == '\n')
			crlf[n++] = '\r';
		else
			one_line[m++] = *c;
		crlf[n++] = *c;
	}
	crlf[n] = one_line[m] = '\0';
	assert_string_equal(certificates(w, crlf), "A@1");
	assert_string_equal(certificates(w, one_line), "A@1");
	assert_string_equal(
	    in_text(w, PEM_CERTIFICATE, "-----BEGIN X509 CERTIFICATE-----%s",
		strchr(w->text_a, '\n')),
	    "A@1");
}

static void openssls_own_form_is_read(void **state)
{
	const struct pem_world *w = *state;
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;

	assert_int_equal(PEM_write_bio_X509_AUX(bio, w->a.certificate), 1);
	text = text_of(bio);
	assert_non_null(strstr(text, "TRUSTED CERTIFICATE"));
	assert_string_equal(certificates(w, text), "A@1");
	free(text);
}

static void der_is_one_block(void **state)
{
	const struct pem_world *w = *state;
	unsigned char *der = NULL;
	int len = i2d_X509(w->a.certificate, &der);

	assert_string_equal(
	    blocks_of(w, (char *)der, (size_t)len, PEM_CERTIFICATE), "A@0");
	assert_string_equal(blocks_of(w, (char *)der, (size_t)len, PEM_CRL),
	    "its content is not a revocation list@0");
	for (size_t cut = 1; cut < (size_t)len; cut++)
		assert_string_equal(
		    blocks_of(w, (char *)der, cut, PEM_CERTIFICATE),
		    "its content is not a certificate@0");
	OPENSSL_free(der);
}

/* Adds bytes to the end of a text of `len` bytes. */
static void join(char *text, size_t *len, const void *bytes, size_t more)
{
	memcpy(text + *len, bytes, more);
	*len += more;
}

/* Two lists in one file; the second may revoke what the first does not. */
static void joined_blocks_of_der_are_read(void **state)
{
	const struct pem_world *w = *state;
	unsigned char *der = NULL, *list = NULL;
	size_t a = (size_t)i2d_X509(w->a.certificate, &der), len = 0;
	size_t l = (size_t)i2d_X509_CRL(w->list, &list);
	char text[8192];

	join(text, &len, list, l);
	join(text, &len, list, l);
	assert_string_equal(blocks_of(w, text, len, PEM_CRL), "LIST@0 LIST@0");
	/* Half a list is not passed over. */
	for (size_t cut = 1; cut < l; cut++)
		assert_string_equal(blocks_of(w, text, len - cut, PEM_CRL),
		    "LIST@0 its content is not a revocation list@0");
	join(text, &len, "\r\n\n", 3);
	join(text, &len, list, l);
	join(text, &len, "\n", 1);
	assert_string_equal(
	    blocks_of(w, text, len, PEM_CRL), "LIST@0 LIST@0 LIST@0");
	len = 0;
	join(text, &len, der, a);
	join(text, &len, der, a);
	join(text, &len, "0 more\n", 7);
	assert_string_equal(
	    blocks_of(w, text, len, PEM_CERTIFICATE), "A@0 A@0");
	OPENSSL_free(der);
	OPENSSL_free(list);
}

/* 0 is the first byte of DER, too. */
static void a_text_may_begin_with_a_digit(void **state)
{
	const struct pem_world *w = *state;

	assert_string_equal(
	    in_text(w, PEM_CERTIFICATE, "0 is the first\n%s", w->text_a),
	    "A@2");
	assert_string_equal(certificates(w, "0 certificates"), "");
}

static void pem_behind_broken_der_is_read(void **state)
{
	const struct pem_world *w = *state;

	assert_string_equal(
	    in_text(w, PEM_CERTIFICATE, "0\x82\x01\n%s", w->text_a),
	    "its content is not a certificate@0 A@2");
}

static void skipped_blocks_are_counted(void **state)
{
	static const struct {
		const char *text;
		unsigned whole, torn;
	} cases[] = {
	    {"", 0, 0},
	    {"<html>", 0, 0},
	    {"-----BEGIN A-----\nM\n-----END A-----\n", 1, 0},
	    {"-----BEGIN A-----\nM\n", 0, 1},
	    {"-----BEGIN A-----\n-----BEGIN B-----\n-----END B-----\n", 1, 1},
	    {"-----BEGIN X509 CR", 0, 1},
	    {"-----BEGIN ", 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *text = cases[i].text;
		struct pem_reader r = pem_of(text, strlen(text), PEM_CRL);
		struct pem_block b;

		assert_false(pem_next(&r, &b));
		assert_int_equal(r.whole, cases[i].whole);
		assert_int_equal(r.torn, cases[i].torn);
	}
}

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "-----END CERTIFICATE-----\n"

static void a_broken_block_costs_itself(void **state)
{
	static const struct {
		const char *text, *fault;
		unsigned lines;
	} cases[] = {
	    {BEGIN "MIIB\n", "its line END is missing", 2},
	    {BEGIN, "its line END is missing", 1},
	    {BEGIN "MII*\n" END, "it is not base64", 3},
	    {BEGIN "MIIBx\n" END, "it is not base64", 3},
	    {BEGIN "MI=I\n" END, "it is not base64", 3},
	    {BEGIN "M===\n" END, "it is not base64", 3},
	    {BEGIN "====\n" END, "it is not base64", 3},
	    {BEGIN END, "it is not base64", 2},
	    {BEGIN "MIIB\n" END, "its content is not a certificate", 3},
	};
	const struct pem_world *w = *state;
	char want[128];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(want, sizeof(want), "A@1 %s@%u B@%u", cases[i].fault,
		    w->lines + 1, w->lines + 1 + cases[i].lines);
		assert_string_equal(in_text(w, PEM_CERTIFICATE, "%s%s%s",
					w->text_a, cases[i].text, w->text_b),
		    want);
	}
}

static void other_blocks_are_skipped(void **state)
{
	const struct pem_world *w = *state;

	assert_string_equal(
	    in_text(w, PEM_CERTIFICATE,
		"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END "
		"PRIVATE KEY-----\n%s%s",
		w->text_list, "-----BEGIN CERTIFICATE REQUEST-"),
	    "");
	assert_string_equal(in_text(w, PEM_CRL, "%s", w->text_list), "LIST@1");
	assert_string_equal(certificates(w, "-----BEGIN "), "");
	assert_string_equal(certificates(w, ""), "");
}

static void a_broken_list_is_named(void **state)
{
	const struct pem_world *w = *state;

	assert_string_equal(
	    in_text(w, PEM_CRL,
		"-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n"),
	    "its content is not a revocation list@1");
}

/* In memory of its own, so that sanitizers notice a read behind the end. */
static void every_prefix_is_safe(void **state)
{
	const struct pem_world *w = *state;
	size_t whole = strlen(w->text_a);

	for (size_t len = 0; len < whole - 1; len++) {
		char *bytes = malloc(len + 1);
		const char *got;

		memcpy(bytes, w->text_a, len);
		got = blocks_of(w, bytes, len, PEM_CERTIFICATE);
		/* The text up to "-----END " is enough. */
		if (len < whole - strlen("CERTIFICATE-----\n"))
			assert_null(strstr(got, "A@"));
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks_have_their_lines),
	    cmocka_unit_test(joined_blocks_are_read),
	    cmocka_unit_test(other_forms_of_text_are_read),
	    cmocka_unit_test(openssls_own_form_is_read),
	    cmocka_unit_test(joined_blocks_of_der_are_read),
	    cmocka_unit_test(der_is_one_block),
	    cmocka_unit_test(a_text_may_begin_with_a_digit),
	    cmocka_unit_test(pem_behind_broken_der_is_read),
	    cmocka_unit_test(skipped_blocks_are_counted),
	    cmocka_unit_test(a_broken_block_costs_itself),
	    cmocka_unit_test(other_blocks_are_skipped),
	    cmocka_unit_test(a_broken_list_is_named),
	    cmocka_unit_test(every_prefix_is_safe),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
