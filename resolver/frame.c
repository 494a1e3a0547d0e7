#include "resolver/frame.h"

#include "resolver/wait.h"

#include <errno.h>
#include <string.h>

/* The end of the year 9999, the last year of a certificate (RFC 5280
 * 4.1.2.5). */
#define DATE_MAX INT64_C(253402300799)

const char *ke_stage_word(enum ke_stage stage)
{
	static const char *const word[] = {
#define X(name, word) [name] = word,
	    KE_STAGES(X)
#undef X
	};

	return (unsigned)stage < ARRAY_LEN(word) ? word[stage] : "unknown";
}

/* Ends within its field, and has no byte that controls a terminal. */
static bool text_valid(const char *s, size_t size)
{
	size_t len = strnlen(s, size);

	if (len == size)
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return true;
}

static bool host_valid(const char *s, size_t size)
{
	return text_valid(s, size) && *s != '\0' && strchr(s, ' ') == NULL;
}

/* The unused bytes of an IPv4 address must be zero, because addresses are
 * compared as a whole. */
static bool endpoint_valid(const struct endpoint *e)
{
	static const uint8_t zeros[sizeof(e->address)];

	if (e->reserved != 0 || e->port == 0)
		return false;
	if (e->family == 4)
		return e->scope_id == 0 &&
		       memcmp(e->address + 4, zeros, sizeof(zeros) - 4) == 0;
	return e->family == 6;
}

static bool endpoint_absent(const struct endpoint *e)
{
	static const struct endpoint none;

	return memcmp(e, &none, sizeof(none)) == 0;
}

bool ke_same_key(const uint8_t a[static KE_CERT_KEY_LEN],
    const uint8_t b[static KE_CERT_KEY_LEN])
{
	static const uint8_t unknown[KE_CERT_KEY_LEN];

	return memcmp(a, b, KE_CERT_KEY_LEN) == 0 &&
	       memcmp(a, unknown, KE_CERT_KEY_LEN) != 0;
}

static bool endpoint_valid_or_absent(const struct endpoint *e)
{
	return endpoint_absent(e) || endpoint_valid(e);
}

static bool reserved_valid(const struct ke_request *r)
{
	for (size_t i = 0; i < sizeof(r->reserved); i++)
		if (r->reserved[i] != 0)
			return false;
	return true;
}

static bool avoid_valid(const struct ke_request *r)
{
	if (r->avoid_count > KE_AVOID_MAX)
		return false;
	for (uint32_t i = 0; i < r->avoid_count; i++)
		if (!endpoint_valid(&r->avoid[i]))
			return false;
	return true;
}

bool ke_request_valid(const struct ke_request *r)
{
	return host_valid(r->host, sizeof(r->host)) && r->ke_port != 0 &&
	       r->family <= FAMILY_IPV6 && r->dates_unchecked <= 1 &&
	       r->clock_unsure <= 1 && r->alone <= 1 && r->srv <= 1 &&
	       r->at_known <= 1 && (!r->at_known || r->known.family != 0) &&
	       reserved_valid(r) && r->timeout_ms >= 1 &&
	       r->timeout_ms <= KE_TIMEOUT_MAX_MS &&
	       endpoint_valid_or_absent(&r->try_after) &&
	       endpoint_valid_or_absent(&r->known) &&
	       endpoint_valid_or_absent(&r->prefer) && avoid_valid(r) &&
	       binding_valid(&r->binding);
}

static bool texts_valid(const struct ke_answer *a)
{
	return text_valid(a->text, sizeof(a->text)) &&
	       text_valid(a->facts.subject, sizeof(a->facts.subject)) &&
	       text_valid(a->facts.tls, sizeof(a->facts.tls)) &&
	       text_valid(a->ntp_server, sizeof(a->ntp_server)) &&
	       strchr(a->ntp_server, ' ') == NULL;
}

static bool date_valid(int64_t unix_s)
{
	return unix_s >= -DATE_MAX && unix_s <= DATE_MAX;
}

/* No job connects to an address of no host: the next one would go there. */
static bool peer_valid(const struct endpoint *e)
{
	return endpoint_absent(e) ||
	       (endpoint_valid(e) && !endpoint_no_host(e));
}

static bool addresses_valid(const struct ke_answer *a)
{
	if (a->address_count < 1 || a->address_count > KE_ADDRESSES_MAX)
		return false;
	for (uint32_t i = 0; i < a->address_count; i++)
		if (!endpoint_valid(&a->addresses[i]) ||
		    !endpoint_fits(&a->addresses[i], &a->facts.peer))
			return false;
	return true;
}

static bool cookies_valid(const struct ke_answer *a)
{
	if (a->cookie_count < 1 || a->cookie_count > NTS_COOKIES)
		return false;
	for (uint32_t i = 0; i < a->cookie_count; i++)
		if (a->cookies[i].len < 1 || a->cookies[i].len > NTS_COOKIE_MAX)
			return false;
	return true;
}

static bool success_valid(const struct ke_answer *a)
{
	return a->text[0] == '\0' && a->error == NTS_OK && a->valid_from == 0 &&
	       a->crash_signal == 0 && a->dates != KE_DATES_REFUSED &&
	       aead_key_len((enum aead_id)a->aead) > 0 &&
	       !endpoint_absent(&a->facts.peer) && addresses_valid(a) &&
	       endpoint_absent(&a->last_tried) && cookies_valid(a);
}

/* NSIG is not a constant everywhere. */
#define SIGNAL_MAX 64

static bool crash_valid(const struct ke_answer *a)
{
	return a->crash_signal == 0 ||
	       (a->crash_signal <= SIGNAL_MAX && a->stage == KE_STAGE_START);
}

/* A failure has a reason, and no keys, addresses or cookies. */
static bool failure_valid(const struct ke_answer *a)
{
	return a->text[0] != '\0' && crash_valid(a) && a->address_count == 0 &&
	       a->cookie_count == 0 && a->aead == AEAD_NONE &&
	       a->have_other_keys == 0 &&
	       (endpoint_absent(&a->last_tried) ||
		   endpoint_valid(&a->last_tried)) &&
	       (a->dates != KE_DATES_REFUSED ||
		   a->stage == KE_STAGE_CERTIFICATE);
}

bool ke_answer_valid(const struct ke_answer *a)
{
	if (a->stage >= KE_STAGE_COUNT || a->have_other_keys > 1 ||
	    a->error < 0 || a->error >= NTS_ERR_COUNT ||
	    a->dates >= KE_DATES_COUNT || !texts_valid(a) ||
	    !date_valid(a->facts.not_before) ||
	    !date_valid(a->facts.not_after) || !date_valid(a->valid_from) ||
	    !peer_valid(&a->facts.peer))
		return false;
	return a->stage == KE_STAGE_DONE ? success_valid(a) : failure_valid(a);
}

bool ke_answer_fits(const struct ke_answer *a, const struct ke_request *r)
{
	if (a->crash_signal != 0)
		return false;
	return a->dates == KE_DATES_UNCHECKED ? r->dates_unchecked == 1
	       : a->stage == KE_STAGE_DONE    ? r->dates_unchecked == 0
					      : true;
}

int frame_send(int fd, const void *frame, size_t len)
{
	ssize_t n;

	do
		n = send(fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return (size_t)n == len ? 1 : -1;
	return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
}

/* MSG_TRUNC: recv() returns the whole length of a frame that is too long. */
int frame_receive_either(int fd, void *out, size_t len, size_t shorter)
{
	ssize_t n;

	do
		n = recv(fd, out, len, MSG_DONTWAIT | MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n >= 0 && (size_t)n == len)
		return 1;
	if (n >= 0)
		return (size_t)n == shorter ? 2 : -1;
	return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
}

int frame_receive(int fd, void *out, size_t len)
{
	return frame_receive_either(fd, out, len, len);
}

bool frame_await(int fd, void *out, size_t len)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int got;

	while ((got = frame_receive(fd, out, len)) == 0)
		if (poll_until(&p, 1, MONO_NEVER) < 0)
			return false;
	return got == 1;
}

int frame_receive_request(int fd, struct ke_request *out)
{
	int result = frame_receive(fd, out, sizeof(*out));

	if (result == 1 && !ke_request_valid(out))
		result = -1;
	if (result != 1)
		explicit_bzero(out, sizeof(*out));
	return result;
}

int frame_receive_answer(int fd, struct ke_answer *out)
{
	int result = frame_receive(fd, out, sizeof(*out));

	if (result == 1 && !ke_answer_valid(out))
		result = -1;
	if (result != 1)
		explicit_bzero(out, sizeof(*out));
	return result;
}
