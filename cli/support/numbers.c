// SPDX-License-Identifier: Apache-2.0
#include "support/numbers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

// Whether a decimal number may begin so: what strtol and strtod take besides are blanks, a plus, octal-looking and
// hexadecimal numbers, infinity and nan.
static bool looks_decimal(const char *text) {
    text += *text == '-';
    return (is_digit(text[0]) && !(text[0] == '0' && (is_digit(text[1]) || text[1] == 'x' || text[1] == 'X'))) ||
           (text[0] == '.' && is_digit(text[1]));
}

bool cli_parse_int(const char *text, int *number) {
    char *end;
    const long long value = strtoll(text, &end, 10);
    *number = (int)value;
    return looks_decimal(text) && end != text && *end == 0 && *number == value;
}

bool cli_parse_number(const char *text, double *number) {
    char *end;
    *number = strtod(text, &end);
    return looks_decimal(text) && *end == 0 && isfinite(*number);
}

const char *cli_count(char buffer[CLI_NUMBER_SIZE], double number) {
    char digits[CLI_NUMBER_SIZE];
    const int length = snprintf(digits, sizeof digits, "%.0f", fmin(fmax(number, -9e15), 9e15));
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
    const long whole = lround(fmin(seconds, 1e9));
    if (whole < 60) {
        snprintf(buffer, CLI_NUMBER_SIZE, "%ld s", whole);
    } else if (whole < 3600) {
        snprintf(buffer, CLI_NUMBER_SIZE, "%ld min %ld s", whole / 60, whole % 60);
    } else {
        snprintf(buffer, CLI_NUMBER_SIZE, "%ld h %ld min", whole / 3600, whole / 60 % 60);
    }
    return buffer;
}

const char *cli_loss(char buffer[CLI_NUMBER_SIZE], double loss) {
    snprintf(buffer, CLI_NUMBER_SIZE, loss < 1e6 ? "%.4f" : "%.4g", loss);
    return buffer;
}

const char *cli_shortest(char buffer[CLI_NUMBER_SIZE], double number) {
    for (int digits = 1; digits <= 17; digits++) { // 17 always suffice for a double
        snprintf(buffer, CLI_NUMBER_SIZE, "%.*g", digits, number);
        if (strtod(buffer, NULL) == number) {
            break;
        }
    }
    if (strchr(buffer, 'e') && fabs(number) < 1e15 && number == rint(number)) { // 1e+01 is 10 to people
        snprintf(buffer, CLI_NUMBER_SIZE, "%.0f", number);
    }
    return buffer;
}

cli_shape cli_shape_of(int rank, const int *sizes) {
    cli_shape shape = {.rank = rank};
    for (int axis = 0; axis < rank; axis++) {
        shape.sizes[axis] = sizes[axis];
    }
    return shape;
}

cli_shape cli_shape_of_array(const fv_weight_array *array) {
    cli_shape shape = {.rank = array->rank};
    memcpy(shape.sizes, array->shape, sizeof array->shape);
    return shape;
}

const char *cli_shape_print(const cli_shape *shape, char buffer[CLI_SHAPE_SIZE]) {
    int length = snprintf(buffer, CLI_SHAPE_SIZE, "(");
    for (int axis = 0; axis < shape->rank; axis++) {
        length += snprintf(buffer + length, (size_t)(CLI_SHAPE_SIZE - length), "%s%lld", axis ? ", " : "",
                           (long long)shape->sizes[axis]);
    }
    snprintf(buffer + length, (size_t)(CLI_SHAPE_SIZE - length), ")");
    return buffer;
}

double cli_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
