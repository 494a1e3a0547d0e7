/* ntsctl-tools: all of ntsctl, with the commands that few need. ntsctl executes
 * it for these. */
#include "agent/ctl/import/run.h"
#include "agent/ctl/program.h"
#include "agent/tools/compare.h"
#include "agent/tools/graph.h"
#include "agent/tools/watch.h"

#include <locale.h>

static const struct ctl_tools tools = {
    import_run, compare_command, graph_command, watch_command};

int main(int argc, char **argv)
{
	/* Only for the width of characters. */
	setlocale(LC_CTYPE, "C.UTF-8");
	return ctl_main(&tools, argc, argv, stdout, stderr);
}
