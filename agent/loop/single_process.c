#include "agent/loop/single_process.h"

#include "agent/engine/engine.h"
#include "agent/host/clocks.h"
#include "agent/keeper/saver.h"
#include "agent/loop/signals.h"
#include "clock/kernel/keeper.h"
#include "resolver/job.h"

#include <stdlib.h>
#include <string.h>

static void look(struct engine_loop *p)
{
	p->look_at = p->links->keeper->limits.no_clock
			 ? MONO_NEVER
			 : mono_after(clocks_mono(), KEEPER_LOOK_NS);
	if (p->report_count < REPORTS_MAX &&
	    keeper_look(p->links->keeper, &p->reports[p->report_count]))
		p->report_count++;
	keeper_log_look(&p->keeper_log, p->links->keeper, clocks_mono());
}

static void command(struct engine_loop *p, const struct keeper_message *m)
{
	struct keeper_report *r;

	look(p);
	if (p->report_count == REPORTS_MAX)
		return;
	r = &p->reports[p->report_count++];
	keeper_apply(
	    p->links->keeper, &m->command, m->serial, clocks_mono(), r);
	keeper_log_answer(&p->keeper_log, &m->command, r, clocks_mono());
}

/* As the keeper passes on what its saver says. */
static void save(struct engine_loop *p, const struct keeper_message *m)
{
	const struct keeper *k = p->links->keeper;
	int said = keeper_save(p->config, &p->links->seal, m);

	if (p->report_count < REPORTS_MAX)
		p->reports[p->report_count++] = (struct keeper_report){
		    .verdict = KEEPER_SAVED,
		    .sys_errno = said,
		    .steps = k->steps,
		    .refused = k->refused,
		};
}

void single_process_command(
    struct engine_loop *p, const struct keeper_message *m)
{
	if (m->kind == KEEPER_MESSAGE_SAVE)
		save(p, m);
	else
		command(p, m);
}

struct mono single_process_deadline(const struct engine_loop *p)
{
	return mono_earlier(keeper_deadline(p->links->keeper), p->look_at);
}

/* The end of a slew sets the frequency: look first, or another program's change
 * would not be logged. */
static bool must_look(const struct engine_loop *p, struct mono now)
{
	return mono_due(single_process_deadline(p), now);
}

void single_process_keeper(struct engine_loop *p)
{
	if (must_look(p, clocks_mono()))
		look(p);
	if (p->report_count < REPORTS_MAX &&
	    keeper_tick(
		p->links->keeper, clocks_mono(), &p->reports[p->report_count]))
		p->report_count++;
	while (p->report_count > 0) {
		struct keeper_report report = p->reports[0];

		p->report_count--;
		memmove(&p->reports[0], &p->reports[1],
		    p->report_count * sizeof(report));
		engine_on_report(&p->engine, &report, loop_now(p));
	}
}

/* All jobs first, then all answers: a request that went out between two jobs
 * would have its answer stamped only after the second job. */
void single_process_jobs(struct engine_loop *p)
{
	struct ke_answer *answers;
	unsigned count = p->resolver.count;

	if (count == 0)
		return;
	answers = calloc(count, sizeof(*answers));
	if (!answers) {
		p->broken = true;
		return;
	}
	for (unsigned i = 0; i < count && !signals_end_asked(); i++)
		resolver_job(
		    &p->resolver.waiting[i], &p->config->trust, &answers[i]);
	p->resolver.count = 0;
	for (unsigned i = 0; i < count && !signals_end_asked(); i++)
		engine_on_keys(&p->engine, &answers[i], loop_now(p));
	explicit_bzero(answers, count * sizeof(*answers));
	free(answers);
}
