#include "agent/cmdmon/program.h"

int main(int argc, char **argv)
{
	return cmdmon_main(argc, argv);
}
