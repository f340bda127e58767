/*
 * replay: runs a fuzz target over files, as an ordinary program, so that what
 * fuzzing once found is tested ever after.  Each file is copied to memory of
 * exactly its size, where a sanitizer sees a read past its end.
 */
#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	char chunk[8192];
	char *data = NULL;
	size_t n, size = 0;

	if (f == NULL) {
		perror(path);
		return -1;
	}
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
		data = mem_resize(data, size + n, 1);
		for (size_t i = 0; i < n; i++)
			data[size + i] = chunk[i];
		size += n;
	}
	fclose(f);
	if (data == NULL)
		data = mem_alloc(0);
	LLVMFuzzerTestOneInput((const uint8_t *)data, size);
	free(data);
	return 0;
}

int
main(int argc, char **argv)
{
	int bad = 0;

	for (int i = 1; i < argc; i++)
		bad |= replay(argv[i]);
	return bad == 0 ? 0 : 1;
}
