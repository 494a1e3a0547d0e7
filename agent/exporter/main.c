#include "agent/exporter/program.h"

int main(int argc, char **argv)
{
	return exporter_main(argc, argv);
}
