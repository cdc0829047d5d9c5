// The two kinds of files whose pixels are not packed: BMP (Windows; 1, 4, 8, 24 and 32 bits) and binary PNM (netpbm; P5
// grey and P6 colour, up to 16 bits).
#include <string.h>

#include "image/codec.h"

static fv_status fail_short(const char *name, fv_error *error) {
    return fv__fail(error, FV_FORMAT, "%s: the file is cut off", name);
}

static uint32_t little(const uint8_t *bytes, int width) {
    uint32_t number = 0;
    for (int i = 0; i < width; i++) {
        number |= (uint32_t)bytes[i] << 8 * i;
    }
    return number;
}

// --- BMP

enum { FILE_HEADER = 14, HEADER = 40, PLAIN = 0, FIELDS = 3 };

typedef struct bmp {
    const uint8_t *palette, *pixels;
    size_t colours;
    unsigned bits;
    size_t stride;
    bool downwards; // the first row is the upper one
} bmp;

static fv_status read_bmp_header(const uint8_t *bytes, size_t size, const char *name, bmp *now, fv__bitmap *out,
                                 fv_error *error) {
    if (size < FILE_HEADER + HEADER) {
        return fail_short(name, error);
    }
    const uint8_t *header = bytes + FILE_HEADER;
    size_t start = little(bytes + 10, 4), length = little(header, 4);
    int32_t width = (int32_t)little(header + 4, 4), height = (int32_t)little(header + 8, 4);
    uint32_t packing = little(header + 16, 4), used = little(header + 32, 4);
    now->bits = little(header + 14, 2);
    now->downwards = height < 0;
    // 32 bits may be laid out otherwise, as masks behind the header say.
    bool usual = packing != FIELDS || (size >= FILE_HEADER + HEADER + 12 && little(header + 40, 4) == 0xFF0000 &&
                                       little(header + 44, 4) == 0xFF00 && little(header + 48, 4) == 0xFF);
    bool known = now->bits == 1 || now->bits == 4 || now->bits == 8 || now->bits == 24 || now->bits == 32;
    if (length < HEADER || !known || !usual || (packing != PLAIN && (packing != FIELDS || now->bits != 32))) {
        return fv__fail(error, FV_FORMAT, "%s: a BMP of a kind that is not read (packed, or %u bits); make it a PNG",
                        name, now->bits);
    }
    const uint32_t rows = height < 0 ? 0U - (uint32_t)height : (uint32_t)height,
                   columns = width < 0 ? 0 : (uint32_t)width;
    fv_status status = fv__bitmap_check(rows, columns, name, error);
    if (status) {
        return status;
    }
    now->colours = now->bits > 8 ? 0 : used > 0 && used < 1U << now->bits ? used : (size_t)1 << now->bits;
    now->stride = ((size_t)columns * now->bits + 31) / 32 * 4;
    if (start > size || now->stride * rows > size - start || length > size - FILE_HEADER ||
        now->colours * 4 > size - FILE_HEADER - length) {
        return fail_short(name, error);
    }
    now->palette = header + length;
    now->pixels = bytes + start;
    return fv__bitmap_make(out, rows, columns, 3, name, error);
}

// Blue, green, red.
static const uint8_t *bmp_colour(const bmp *now, const uint8_t *row, size_t x) {
    static const uint8_t black[4];
    if (now->bits > 8) {
        return row + x * now->bits / 8;
    }
    size_t bit = x * now->bits;
    size_t index = (size_t)row[bit / 8] >> (8 - now->bits - bit % 8) & ((1U << now->bits) - 1);
    return index < now->colours ? now->palette + 4 * index : black;
}

fv_status fv__bmp_decode(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                         fv_error *error) {
    (void)least;
    bmp now;
    fv_status status = read_bmp_header(bytes, size, name, &now, out, error);
    if (status) {
        return status;
    }
    uint8_t *pixel = out->pixels;
    for (int y = 0; y < out->height; y++) {
        const uint8_t *row = now.pixels + (size_t)(now.downwards ? y : out->height - 1 - y) * now.stride;
        for (size_t x = 0; x < (size_t)out->width; x++, pixel += 3) {
            const uint8_t *colour = bmp_colour(&now, row, x);
            pixel[0] = colour[2];
            pixel[1] = colour[1];
            pixel[2] = colour[0];
        }
    }
    return FV_OK;
}

// --- PNM

// The next whole number of the header, behind blanks and comments; 0 where there is none.
static uint32_t next_number(const uint8_t *bytes, size_t size, size_t *at) {
    uint32_t number = 0;
    while (*at < size && (bytes[*at] == '#' || strchr(" \t\r\n", bytes[*at]))) {
        bool comment = bytes[*at] == '#';
        while (comment && *at < size && bytes[*at] != '\n') {
            ++*at;
        }
        *at += *at < size;
    }
    for (; *at < size && bytes[*at] >= '0' && bytes[*at] <= '9' && number < 1U << 24; ++*at) {
        number = number * 10 + (bytes[*at] - '0');
    }
    return number;
}

fv_status fv__pnm_decode(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                         fv_error *error) {
    (void)least;
    size_t at = 2, channels = bytes[1] == '6' ? 3 : 1;
    uint32_t width = next_number(bytes, size, &at), height = next_number(bytes, size, &at);
    uint32_t most = next_number(bytes, size, &at);
    at++; // one blank
    if (most == 0 || most > 65535) {
        return fv__fail(error, FV_FORMAT, "%s: a damaged PNM (no size and largest value in front)", name);
    }
    size_t depth = most > 255 ? 2 : 1, count = (size_t)height * width;
    fv_status status = fv__bitmap_check(height, width, name, error);
    if (!status && (at > size || count * channels * depth > size - at)) {
        status = fail_short(name, error);
    }
    if (!status) {
        status = fv__bitmap_make(out, height, width, 3, name, error);
    }
    if (status) {
        return status;
    }
    for (size_t i = 0; i < count * 3; i++) {
        const uint8_t *from = bytes + at + (channels == 3 ? i : i / 3) * depth;
        uint32_t value = depth == 2 ? (uint32_t)from[0] << 8 | from[1] : from[0];
        out->pixels[i] = (uint8_t)(((value < most ? value : most) * 255 + most / 2) / most);
    }
    return FV_OK;
}
