// SPDX-License-Identifier: Apache-2.0
// The whole program as its users run it, for tests: a child process in a folder with a small data set of its own, its
// exit code, and what it printed.
#ifndef FOVEA_TESTS_PROGRAM_H
#define FOVEA_TESTS_PROGRAM_H

#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

enum { TRAIN_COUNT = 96, TEST_COUNT = 40, PIXELS = 28 * 28, OUTPUT_SIZE = 1 << 17 };

static char out[OUTPUT_SIZE], err[OUTPUT_SIZE]; // of the last run

// --- running

static inline void slurp(const char *path, char *text) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, OUTPUT_SIZE - 1, file)] = 0;
    fclose(file);
}

// Starts the program with `arguments` (words separated by blanks; a word may hold blanks as \1) and standard output to
// descriptor `output`. The child's working directory is the scratch folder.
static inline pid_t start(const char *program, const char *arguments, const char *input, int output) {
    char path[1024], text[1024], *words[64] = {path}, *save = NULL;
    int count = 1;
    snprintf(path, sizeof path, "%s", program);
    snprintf(text, sizeof text, "%s", arguments);
    for (char *word = strtok_r(text, " ", &save); word && count < 63; word = strtok_r(NULL, " ", &save)) {
        for (char *blank = word; (blank = strchr(blank, 1));) {
            *blank = ' ';
        }
        words[count++] = word;
    }
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int in = open(input ? input : "/dev/null", O_RDONLY);
        int errors = open(scratch_path("stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (chdir(scratch) == 0 && in >= 0 && errors >= 0 && dup2(in, 0) >= 0 && dup2(output, 1) >= 0 &&
            dup2(errors, 2) >= 0) {
            execv(words[0], words);
        }
        _exit(99);
    }
    return child;
}

// The exit code, or 128 + the signal.
static inline int finish(pid_t child) {
    int status;
    while (waitpid(child, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    slurp(scratch_path("stderr"), err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int run_program(const char *program, const char *arguments, const char *input) {
    int output = open(scratch_path("stdout"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(output >= 0);
    pid_t child = start(program, arguments, input, output);
    close(output);
    int code = finish(child);
    slurp(scratch_path("stdout"), out);
    return code;
}

static inline int fovea(const char *arguments) {
    return run_program(FV__PROGRAM, arguments, NULL);
}

#define assert_code(code, arguments)                                                                                   \
    do {                                                                                                               \
        int got = fovea(arguments);                                                                                    \
        if (got != (code)) {                                                                                           \
            fail_msg("fovea %s: exit code %d, not %d\n%s%s", arguments, got, code, out, err);                          \
        }                                                                                                              \
    } while (0)

#define assert_has(text, part)                                                                                         \
    do {                                                                                                               \
        if (!strstr(text, part)) {                                                                                     \
            fail_msg("\"%s\" is missing in:\n%s", part, text);                                                         \
        }                                                                                                              \
    } while (0)

// --- files

static inline void read_file(const char *name, char **bytes, size_t *size) {
    FILE *file = fopen(scratch_path(name), "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    *bytes = malloc(*size + 1);
    assert_non_null(*bytes);
    assert_int_equal(fread(*bytes, 1, *size, file), *size);
    (*bytes)[*size] = 0;
    fclose(file);
}

static inline bool same_files(const char *a, const char *b) {
    char *first, *second;
    size_t first_size, second_size;
    read_file(a, &first, &first_size);
    read_file(b, &second, &second_size);
    const bool same = first_size == second_size && memcmp(first, second, first_size) == 0;
    free(first);
    free(second);
    return same;
}

// --- the pages of reports

static char *html; // the page last read

static inline size_t read_page(const char *name) {
    size_t size;
    free(html);
    read_file(name, &html, &size);
    return size;
}

// --- a data set: class c has a bright column c

static inline void write_idx(const char *name, int rank, size_t count, bool images) {
    size_t head = 4 + 4 * (size_t)rank, size = head + count * (images ? PIXELS : 1);
    uint8_t *bytes = calloc(size, 1);
    assert_non_null(bytes);
    bytes[2] = 8;
    bytes[3] = (uint8_t)rank;
    bytes[6] = (uint8_t)(count >> 8);
    bytes[7] = (uint8_t)count;
    if (images) {
        bytes[11] = bytes[15] = 28;
    }
    for (size_t i = 0; i < count; i++) {
        size_t class = i * 7 % 10;
        for (size_t p = 0; images && p < PIXELS; p++) {
            bytes[head + i * PIXELS + p] = (uint8_t)(p % 28 == 2 * class ? 250 : (i * 31 + p * 17) % 60);
        }
        if (!images) {
            bytes[head + i] = (uint8_t) class;
        }
    }
    scratch_file(name, bytes, size);
    free(bytes);
}

static const char recipe[] =
    "# A small one.\n"
    "data: {set: fashion-mnist, validation: test}\n"
    "input: {size: [28, 28, 1], normalize: unit}\n"
    "model:\n"
    "  - conv2d: {filters: 4, kernel: 5, stride: 4, activation: relu}\n"
    "  - reshape: {shape: [36, 4]}\n"
    "  - attention: {units: 4}\n"
    "  - flatten\n"
    "  - dropout: 0.1\n"
    "  - dense: {units: 10}\n"
    "train: {batch: 16, epochs: 30, optimizer: {adam: {lr: 5e-3}}, metrics: [accuracy, top3]}\n";

static inline int open_world(void **state) {
    if (scratch_open(state) != 0) {
        return -1;
    }
    mkdir(scratch_path("data"), 0700);
    mkdir(scratch_path("data/fashion-mnist"), 0700);
    write_idx("data/fashion-mnist/train-images-idx3-ubyte", 3, TRAIN_COUNT, true);
    write_idx("data/fashion-mnist/train-labels-idx1-ubyte", 1, TRAIN_COUNT, false);
    write_idx("data/fashion-mnist/t10k-images-idx3-ubyte", 3, TEST_COUNT, true);
    write_idx("data/fashion-mnist/t10k-labels-idx1-ubyte", 1, TEST_COUNT, false);
    scratch_file("small.yaml", recipe, strlen(recipe));
    setenv("FOVEA_DATA", scratch_path("data"), 1);
    setenv("XDG_CACHE_HOME", scratch_path("cache"), 1);
    unsetenv("HOME");
    unsetenv("FOVEA_MIRROR");
    return fovea("train small.yaml --out trained --seed 3"); // what several tests look at
}

#endif
