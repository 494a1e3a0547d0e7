/*
 * The engine: sources, the ledger of the clock and the steering, tied together.
 * A core: events and time come in, and what goes out passes the ports. It opens
 * no descriptor, reads no clock, prints nothing and never waits; agent/loop
 * does that, and tests/sim simulates it.
 *
 * An event is a call of one of the engine_on_... functions with the readings of
 * the clocks. engine_deadline tells when the next engine_on_timer is due.
 */
#ifndef AGENT_ENGINE_ENGINE_H
#define AGENT_ENGINE_ENGINE_H

#include "agent/engine/state.h"

/* False: out of memory. Everything is borrowed but what it allocates. */
bool engine_init(struct engine *e, const struct config *config,
    const struct run_options *options, const struct engine_start *start,
    const struct engine_ports *ports, struct clock_reading now) MUST_USE;

/* The key server of the source in this slot had this address before the
 * restart; family 0: not known. Right after engine_init. */
void engine_on_known_address(
    struct engine *e, unsigned slot, const struct endpoint *address);

/* Gives the source in this slot keys from before the restart; `left` of their
 * cookies are still on disk. Right after engine_init. */
void engine_on_saved(struct engine *e, unsigned slot,
    const struct saved_keys *keys, unsigned left, struct clock_reading now);

/* The clock counts in steps of so many ns; 0: so short that they do not matter.
 * Right after engine_init. */
void engine_set_granularity(struct engine *e, int64_t granularity_ns);

/* The ports that save, see struct engine_ports; NULL: nothing is saved. */
void engine_set_saving(struct engine *e,
    void (*save_keys)(void *self, unsigned slot, struct saved_keys *keys),
    void (*save_samples)(void *self));

/* The port `log`; NULL: there is no logger. */
void engine_set_log(
    struct engine *e, bool (*log)(void *self, const struct log_record *r));

/* Saves keys and samples, sends the last SAVE, wipes the secrets, frees. */
void engine_free(struct engine *e, struct clock_reading now);

/* The keeper has a command, and has not said when it was carried out: stamps of
 * the time since then cannot be put on the ledger. */
bool engine_awaits_keeper(const struct engine *e);

struct mono engine_deadline(const struct engine *e);
void engine_on_timer(struct engine *e, struct clock_reading now);
void engine_on_keys(
    struct engine *e, const struct ke_answer *answer, struct clock_reading now);
void engine_on_datagram(
    struct engine *e, const struct datagram *d, struct clock_reading now);
void engine_on_report(struct engine *e, const struct keeper_report *report,
    struct clock_reading now);

/* Has an event since the last call changed what a user sees, apart from the
 * count of requests? */
bool engine_take_noticed(struct engine *e) MUST_USE;

#endif
