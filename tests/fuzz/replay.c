/* Replays the corpus of a fuzz target twice in one process, so that state which leaks from one input to
 * the next shows. Each input ends at a page that cannot be read: one byte too far crashes. */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define INPUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int replay(const char *path)
{
    static uint8_t bytes[INPUT_MAX];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n, room;
    FILE *f = fopen(path, "rb");
    uint8_t *p;

    if (f == NULL)
        return -1;
    n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    room = (n / page + 1) * page;
    p = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + room, page, PROT_NONE) != 0)
        return -1;
    memcpy(p + room - n, bytes, n);
    (void)LLVMFuzzerTestOneInput(p + room - n, n);
    (void)munmap(p, room + page);
    return 0;
}

int main(int argc, char *argv[])
{
    const char *name = strrchr(argv[0], '/') != NULL ? strrchr(argv[0], '/') + 1 : argv[0];
    char folder[512], path[1024];
    int inputs = 0, failed = 0;

    (void)argc;
    (void)snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s",
                   strncmp(name, "replay_", 7) == 0 ? name + 7 : name);
    puts("1..1");
    for (int round = 0; round < 2; round++) {
        DIR *d = opendir(folder);
        for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
            if (e->d_name[0] == '.')
                continue;
            (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            failed += replay(path) != 0;
            inputs++;
        }
        if (d != NULL)
            closedir(d);
    }
    printf("%s 1 - %d inputs of %s\n", inputs > 0 && failed == 0 ? "ok" : "not ok", inputs, folder);
    return inputs > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
