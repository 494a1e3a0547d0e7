#include "agent/ctl/elsewhere.h"
#include "agent/ctl/program.h"

#include <locale.h>

static const struct ctl_tools elsewhere = {
    elsewhere_import, elsewhere_report, elsewhere_report, elsewhere_report};

int main(int argc, char **argv)
{
	/* Only for the width of characters. */
	setlocale(LC_CTYPE, "C.UTF-8");
	return ctl_main(&elsewhere, argc, argv, stdout, stderr);
}
