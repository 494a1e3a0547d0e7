/*
 * Runs a fuzz target with stored inputs, without libFuzzer. Each file of the
 * given folders is one test, and the empty input is another. A failure is a
 * crash.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *read_whole(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *bytes = NULL;

	if (f && fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode)) {
		*size = (size_t)st.st_size;
		/* Memory of exactly the size of the input, so that sanitizers
		 * notice a read behind its end. */
		bytes = malloc(*size ? *size : 1);
		if (bytes && fread(bytes, 1, *size, f) != *size) {
			free(bytes);
			bytes = NULL;
		}
	}
	if (f)
		fclose(f);
	return bytes;
}

static int replay_file(const char *path)
{
	size_t size;
	uint8_t *bytes = read_whole(path, &size);

	if (!bytes) {
		fprintf(stderr, "FAILED %s: cannot be read\n", path);
		return 1;
	}
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	return 0;
}

static void replay_folder(const char *folder, int *passed, int *failed)
{
	DIR *d = opendir(folder);
	char path[4096];

	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (replay_file(path) == 0)
			++*passed;
		else
			++*failed;
	}
	if (d)
		closedir(d);
}

int main(int argc, char **argv)
{
	int passed = 0, failed = 0;

	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		replay_folder(argv[i], &passed, &failed);
	if (passed == 0)
		failed++;
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
