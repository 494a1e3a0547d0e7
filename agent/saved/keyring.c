#include "agent/saved/keyring.h"

#include "agent/saved/machine.h"
#include "agent/saved/sealed_file.h"
#include "base/log.h"
#include "nts/digest.h"
#include "resolver/certificate/trust.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CRASH_MARK "job-crashed"

static_assert(SAVED_KEYS_BINDING_LEN == DIGEST_LEN, "the binding is a digest");

/* A copy of the disk in another machine must not use the cookies, too. */
static bool bind_to_trust_and_machine(
    struct keyring *k, const struct trust_config *trust)
{
	uint8_t both[TRUST_FINGERPRINT_LEN + MACHINE_ID_MAX];
	size_t len = machine_id_read(both + TRUST_FINGERPRINT_LEN);

	return trust_fingerprint(trust, both) &&
	       digest_of(both, TRUST_FINGERPRINT_LEN + len, k->binding);
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t len = strlen(name), tail = strlen(suffix);

	return len >= tail && strcmp(name + len - tail, suffix) == 0;
}

/* Files of sources that are not configured, and files that a crash left. */
static bool unwanted(const void *self, const char *name)
{
	const struct config *config = self;
	char known[SAVED_KEYS_NAME_MAX];

	if (ends_in(name, SAVED_KEYS_SUFFIX ".new"))
		return true;
	if (!ends_in(name, SAVED_KEYS_SUFFIX))
		return false;
	for (unsigned i = 0; i < config->source_count; i++) {
		saved_keys_file_name(config->sources[i].name, known);
		if (strcmp(name, known) == 0)
			return false;
	}
	return true;
}

void keyring_open(
    struct keyring *k, const struct config *config, const struct seal_key *seal)
{
	*k = (struct keyring){.folder = {.fd = -1, .seal = seal}};
	/* Without a key the launcher knows why. */
	if (!config->saved_keys[0] || !seal->there)
		return;
	if (!saved_folder_open(&k->folder, config->saved_keys, k->trouble))
		return;
	if (bind_to_trust_and_machine(k, &config->trust)) {
		saved_folder_sweep(&k->folder, unwanted, config);
		return;
	}
	snprintf(k->trouble, sizeof(k->trouble), "OpenSSL has no SHA-256");
	saved_folder_close(&k->folder);
}

void keyring_close(struct keyring *k)
{
	saved_folder_close(&k->folder);
	explicit_bzero(&k->rest, sizeof(k->rest));
	explicit_bzero(k->bytes, sizeof(k->bytes));
}

/* Reading. */

static void log_set_aside(
    const struct keyring *k, const char *name, const char *what)
{
	int err = saved_folder_set_aside(&k->folder, name);

	if (err)
		log_warning("%s/%s %s, and cannot be renamed: %s",
		    k->folder.path, name, what, strerror(-err));
	else
		log_warning("%s/%s %s: set aside as %s.bad, fetching new keys",
		    k->folder.path, name, what, name);
}

/* For keys that are of no use any more, but not suspicious. */
static void log_removal(
    const struct keyring *k, const char *name, const char *what)
{
	int err = saved_folder_remove(&k->folder, name);

	if (err)
		log_warning("%s/%s %s, and cannot be removed: %s",
		    k->folder.path, name, what, strerror(-err));
	else
		log_info("%s/%s %s: removed, fetching new keys", k->folder.path,
		    name, what);
}

static void reject(
    const struct keyring *k, const char *name, enum saved_keys_result r)
{
	const char *what = saved_keys_result_text(r);

	if (r == SAVED_KEYS_DAMAGED || r == SAVED_KEYS_VERSION ||
	    r == SAVED_KEYS_FOREIGN)
		log_set_aside(k, name, what);
	else
		log_removal(k, name, what);
}

static struct seal_label label_of(const char *name)
{
	return (struct seal_label){"keys", name};
}

static bool read_file(struct keyring *k, const char *name, size_t *len)
{
	int err = sealed_file_read(
	    &k->folder, name, label_of(name), k->bytes, sizeof(k->bytes), len);

	if (err == -EINVAL)
		log_set_aside(k, name,
		    "is not a file that only the agent's user may read");
	else if (err == SEALED_BROKEN)
		log_set_aside(k, name, sealed_file_error(err));
	else if (err == SEALED_MISSING || err == SEALED_OTHER)
		log_removal(k, name, sealed_file_error(err));
	else if (err && err != -ENOENT)
		log_warning("cannot read %s/%s: %s", k->folder.path, name,
		    strerror(-err));
	return err == 0;
}

static int write_file(
    struct keyring *k, const char *name, const struct saved_keys *keys)
{
	struct writer w = writer_of(k->bytes, sizeof(k->bytes));
	int err;

	saved_keys_write(keys, &w);
	err = w.ok ? sealed_file_replace(
			 &k->folder, name, label_of(name), w.base, w.len)
		   : -EINVAL;
	explicit_bzero(k->bytes, sizeof(k->bytes));
	return err;
}

/* Takes cookies off the disk, which must happen before one of them is sent. */
static bool take_off(struct keyring *k, const char *name,
    struct saved_keys *keys, unsigned *left)
{
	int err = -ENODATA;

	saved_keys_split(keys, &k->rest);
	*left = k->rest.answer.cookie_count;
	if (*left > 0)
		err = write_file(k, name, &k->rest);
	explicit_bzero(&k->rest, sizeof(k->rest));
	if (!err)
		return true;
	*left = 0;
	err = saved_folder_remove(&k->folder, name);
	if (err)
		log_warning("cannot take cookies out of %s/%s: %s: fetching "
			    "new keys",
		    k->folder.path, name, strerror(-err));
	return err == 0;
}

/* Keys that may not be used, but tell where the server of the source is. */
static bool of_this_source(enum saved_keys_result r)
{
	return r == SAVED_KEYS_TRUST || r == SAVED_KEYS_OLD ||
	       r == SAVED_KEYS_EXPIRED;
}

static bool take(struct keyring *k, const struct source_config *source,
    struct wall now, struct saved_keys *out, struct endpoint *peer,
    unsigned *left)
{
	char name[SAVED_KEYS_NAME_MAX];
	enum saved_keys_result result;
	size_t len;

	saved_keys_file_name(source->name, name);
	if (!read_file(k, name, &len))
		return false;
	result = saved_keys_read(out, k->bytes, len);
	if (result == SAVED_KEYS_OK)
		result = saved_keys_judge(out, source, k->binding, now);
	if (of_this_source(result))
		*peer = out->answer.facts.peer;
	if (result != SAVED_KEYS_OK)
		reject(k, name, result);
	return result == SAVED_KEYS_OK && take_off(k, name, out, left);
}

bool keyring_take(struct keyring *k, const struct source_config *source,
    struct wall now, struct saved_keys *out, unsigned *left)
{
	struct endpoint peer = {0};
	bool taken =
	    k->folder.fd >= 0 && take(k, source, now, out, &peer, left);

	explicit_bzero(k->bytes, sizeof(k->bytes));
	if (!taken) {
		explicit_bzero(out, sizeof(*out));
		out->answer.facts.peer = peer;
	}
	return taken;
}

/* Writing. */

static void note_trouble(
    struct keyring *k, const char *what, const char *name, int err)
{
	saved_trouble(k->trouble, what, &k->folder, name, err);
}

/* If the write fails, nobody has used the cookies of the old file. */
void keyring_save(struct keyring *k, const struct source_config *source,
    struct saved_keys *keys)
{
	char name[SAVED_KEYS_NAME_MAX];

	if (k->folder.fd < 0)
		return;
	saved_keys_file_name(source->name, name);
	saved_keys_identify(keys, source, k->binding);
	note_trouble(k, "write", name, write_file(k, name, keys));
}

/* The mark. */

void keyring_mark_crash(struct keyring *k, bool marked)
{
	static const char text[] =
	    "A job of a key exchange has crashed. ntsagentd does not use saved "
	    "keys at its next start, and removes this file later.\n";

	if (k->folder.fd < 0)
		return;
	if (marked)
		note_trouble(k, "write", CRASH_MARK,
		    saved_folder_replace(
			&k->folder, CRASH_MARK, text, sizeof(text) - 1));
	else
		note_trouble(k, "remove", CRASH_MARK,
		    saved_folder_remove(&k->folder, CRASH_MARK));
}

static bool is_keys(const void *self, const char *name)
{
	(void)self;
	return ends_in(name, SAVED_KEYS_SUFFIX);
}

/* The contents do not matter: a mark that cannot be read is a mark, too. */
bool keyring_refuse_marked(struct keyring *k)
{
	uint8_t byte;
	size_t len;

	if (k->folder.fd < 0 || saved_folder_read(&k->folder, CRASH_MARK, &byte,
				    sizeof(byte), &len) == -ENOENT)
		return false;
	saved_folder_sweep(&k->folder, is_keys, NULL);
	log_warning(
	    "a job of a key exchange crashed in an earlier run, perhaps "
	    "because of an attack: the saved keys in %s are not used "
	    "and were removed, fetching new keys",
	    k->folder.path);
	return true;
}

void keyring_forget(struct keyring *k, const struct source_config *source)
{
	char name[SAVED_KEYS_NAME_MAX];

	if (k->folder.fd < 0)
		return;
	saved_keys_file_name(source->name, name);
	note_trouble(k, "remove", name, saved_folder_remove(&k->folder, name));
}
