#include "tests/lib/test_ear.h"

#include "tests/lib/test.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void test_listen_begin(struct test_ear *ear)
{
    ear->memory_fd = memfd_create("stderr", MFD_CLOEXEC);
    ear->saved_fd = dup(STDERR_FILENO);
    assert_true(ear->memory_fd >= 0 && ear->saved_fd >= 0);
    assert_true(dup2(ear->memory_fd, STDERR_FILENO) >= 0);
}

char *test_listen_end(struct test_ear *ear)
{
    assert_true(dup2(ear->saved_fd, STDERR_FILENO) >= 0);
    off_t size = lseek(ear->memory_fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(pread(ear->memory_fd, text, (size_t)size, 0), size);
    close(ear->memory_fd);
    close(ear->saved_fd);
    return text;
}
