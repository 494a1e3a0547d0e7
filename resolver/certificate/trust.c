#include "resolver/certificate/trust.h"

#include "resolver/certificate/trust_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* gcc 12's analyser loses sight of what the array of `t` owns. */
#ifndef __clang__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
#endif
/* Remembers where something came from. Without memory, the sentence about it
 * says less. */
static void add_origin(struct trust *t, X509 *certificate, X509_CRL *list,
    const char *path, unsigned line)
{
	struct trust_origin *all =
	    reallocarray(t->origins, t->origin_count + 1, sizeof(*t->origins));
	struct trust_origin *new;

	if (!all)
		return;
	t->origins = all;
	new = &t->origins[t->origin_count++];
	new->line = line;
	new->path = strdup(path);
	new->c = NULL;
	if (certificate && X509_up_ref(certificate))
		new->c = certificate;
	new->crl = list;
}
#ifndef __clang__
#pragma GCC diagnostic pop
#endif

static bool take_certificate(
    void *self, X509 *c, const char *path, unsigned line)
{
	struct trust *t = self;

	if (X509_STORE_add_cert(t->store, c) != 1)
		return false;
	add_origin(t, c, NULL, path, line);
	return true;
}

/* Keeps the first fault, and the first one that may hide a certificate. */
static void take_fault(void *self, enum trust_fault fault, const char *sentence)
{
	struct trust *t = self;
	bool hides = fault == TRUST_UNREADABLE || fault == TRUST_BROKEN;
	struct sentence w;

	if (t->problem[0] == '\0') {
		w = sentence_to(t->problem, sizeof(t->problem));
		sentence_add(&w, "%s", sentence);
	}
	if (hides && t->hidden[0] == '\0') {
		w = sentence_to(t->hidden, sizeof(t->hidden));
		sentence_add(&w, "%s", sentence);
	}
}

static const char *system_path(const char *variable, const char *otherwise)
{
	const char *set = getenv(variable);

	return set && *set ? set : otherwise;
}

static const char *system_file(void)
{
	return system_path(
	    X509_get_default_cert_file_env(), X509_get_default_cert_file());
}

static const char *system_directory(void)
{
	return system_path(
	    X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
}

/* Some machines have no certificates: containers, and minimal systems. */
static bool has_files(const char *directory)
{
	DIR *d = opendir(directory);
	bool found = false;

	for (struct dirent *e; d && !found && (e = readdir(d));)
		found = e->d_name[0] != '.';
	if (d)
		closedir(d);
	return found;
}

/* The paths that the distribution has built into its OpenSSL. */
static bool load_system(struct trust *t)
{
	bool loaded = X509_STORE_set_default_paths(t->store) == 1;

	ERR_clear_error();
	return loaded &&
	       (sk_X509_OBJECT_num(X509_STORE_get0_objects(t->store)) > 0 ||
		   has_files(system_directory()));
}

/* The configured paths with a certificate that may be used. */
struct used_paths {
	const char *first; /* borrowed; NULL: there is none */
	unsigned count;
};

static struct used_paths load_certificates(
    struct trust *t, const struct trust_config *config)
{
	const struct trust_visitor v = {
	    .self = t, .certificate = take_certificate, .fault = take_fault};

	struct used_paths used = {0};

	t->system = config->system_certs && load_system(t);
	for (unsigned i = 0; i < config->path_count; i++) {
		unsigned good =
		    trust_visit(config->paths[i], PEM_CERTIFICATE, &v);

		t->files += good;
		used.count += good > 0;
		if (good > 0 && !used.first)
			used.first = config->paths[i];
	}
	ERR_clear_error();
	return used;
}

struct list_loader {
	struct trust *trust;
	struct sentence *why;
};

static bool take_list(
    void *self, X509_CRL *list, const char *path, unsigned line)
{
	struct trust *t = ((struct list_loader *)self)->trust;

	if (!t->crls || !X509_CRL_up_ref(list))
		return false;
	if (!sk_X509_CRL_push(t->crls, list)) {
		X509_CRL_free(list);
		return false;
	}
	add_origin(t, NULL, list, path, line);
	return true;
}

/* A list that cannot be read may revoke the certificate of the server. An empty
 * directory is no fault: its lists may come later. */
static void take_list_fault(
    void *self, enum trust_fault fault, const char *sentence)
{
	const struct list_loader *l = self;

	if (fault != TRUST_EMPTY_DIRECTORY && l->why->len == 0)
		sentence_add(l->why,
		    "certificates cannot be checked for revocation: %s",
		    sentence);
}

static bool load_lists(
    struct trust *t, const struct trust_config *config, struct sentence *why)
{
	struct list_loader l = {t, why};
	const struct trust_visitor v = {
	    .self = &l, .list = take_list, .fault = take_list_fault};

	t->crls = sk_X509_CRL_new_null();
	if (!t->crls)
		sentence_add(why, "out of memory");
	for (unsigned i = 0; i < config->crl_count; i++)
		trust_visit(config->crls[i], PEM_CRL, &v);
	ERR_clear_error();
	return why->len == 0;
}

/* One path stands for all: the sentence of a refusal must have room for its
 * fix. */
static void describe_sources(struct trust *t, const struct trust_config *config,
    const struct used_paths *used)
{
	struct sentence w = sentence_to(t->sources, sizeof(t->sources));
	unsigned paths = used->first ? used->count : config->path_count;

	if (t->system)
		sentence_add(&w, "the system's certificates");
	if (t->system && config->path_count > 0)
		sentence_add(&w, " and ");
	if (used->first)
		sentence_add(&w, "%u file%s: %s", t->files,
		    t->files == 1 ? "" : "s", used->first);
	else if (paths > 0)
		sentence_add(&w, "no usable one in %s", config->paths[0]);
	if (paths > 1)
		sentence_add(&w, " and %u more", paths - 1);
}

/* The reason why a path that exists cannot be read; 0: there is none. */
static int unreadable(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno == ENOENT || errno == ENOTDIR ? 0 : errno;
}

static void say_none_of_system(struct sentence *why)
{
	const char *const paths[] = {system_file(), system_directory()};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		int error = unreadable(paths[i]);

		if (!error)
			continue;
		sentence_add(why,
		    "cannot read the system's certificates in %s: %s", paths[i],
		    strerror(error));
		return;
	}
	sentence_add(why,
	    "this system has none, neither in %s nor in %s; install them (the "
	    "package ca-certificates), or set trusted-certs",
	    paths[0], paths[1]);
}

static void say_nothing_trusted(const struct trust *t,
    const struct trust_config *config, struct sentence *why)
{
	sentence_add(why, "no certificate is trusted: ");
	if (t->problem[0])
		sentence_add(why, "%s", t->problem);
	else if (config->system_certs)
		say_none_of_system(why);
	else
		sentence_add(why, "trusted-certs names none");
}

bool trust_load(
    struct trust *t, const struct trust_config *config, struct sentence *why)
{
	struct used_paths used;

	*t = (struct trust){.store = X509_STORE_new()};
	if (!t->store) {
		sentence_add(why, "out of memory");
		return false;
	}
	used = load_certificates(t, config);
	describe_sources(t, config, &used);
	if (!load_lists(t, config, why))
		return false;
	if (t->system || t->files > 0)
		return true;
	t->expired = sk_X509_OBJECT_num(X509_STORE_get0_objects(t->store)) > 0;
	say_nothing_trusted(t, config, why);
	return false;
}

void trust_free(struct trust *t)
{
	for (unsigned i = 0; i < t->origin_count; i++) {
		X509_free(t->origins[i].c);
		free(t->origins[i].path);
	}
	free(t->origins);
	sk_X509_CRL_pop_free(t->crls, X509_CRL_free);
	X509_STORE_free(t->store);
	*t = (struct trust){0};
}

static bool has_come(const struct trust_origin *o, const X509 *c)
{
	return o->c && X509_cmp(o->c, c) == 0;
}

const struct trust_origin *trust_origin_of(
    const struct trust *t, const X509 *c, const X509_CRL *crl)
{
	for (unsigned i = 0; i < t->origin_count; i++) {
		const struct trust_origin *o = &t->origins[i];

		if (c ? has_come(o, c) : o->crl == crl)
			return o;
	}
	return NULL;
}

X509 *trust_signer_of(const struct trust *t, X509_CRL *list)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *found = NULL;
	X509 *signer = NULL;

	if (ctx && X509_STORE_CTX_init(ctx, t->store, NULL, NULL))
		found =
		    X509_STORE_CTX_get1_certs(ctx, X509_CRL_get_issuer(list));
	for (int i = 0; i < sk_X509_num(found) && !signer; i++) {
		EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(found, i));

		if (key && X509_CRL_verify(list, key) == 1)
			signer = sk_X509_value(found, i);
	}
	if (signer)
		X509_up_ref(signer);
	sk_X509_pop_free(found, X509_free);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return signer;
}

unsigned trust_read_paths(
    const struct trust_config *config, const char *out[TRUST_READ_PATHS_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < config->path_count; i++)
		out[count++] = config->paths[i];
	for (unsigned i = 0; i < config->crl_count; i++)
		out[count++] = config->crls[i];
	if (!config->system_certs)
		return count;
	out[count++] = system_file();
	out[count++] = system_directory();
	return count;
}
