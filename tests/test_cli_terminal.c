// SPDX-License-Identifier: Apache-2.0
// The program on a terminal: what names of files and classes may not do to it, lines that fit, and a terminal that goes
// away.
#include "program.h"

#include <errno.h>
#include <jansson.h>
#include <pty.h>
#include <termios.h>

static const char hostile[] = "caf\xc3\xa9 \x1b[31mred\rover\nline\x7f\xc2\x9b"; // CSI as a character, too
static const char harmless[] = "caf\xc3\xa9 \\x1b[31mred\\rover\\nline\\x7f\\xc2\\x9b";

static void write_image(const char *path, int shade) {
    uint8_t bytes[11 + 8 * 8 * 3] = "P6 8 8 255\n";
    for (size_t i = 11; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * i % 97 + (size_t)shade);
    }
    scratch_file(path, bytes, sizeof bytes);
}

// A safetensors file with an array of the hostile name.
static void write_weights(const char *path) {
    json_t *header = json_pack("{s:{s:s, s:[i], s:[i,i]}}", hostile, "dtype", "F32", "shape", 1, "data_offsets", 0, 4);
    char *text = json_dumps(header, JSON_COMPACT), file[1024] = "";
    const uint64_t size = strlen(text);
    memcpy(file, &size, sizeof size);
    memcpy(file + sizeof size, text, size);
    scratch_file(path, file, sizeof size + size + sizeof(float));
    json_decref(header);
    free(text);
}

// images/HOSTILE and images/dog with 12 images each and an unreadable one, of names that are no UTF-8 either;
// photos.yaml, a recipe for them.
static int open_images(void **state) {
    static const char text[] = "data: {path: images}\ninput: {size: [8, 8, 3]}\nmodel:\n"
                               "  - conv2d: {filters: 4, kernel: 3}\n  - reshape: {shape: [36, 4]}\n"
                               "  - attention: {units: 4}\n  - flatten\n  - dense: {units: classes}\n"
                               "train: {batch: 4, epochs: 2}\n";
    if (open_world(state) != 0) {
        return -1;
    }
    char path[256];
    const char *const classes[] = {hostile, "dog"};
    mkdir(scratch_path("images"), 0700);
    for (int i = 0; i < 26; i++) {
        snprintf(path, sizeof path, "images/%s", classes[i % 2]);
        mkdir(scratch_path(path), 0700);
        snprintf(path, sizeof path, "images/%s/%d%s\xff.%s", classes[i % 2], i, hostile, i < 24 ? "ppm" : "jpg");
        if (i < 24) {
            write_image(path, 3 * i);
        } else {
            scratch_file(path, "\xff\xd8\xff\xe0", 4);
        }
    }
    scratch_file("photos.yaml", text, strlen(text));
    write_weights("odd.safetensors");
    return 0;
}

// --- Names

static void assert_harmless(const char *command, const char *text) {
    for (const char *at = text; *at; at++) {
        if ((*at >= 0 && *at < ' ' && *at != '\n') || *at == 0x7f) {
            fail_msg("fovea %s: control character %d: %.80s", command, *at, at);
        }
    }
    assert_null(strstr(text, "\xc2\x9b"));
    assert_null(strchr(text, 0xff));
}

static void escapes_names(void **state) {
    (void)state;
    static char long_path[600], line[1400];
    static const struct {
        int code;
        const char *command; // %s: an image whose name has everything
        bool names;          // whether it prints the name
    } cases[] = {{1, "data check ./images", true},
                 {0, "data show ./images", true},
                 {0, "train ./photos.yaml --out seen", true}, // names what it leaves out
                 {0, "eval seen --per-class --confusion", true},
                 {0, "predict seen --samples 0-3", true},
                 {3, "predict seen images", true},
                 {3, "explain seen images --method occlusion --format npy -o maps", true},
                 {1, "predict seen %s.gone", true},
                 {1, "data show %s", true},
                 {2, "eval seen --split %s", true},
                 {2, "%s", true},
                 {0, "weights check odd.safetensors", true},
                 {0, "report seen -o page.html --quiet", false}};
    // The words of a command line are separated by blanks here.
    snprintf(long_path, sizeof long_path, "%s", hostile);
    for (char *blank; (blank = strchr(long_path, ' '));) {
        *blank = 1;
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *place = strstr(cases[i].command, "%s");
        snprintf(line, sizeof line, "%.*s%s%s", place ? (int)(place - cases[i].command) : (int)sizeof line,
                 cases[i].command, place ? long_path : "", place ? place + 2 : "");
        int code = fovea(line);
        if (code != cases[i].code) {
            fail_msg("fovea %s: exit code %d, not %d\n%s%s", cases[i].command, code, cases[i].code, out, err);
        }
        assert_harmless(cases[i].command, out);
        assert_harmless(cases[i].command, err);
        if (cases[i].names && !strstr(out, harmless) && !strstr(err, harmless)) {
            fail_msg("fovea %s: the name is missing\n%s%s", cases[i].command, out, err);
        }
    }
    assert_code(3, "predict seen images --csv"); // which keeps names
    assert_non_null(strstr(out, hostile));
}

// --- Lines

static char screen[OUTPUT_SIZE];

// Starts the program on a terminal of so many columns; *master is the other end.
static pid_t start_on_terminal(const char *const *words, int columns, const char *kind, int *master) {
    const struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
    fflush(NULL);
    const pid_t child = forkpty(master, NULL, NULL, &size);
    if (child < 0) {
        print_message("skipped: this machine gives no pseudo-terminal: %s\n", strerror(errno));
        skip();
    }
    if (child == 0) {
        struct termios plain;
        tcgetattr(0, &plain);
        plain.c_oflag &= ~(tcflag_t)OPOST; // line ends as they are
        tcsetattr(0, TCSANOW, &plain);
        setenv("TERM", kind, 1);
        if (chdir(scratch) == 0) {
            execv(FV__PROGRAM, (char *const *)words);
        }
        _exit(99);
    }
    return child;
}

// Everything it draws until it ends; returns the exit code.
static int read_screen(pid_t child, int master) {
    size_t used = 0;
    ssize_t got;
    int status;
    while (used < sizeof screen - 1 && (got = read(master, screen + used, sizeof screen - 1 - used)) > 0) {
        used += (size_t)got;
    }
    screen[used] = 0;
    close(master);
    while (waitpid(child, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Lines that are drawn over, of which there must be some, must fit.
static void check_drawn(int columns) {
    static const char start[] = "\r\033[K";
    int lines = 0;
    for (const char *line = screen; (line = strstr(line, start)); lines++) {
        line += strlen(start);
        const size_t length = strcspn(line, "\r\n");
        int width = 0;
        for (size_t i = 0; i < length; i++) {
            width += (line[i] & 0xC0) != 0x80;
        }
        if (line[length] == '\r' && width >= columns) {
            fail_msg("%d columns of %d: %.*s", width, columns, (int)length, line);
        }
    }
    if (lines == 0) {
        fail_msg("nothing is drawn over:\n%s", screen);
    }
}

static int run_on_terminal(const char *const *words, int columns, const char *kind) {
    int master;
    const pid_t child = start_on_terminal(words, columns, kind, &master);
    return read_screen(child, master);
}

static void draws_lines_that_fit(void **state) {
    (void)state;
    static const char *const predict[] = {"fovea", "predict", "seen", "images", NULL};
    static const int widths[] = {10, 20, 40, 80, 200};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        char folder[32];
        const char *const train[] = {"fovea", "train", "small.yaml", "--set", "train.epochs=2", "--out", folder, NULL};
        snprintf(folder, sizeof folder, "width-%d", widths[i]);
        assert_int_equal(run_on_terminal(predict, widths[i], "xterm"), 3);
        check_drawn(widths[i]);
        assert_int_equal(run_on_terminal(train, widths[i], "xterm"), 0);
        check_drawn(widths[i]);
        assert_has(screen, "Epoch 2/2  6/6  ");
    }
    assert_int_equal(run_on_terminal(predict, 80, "dumb"), 3);
    assert_null(strchr(screen, '\r'));
    assert_null(strchr(screen, '\033'));
}

// --- Hanging up

// Reads until the text has appeared.
static void wait_for(int master, const char *text) {
    size_t used = 0;
    screen[0] = 0;
    while (!strstr(screen, text)) {
        const ssize_t got = read(master, screen + used, sizeof screen - 1 - used);
        assert_true(got > 0);
        used += (size_t)got;
        screen[used] = 0;
    }
}

static int wait_for_end(pid_t child) {
    int status;
    while (waitpid(child, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void outlives_its_terminal(void **state) {
    (void)state;
    static const char *const train[] = {"fovea", "train", "small.yaml", "--seed", "3", "--out", "hung", NULL};
    int master;
    const pid_t child = start_on_terminal(train, 80, "xterm", &master);
    wait_for(master, "Epoch 1/30  6/6");
    close(master); // the terminal is closed: SIGHUP
    assert_int_equal(wait_for_end(child), 130);
    assert_int_equal(access(scratch_path("hung/checkpoint.safetensors"), R_OK), 0);
    assert_code(0, "train --resume hung");
    assert_true(same_files("hung/model.safetensors", "trained/model.safetensors"));
}

// As nohup does: the signal is ignored from the start.
static void ignores_hangup_if_told(void **state) {
    (void)state;
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    signal(SIGHUP, SIG_IGN);
    const pid_t child = start(FV__PROGRAM, "train small.yaml --seed 3 --json --out kept", NULL, ends[1]);
    signal(SIGHUP, SIG_DFL);
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(kill(child, SIGHUP), 0);
    while (read(ends[0], &byte, 1) == 1) {
    }
    close(ends[0]);
    assert_int_equal(finish(child), 0);
    assert_true(same_files("kept/model.safetensors", "trained/model.safetensors"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_names),
        cmocka_unit_test(draws_lines_that_fit),
        cmocka_unit_test(outlives_its_terminal),
        cmocka_unit_test(ignores_hangup_if_told),
    };
    setenv("LC_ALL", "C.UTF-8", 1);
    return cmocka_run_group_tests(tests, open_images, scratch_close);
}
