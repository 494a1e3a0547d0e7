/*
 * Any bytes as a file of trusted certificates and of revocation lists. Each
 * block is one thing, with a line within the file; the rest of the agent sees
 * only certificates, lists and harmless sentences.
 */
#include "resolver/certificate/pem.h"
#include "resolver/certificate/trust.h"
#include "resolver/certificate/trust_file.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_sentence(const char *text)
{
	for (const char *c = text; *c; c++)
		check(*c >= 0x20 && *c < 0x7f);
}

static unsigned lines_of(const uint8_t *data, size_t size)
{
	unsigned lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	return lines;
}

static void read_blocks(const uint8_t *data, size_t size, enum pem_kind kind)
{
	struct pem_reader r = pem_of((const char *)data, size, kind);
	unsigned last = 0, lines = lines_of(data, size);
	struct pem_block b;

	while (pem_next(&r, &b)) {
		check((b.c != NULL) + (b.crl != NULL) + (b.fault != NULL) == 1);
		check(kind == PEM_CRL ? !b.c : !b.crl);
		check(b.line >= last && b.line <= lines);
		check(r.at <= size);
		last = b.line;
		X509_free(b.c);
		X509_CRL_free(b.crl);
	}
}

static void load(const uint8_t *data, size_t size)
{
	struct trust_config config = {.path_count = 1, .crl_count = 1};
	int fd = memfd_create("trust", MFD_CLOEXEC);
	char text[TRUST_FAULT_MAX * 2];
	struct sentence why = sentence_to(text, sizeof(text));
	struct trust trust;

	check(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(config.paths[0], FILE_PATH_MAX, "/proc/self/fd/%d", fd);
	snprintf(config.crls[0], FILE_PATH_MAX, "/proc/self/fd/%d", fd);
	check(trust_load(&trust, &config, &why) == (text[0] == '\0'));
	check_sentence(text);
	check_sentence(trust.problem);
	check_sentence(trust.hidden);
	check_sentence(trust.sources);
	for (unsigned i = 0; i < trust.origin_count; i++)
		check((trust.origins[i].c != NULL) !=
		      (trust.origins[i].crl != NULL));
	trust_free(&trust);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_blocks(data, size, PEM_CERTIFICATE);
	read_blocks(data, size, PEM_CRL);
	load(data, size);
	return 0;
}
