#include "agent/ctl/program.h"

#include <locale.h>

int main(int argc, char **argv)
{
	/* For the width of characters only; without it they count one each. */
	setlocale(LC_CTYPE, "C.UTF-8");
	return ctl_main(argc, argv, stdout, stderr);
}
