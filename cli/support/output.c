// Messages, and numbers as people like to read them.
#include "support/cli.h"

#include <langinfo.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void say(const char *format, va_list arguments) {
    fflush(stdout); // what was said before stands before
    fputs("fovea: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void cli_say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

int cli_fail(const fv_error *error) {
    cli_say("%s", error->message);
    return error->status == FV_INTERRUPTED ? CLI_INTERRUPTED : CLI_FAILED;
}

int cli_usage(const cli_command *command, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    if (command) {
        fprintf(stderr, "usage: fovea %s %s\n`fovea %s --help` tells more.\n", command->name, command->arguments,
                command->name);
    } else {
        fputs("`fovea help` lists the commands.\n", stderr);
    }
    return CLI_USAGE;
}

int cli_fail_memory(void) {
    cli_say("out of memory");
    return CLI_FAILED;
}

bool cli_utf8(void) {
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool cli_is_live(void) {
    return isatty(STDERR_FILENO);
}

int cli_line_width(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

int cli_columns(const char *text) {
    int columns = 0;
    for (; *text; text++) {
        columns += (*text & 0xC0) != 0x80; // not the middle of a character
    }
    return columns;
}

const char *cli_count(char buffer[CLI_NUMBER_SIZE], double number) {
    char digits[CLI_NUMBER_SIZE];
    int length = snprintf(digits, sizeof digits, "%.0f", fmin(fmax(number, -9e15), 9e15));
    int used = 0;
    for (int i = 0; i < length; i++) {
        buffer[used++] = digits[i];
        if (digits[i] != '-' && i < length - 1 && (length - 1 - i) % 3 == 0) {
            buffer[used++] = ',';
        }
    }
    buffer[used] = 0;
    return buffer;
}

const char *cli_bytes(char buffer[CLI_NUMBER_SIZE], double bytes) {
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    int unit = 0;
    while (bytes >= 999.5 && unit < 4) {
        bytes /= 1000;
        unit++;
    }
    snprintf(buffer, CLI_NUMBER_SIZE, "%.*f %s", unit > 0 && bytes < 99.95 ? 1 : 0, bytes, units[unit]);
    return buffer;
}

const char *cli_duration(char buffer[CLI_NUMBER_SIZE], double seconds) {
    long whole = lround(fmin(seconds, 1e9));
    if (whole < 60) {
        snprintf(buffer, CLI_NUMBER_SIZE, "%ld s", whole);
    } else if (whole < 3600) {
        snprintf(buffer, CLI_NUMBER_SIZE, "%ld min %ld s", whole / 60, whole % 60);
    } else {
        snprintf(buffer, CLI_NUMBER_SIZE, "%ld h %ld min", whole / 3600, whole / 60 % 60);
    }
    return buffer;
}

const char *cli_bar(char buffer[CLI_BAR_SIZE], double part, int width) {
    bool utf8 = cli_utf8();
    const char *full = utf8 ? "━" : "=", *half = utf8 ? "╸" : ">";
    int halves = (int)(2 * width * fmin(fmax(part, 0), 1));
    buffer[0] = 0;
    for (int column = 0; column < width; column++) {
        strcat(buffer, 2 * column + 1 < halves ? full : 2 * column < halves ? half : " ");
    }
    return buffer;
}

const char *cli_loss(char buffer[CLI_NUMBER_SIZE], double loss) {
    snprintf(buffer, CLI_NUMBER_SIZE, loss < 1e6 ? "%.4f" : "%.4g", loss);
    return buffer;
}

const char *cli_shape(char buffer[CLI_SHAPE_SIZE], int rank, const int64_t *shape) {
    int length = snprintf(buffer, CLI_SHAPE_SIZE, "(");
    for (int axis = 0; axis < rank; axis++) {
        length += snprintf(buffer + length, (size_t)(CLI_SHAPE_SIZE - length), "%s%lld", axis ? ", " : "",
                           (long long)shape[axis]);
    }
    snprintf(buffer + length, (size_t)(CLI_SHAPE_SIZE - length), ")");
    return buffer;
}
