// Reads a file by mapping it; what cannot be mapped, a pipe say, is read into memory.
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report.h"

// No module is larger; what is, is refused when it is decoded.
#define INPUT_BYTES_MAX (1u << 30)

static bool has_magic(const struct input *input)
{
    return !memcmp(input->data, "\0asm", 4) || input_is_compiled(input);
}

static bool read_all(struct input *input, int fd)
{
    size_t capacity = 0;
    while (input->size_bytes <= INPUT_BYTES_MAX) {
        if (input->size_bytes == capacity) {
            capacity = capacity ? capacity * 2 : 65536;
            char *data = realloc(input->data, capacity);
            if (!data) {
                return false;
            }
            input->data = data;
        }
        if (input->size_bytes >= 8 && !has_magic(input)) {
            return true; // the rest is of no matter, and may have no end
        }
        ssize_t got = read(fd, input->data + input->size_bytes, capacity - input->size_bytes);
        if (got == 0) {
            return true;
        }
        if (got < 0 && errno != EINTR) {
            return false;
        }
        input->size_bytes += got > 0 ? (size_t) got : 0;
    }
    return true;
}

int input_open(struct input *input, const char *file)
{
    *input = (struct input){.data = NULL};
    bool is_stdin = !strcmp(file, "-");
    int fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        return report(EXIT_USAGE, file, "%s", strerror(errno));
    }
    bool is_read = true;
    if (S_ISREG(st.st_mode) && st.st_size > 0 && !is_stdin) {
        void *data = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        input->is_mapped = data != MAP_FAILED;
        if (input->is_mapped) {
            input->data = data;
            input->size_bytes = (size_t) st.st_size;
        }
    }
    if (!input->is_mapped) {
        is_read = read_all(input, fd);
    }
    int number = errno;
    if (!is_stdin) {
        close(fd);
    }
    if (!is_read) {
        input_close(input);
        return report(EXIT_USAGE, file, "%s", strerror(number));
    }
    return 0;
}

void input_close(struct input *input)
{
    if (input->is_mapped) {
        munmap(input->data, input->size_bytes);
    } else {
        free(input->data);
    }
    *input = (struct input){.data = NULL};
}

bool input_is_component(const struct input *input)
{
    return input->size_bytes >= 8 && !memcmp(input->data, "\0asm", 4) &&
           !memcmp(input->data + 6, "\1\0", 2);
}

bool input_is_compiled(const struct input *input)
{
    return input->size_bytes >= 6 && !memcmp(input->data, "\177cwasm", 6);
}
