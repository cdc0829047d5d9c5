// SPDX-License-Identifier: Apache-2.0
// See text.h. The edit distance is Damerau and Levenshtein's in its restricted form (optimal string alignment): three
// rows of the usual table are enough, because a swap looks back two.
#include "base/text.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

// --- growing string

// Room for `more` bytes and the final zero.
static bool reserve(fv__text *text, size_t more) {
    if (text->failed || more > SIZE_MAX / 2 - text->length - 1) {
        text->failed = true;
        return false;
    }
    size_t needed = text->length + more + 1;
    if (needed > text->capacity) {
        size_t capacity = text->capacity < 128 ? 128 : text->capacity;
        while (capacity < needed) {
            capacity *= 2;
        }
        char *grown = fv__realloc(text->bytes, capacity);
        if (!grown) {
            text->failed = true;
            return false;
        }
        text->bytes = grown;
        text->capacity = capacity;
    }
    return true;
}

void fv__text_add_bytes(fv__text *text, const void *added, size_t length) {
    if (reserve(text, length)) {
        if (length) {
            memcpy(text->bytes + text->length, added, length);
        }
        text->length += length;
        text->bytes[text->length] = 0;
    }
}

void fv__text_add(fv__text *text, const char *added) {
    fv__text_add_bytes(text, added, strlen(added));
}

void fv__text_addv(fv__text *text, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length < 0) {
        text->failed = true;
    } else if (reserve(text, (size_t)length)) {
        vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void fv__text_addf(fv__text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fv__text_addv(text, format, arguments);
    va_end(arguments);
}

void fv__text_free(fv__text *text) {
    fv__free(text->bytes);
    *text = (fv__text){0};
}

// --- UTF-8

// The bytes of the character at `text` after its first one; -1 when it is malformed.
static int continuation_bytes(const unsigned char *text) {
    unsigned char first = text[0], second = first ? text[1] : 0;
    if (first < 0x80) {
        return 0;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return 1;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        return (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ? -1 : 2;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        return (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F) ? -1 : 3;
    }
    return -1;
}

// The bytes of the character at `text`; 0 when it is malformed.
static size_t character_bytes(const char *text) {
    const int more = continuation_bytes((const unsigned char *)text);
    for (int i = 1; i <= more; i++) {
        if ((text[i] & 0xC0) != 0x80) { // also the end of the text
            return 0;
        }
    }
    return more < 0 ? 0 : (size_t)more + 1;
}

bool fv__is_utf8(const char *text) {
    size_t bytes = 1;
    while (*text && bytes) {
        bytes = character_bytes(text);
        text += bytes;
    }
    return bytes > 0;
}

void fv__text_add_utf8(fv__text *text, const char *added) {
    while (*added) {
        const size_t bytes = character_bytes(added);
        fv__text_add_bytes(text, bytes ? added : "\xEF\xBF\xBD", bytes ? bytes : 3);
        added += bytes ? bytes : 1;
    }
}

// --- numbers

static bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

static const char *skip_digits(const char *text) {
    while (is_digit(*text)) {
        text++;
    }
    return text;
}

// Past the sign and the whole part; NULL for a leading zero (010), which others read as octal.
static const char *skip_whole(const char *text) {
    text += *text == '-' || *text == '+';
    return text[0] == '0' && is_digit(text[1]) ? NULL : skip_digits(text);
}

bool fv__parse_int(const char *text, int *number) {
    const char *end = skip_whole(text);
    if (!end || *end || end == text || !is_digit(end[-1]) || end - text > 11) {
        return false;
    }
    long long value = strtoll(text, NULL, 10);
    if (value < INT32_MIN || value > INT32_MAX) {
        return false;
    }
    *number = (int)value;
    return true;
}

// sign? digits? (. digits?)? ((e|E) sign? digits)?, with a digit before or after the point
static bool looks_like_float(const char *text) {
    const char *end = skip_whole(text);
    if (!end) {
        return false;
    }
    bool digits = end > text && is_digit(end[-1]);
    if (*end == '.') {
        const char *fraction = end + 1;
        end = skip_digits(fraction);
        digits |= end > fraction;
    }
    if (digits && (*end == 'e' || *end == 'E')) {
        const char *exponent = end + 1 + (end[1] == '-' || end[1] == '+');
        end = skip_digits(exponent);
        digits = end > exponent;
    }
    return digits && !*end;
}

// The host may have chosen a locale with a decimal comma; the thread leaves it while a number is read or written.
typedef struct locale_guard {
    locale_t plain, before;
} locale_guard;

static locale_guard enter_c_locale(void) {
    locale_guard guard = {.plain = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    guard.before = guard.plain ? uselocale(guard.plain) : (locale_t)0;
    return guard;
}

static void leave_c_locale(locale_guard guard) {
    if (guard.plain) {
        uselocale(guard.before);
        freelocale(guard.plain);
    }
}

bool fv__parse_float(const char *text, double *number) {
    if (!looks_like_float(text)) {
        return false;
    }
    locale_guard guard = enter_c_locale();
    double value = strtod(text, NULL);
    leave_c_locale(guard);
    if (!isfinite(value)) {
        return false;
    }
    *number = value;
    return true;
}

const char *fv__format_float(char buffer[FV__NUMBER_SIZE], double number) {
    locale_guard guard = enter_c_locale();
    for (int digits = 1; digits <= 17; digits++) { // 17 always suffice for a double
        snprintf(buffer, FV__NUMBER_SIZE, "%.*g", digits, number);
        if (strtod(buffer, NULL) == number) {
            break;
        }
    }
    if (strchr(buffer, 'e') && fabs(number) < 1e15 && number == rint(number)) { // 1e+01 is 10 to people
        snprintf(buffer, FV__NUMBER_SIZE, "%.0f", number);
    }
    leave_c_locale(guard);
    return buffer;
}

// --- names

enum { LONGEST_NAME = 63 };

static char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t fv__edit_distance(const char *a, const char *b) {
    size_t a_length = strnlen(a, LONGEST_NAME), b_length = strnlen(b, LONGEST_NAME);
    size_t rows[3][LONGEST_NAME + 1];
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t changed = lower(a[i - 1]) != lower(b[j - 1]);
            row[j] = smaller(above[j - 1] + changed, smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
                row[j] = smaller(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[a_length % 3][b_length];
}

const char *fv__nearest_name(const char *name, const char *const *names) {
    size_t length = strnlen(name, LONGEST_NAME);
    size_t best = length < 3 ? 1 : 1 + length / 3; // about one error in three letters is still a guess worth making
    const char *nearest = NULL;
    for (; *names; names++) {
        size_t distance = fv__edit_distance(name, *names);
        if (distance < best || (distance == best && !nearest)) {
            best = distance;
            nearest = *names;
        }
    }
    return nearest;
}

const char *fv__suggest_name(char *buffer, size_t size, const char *name, const char *const *names) {
    const char *nearest = fv__nearest_name(name, names);
    int written =
        nearest ? snprintf(buffer, size, "did you mean '%s'? Known: ", nearest) : snprintf(buffer, size, "known: ");
    size_t length = smaller((size_t)written, size - 1);
    for (size_t i = 0; names[i]; i++) {
        written = snprintf(buffer + length, size - length, "%s%s", i ? ", " : "", names[i]);
        if ((size_t)written >= size - length) {
            if (size >= 4) {
                memcpy(buffer + size - 4, "...", 4);
            }
            break;
        }
        length += (size_t)written;
    }
    return buffer;
}
