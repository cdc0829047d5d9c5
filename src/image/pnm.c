// SPDX-License-Identifier: Apache-2.0
// PNM, by hand: netpbm's bitmaps (P1, P4), grey maps (P2, P5) and colour maps (P3, P6), as text or binary, up to 16 bits;
// and PAM (P7) of 1 to 4 channels. https://netpbm.sourceforge.net/doc/pnm.html. Of several images the first is read.
#include <string.h>

#include "image/codec.h"

typedef enum storage { TEXT_BITS, TEXT, BITS, BYTES, SHORTS } storage;

typedef struct pnm {
    const fv__image_source *file;
    size_t at; // the next byte
    uint32_t height, width;
    uint32_t channels; // 1 grey, 2 grey and alpha, 3 colours, 4 colours and alpha
    uint32_t most;     // the largest value
    storage storage;
} pnm;

static bool is_blank(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

// The next byte as text, where a comment counts as its line's end; -1 at the end of the file.
static int next_char(pnm *now) {
    const fv__image_source *file = now->file;
    if (now->at < file->size && file->bytes[now->at] == '#') {
        while (now->at < file->size && file->bytes[now->at] != '\n' && file->bytes[now->at] != '\r') {
            now->at++;
        }
    }
    return now->at < file->size ? file->bytes[now->at++] : -1;
}

// The next whole number and the blank that ends it, or the next digit alone; false where there is none.
static bool next_number(pnm *now, bool digit, uint32_t *out) {
    int next = next_char(now);
    while (next >= 0 && is_blank((uint8_t)next)) {
        next = next_char(now);
    }
    if (next < '0' || next > '9') {
        return false;
    }
    *out = (uint32_t)(next - '0');
    while (!digit && (next = next_char(now)) >= '0' && next <= '9') {
        *out = *out * 10 + (uint32_t)(next - '0');
        if (*out > 1U << 24) {
            return false;
        }
    }
    return digit || next < 0 || is_blank((uint8_t)next);
}

static fv_status fail_damaged(const pnm *now, const char *problem, fv_error *error) {
    return fv__fail_damaged(error, now->file, "PNM", problem);
}

// A line of words: "WIDTH 40".
static fv_status read_pam_header(pnm *now, fv_error *error) {
    static const char *const words[] = {"WIDTH", "HEIGHT", "DEPTH", "MAXVAL"};
    uint32_t *const values[] = {&now->width, &now->height, &now->channels, &now->most};
    for (;;) {
        char word[16] = "";
        int next = next_char(now);
        for (size_t i = 0; next >= 0 && !is_blank((uint8_t)next); next = next_char(now)) {
            word[i] = (char)next;
            i += i < sizeof word - 2;
        }
        if (strcmp(word, "ENDHDR") == 0 && next == '\n') {
            return FV_OK;
        }
        for (size_t i = 0; i < 4; i++) {
            if (strcmp(word, words[i]) == 0 && (next == '\n' || !next_number(now, false, values[i]))) {
                return fail_damaged(now, "a line of its header has no number", error);
            }
        }
        while (strcmp(word, "TUPLTYPE") == 0 && next >= 0 && next != '\n') {
            next = next_char(now);
        }
        if (next < 0) {
            return fail_damaged(now, "its header has no end", error);
        }
    }
}

static fv_status read_header(pnm *now, fv_error *error) {
    static const storage storages[] = {TEXT_BITS, TEXT, TEXT, BITS, BYTES, BYTES, BYTES};
    const int kind = now->file->bytes[1] - '1';
    now->at = 2;
    now->most = 1;
    now->channels = kind == 2 || kind == 5 ? 3 : 1;
    now->storage = storages[kind];
    if (kind == 6) {
        now->at = 3;
        FV__TRY(read_pam_header(now, error));
    } else if (!next_number(now, false, &now->width) || !next_number(now, false, &now->height) ||
               (kind != 0 && kind != 3 && !next_number(now, false, &now->most))) {
        return fail_damaged(now, "no width, height and largest value at its beginning", error);
    }
    if (now->most == 0 || now->most > UINT16_MAX) {
        return fail_damaged(now, "its largest value is not 1 to 65535", error);
    }
    if (now->channels == 0 || now->channels > 4) {
        return fv__fail_unread(error, now->file, "a PAM of more than 4 channels");
    }
    now->storage = now->storage == BYTES && now->most > 255 ? SHORTS : now->storage;
    return fv__bitmap_check(now->height, now->width, now->file->name, error);
}

// Bytes of a row; of text, the fewest.
static size_t stride_of(const pnm *now) {
    const size_t values = (size_t)now->width * now->channels;
    return now->storage == BITS ? (values + 7) / 8 : now->storage == SHORTS ? 2 * values : values;
}

// The value of channel i of a row that begins at `row`.
static bool read_value(pnm *now, size_t row, size_t i, uint32_t *out) {
    const uint8_t *bytes = now->file->bytes + row;
    switch (now->storage) {
    case TEXT_BITS:
    case TEXT:
        if (!next_number(now, now->storage == TEXT_BITS, out) || *out > now->most) {
            return false;
        }
        break;
    case BITS:
        *out = bytes[i / 8] >> (7 - i % 8) & 1;
        break;
    case BYTES:
        *out = bytes[i];
        break;
    case SHORTS:
        *out = (uint32_t)bytes[2 * i] << 8 | bytes[2 * i + 1];
        break;
    }
    if (now->storage == TEXT_BITS || now->storage == BITS) { // of which 1 is black
        *out = 1 - *out;
    }
    *out = ((*out < now->most ? *out : now->most) * 255 + now->most / 2) / now->most;
    return true;
}

static bool read_row(pnm *now, size_t row, uint8_t *to) {
    const uint32_t colours = now->channels > 2 ? 3 : 1;
    for (size_t x = 0; x < now->width; x++, to += 4) {
        uint32_t values[4] = {0};
        for (uint32_t c = 0; c < now->channels; c++) {
            if (!read_value(now, row, x * now->channels + c, &values[c])) {
                return false;
            }
        }
        for (uint32_t c = 0; c < 3; c++) {
            to[c] = (uint8_t)values[colours == 3 ? c : 0];
        }
        to[3] = (uint8_t)(now->channels > colours ? values[colours] : 255);
    }
    return true;
}

fv_status fv__pnm_decode(const fv__image_source *file, fv__bitmap *out, fv_error *error) {
    pnm now = {.file = file};
    FV__TRY(read_header(&now, error));
    const size_t start = now.at, stride = stride_of(&now);
    if (stride * now.height > file->size - start) {
        return fv__fail(error, FV_FORMAT, "%s: a PNM that is cut off", file->name);
    }
    FV__TRY(fv__bitmap_make(out, now.height, now.width, 4, file->name, error));
    for (size_t y = 0; y < now.height; y++) {
        if (!read_row(&now, start + y * stride, out->pixels + 4 * y * now.width)) {
            return fail_damaged(&now, "a value is missing, is no number or is too large", error);
        }
    }
    fv__bitmap_flatten(out);
    return FV_OK;
}
