#include "report/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "image/encode.h"

void fv__page_text(fv__text *page, const char *text) {
    while (*text) {
        size_t plain = strcspn(text, "<>&\"'");
        fv__text_add_bytes(page, text, plain);
        text += plain;
        if (*text) {
            fv__text_addf(page, "&#%d;", *text++);
        }
    }
}

void fv__page_json(fv__text *page, const char *text) {
    fv__text_add(page, "\"");
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (byte < ' ' || strchr("\"\\<>&", byte)) { // "</script>" would end the script
            fv__text_addf(page, "\\u%04x", byte);
        } else {
            fv__text_add_bytes(page, text, 1);
        }
    }
    fv__text_add(page, "\"");
}

void fv__page_count(fv__text *page, double number) {
    char digits[64];
    int length = snprintf(digits, sizeof digits, "%.0f", number);
    for (int i = 0; i < length; i++) {
        fv__text_addf(page, i && (length - i) % 3 == 0 ? ",%c" : "%c", digits[i]);
    }
}

void fv__page_base64(fv__text *page, const uint8_t *bytes, size_t size) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char piece[4096];
    size_t used = 0;
    for (size_t i = 0; i < size; i += 3) {
        const size_t left = size - i;
        const unsigned three =
            (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        piece[used++] = letters[three >> 18];
        piece[used++] = letters[three >> 12 & 63];
        piece[used++] = left > 1 ? letters[three >> 6 & 63] : '=';
        piece[used++] = left > 2 ? letters[three & 63] : '=';
        if (used == sizeof piece || left <= 3) {
            fv__text_add_bytes(page, piece, used);
            used = 0;
        }
    }
}

fv_status fv__page_picture(fv__text *page, const uint8_t *pixels, int height, int width, int channels,
                           fv_error *error) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    fv_status status = fv__png_encode(pixels, height, width, channels, &bytes, &size, error);
    if (!status) {
        fv__text_add(page, "data:image/png;base64,");
        fv__page_base64(page, bytes, size);
    }
    fv__free(bytes);
    return status;
}

void fv__page_row(fv__text *page, const char *name, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fv__text_add(page, "<tr><th>");
    fv__page_text(page, name);
    fv__text_add(page, "<td>");
    fv__page_text(page, text);
    fv__text_add(page, "\n");
}
