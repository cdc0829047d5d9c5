// SPDX-License-Identifier: Apache-2.0
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

// Means over squares of `step` pixels: (height / step, width / step, channels).
static void shrink(const uint8_t *pixels, int height, int width, int channels, int step, uint8_t *out) {
    for (int y = 0; y + step <= height; y += step) {
        for (int x = 0; x + step <= width; x += step) {
            for (int c = 0; c < channels; c++) {
                int sum = 0;
                for (int i = 0; i < step * step; i++) {
                    sum += pixels[((y + i / step) * width + x + i % step) * channels + c];
                }
                *out++ = (uint8_t)((sum + step * step / 2) / (step * step));
            }
        }
    }
}

fv_status fv__page_picture(fv__text *page, const uint8_t *pixels, int height, int width, int channels, int largest,
                           fv_error *error) {
    const int longer = height > width ? height : width, step = (longer + largest - 1) / largest;
    uint8_t *bytes = NULL, *small = fv__alloc_array((size_t)height * (size_t)width, (size_t)channels);
    size_t size = 0;
    if (!small) {
        return fv__fail_memory(error, "a picture");
    }
    shrink(pixels, height, width, channels, step, small);
    fv_status status = fv__png_encode(small, height / step, width / step, channels, &bytes, &size, error);
    if (!status) {
        fv__text_add(page, "data:image/png;base64,");
        fv__page_base64(page, bytes, size);
    }
    fv__free(small);
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
