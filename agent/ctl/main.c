#include "agent/ctl/program.h"

#include <locale.h>

int main(int argc, char **argv)
{
	/* Only for the width of characters. */
	setlocale(LC_CTYPE, "C.UTF-8");
	return ctl_main(argc, argv, stdout, stderr);
}
