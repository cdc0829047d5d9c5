// SPDX-License-Identifier: Apache-2.0
// BMP, by hand: the headers of Windows (2 to 5) and of OS/2 (1 and 2); palettes of 1, 2, 4 and 8 bits; 16, 24 and 32 bits
// with or without masks; run lengths (RLE4, RLE8, RLE24); a JPEG or PNG inside. Transparent where a mask of the header
// says which bits are alpha, unless alpha is 0 everywhere: then the writer has left it out.
// https://learn.microsoft.com/en-us/windows/win32/gdi/bitmap-storage, and the files of Bmpsuite.
#include <stdio.h>
#include <string.h>

#include "image/codec.h"

enum { FILE_HEADER = 14, CORE_HEADER = 12, INFO_HEADER = 40, OS2_HEADER = 64, MASKS_AT = FILE_HEADER + INFO_HEADER };

typedef enum packing { PLAIN, RLE8, RLE4, MASKS, JPEG_INSIDE, PNG_INSIDE, MASKS_ALPHA, RLE24, HUFFMAN } packing;

typedef struct bmp {
    const fv__image_source *file;
    size_t header; // length, which names the version
    uint32_t height, width;
    bool downwards; // the first row is the upper one
    unsigned bits;  // of a pixel
    packing packing;
    uint32_t masks[4]; // red, green, blue, alpha
    const uint8_t *palette;
    size_t colours, entry; // the palette's: how many, and bytes of one
    const uint8_t *pixels;
    size_t size; // bytes from there to the end of the file
} bmp;

// A number of the file; 0 beyond its end.
static uint32_t number_at(const fv__image_source *file, size_t at, size_t width) {
    uint32_t number = 0;
    for (size_t i = 0; i < width && at + width <= file->size; i++) {
        number |= (uint32_t)file->bytes[at + i] << 8 * i;
    }
    return number;
}

// A number of the header; 0 where the header is too short to have it.
static uint32_t header_at(const bmp *now, size_t at, size_t width) {
    return at + width <= now->header ? number_at(now->file, FILE_HEADER + at, width) : 0;
}

static fv_status fail_short(const bmp *now, fv_error *error) {
    return fv__fail(error, FV_FORMAT, "%s: a BMP that is cut off", now->file->name);
}

static void read_size(bmp *now) {
    if (now->header == CORE_HEADER) {
        now->width = header_at(now, 4, 2);
        now->height = header_at(now, 6, 2);
        now->bits = header_at(now, 10, 2);
        return;
    }
    const int32_t width = (int32_t)header_at(now, 4, 4), height = (int32_t)header_at(now, 8, 4);
    now->downwards = height < 0;
    now->width = width < 0 ? 0 : (uint32_t)width;
    now->height = now->downwards ? 0U - (uint32_t)height : (uint32_t)height;
    now->bits = header_at(now, 14, 2);
}

static void read_packing(bmp *now) {
    const uint32_t number = header_at(now, 16, 4);
    const bool os2 = now->header == OS2_HEADER; // which numbers two of them otherwise
    now->packing = os2 && number == 3 && now->bits == 1 ? HUFFMAN : os2 && number == 4 ? RLE24 : (packing)number;
}

static fv_status check_kind(const bmp *now, fv_error *error) {
    static const unsigned needed[] = {[RLE8] = 8, [RLE4] = 4, [RLE24] = 24};
    const unsigned bits = now->bits;
    char what[80];
    if (now->packing == HUFFMAN) {
        return fv__fail_unread(error, now->file, "a BMP packed with OS/2's Huffman code");
    }
    if (now->packing > RLE24) {
        snprintf(what, sizeof what, "a BMP with an unknown packing (%u)", (unsigned)now->packing);
        return fv__fail_unread(error, now->file, what);
    }
    const bool runs = now->packing == RLE8 || now->packing == RLE4 || now->packing == RLE24;
    const bool masks = now->packing == MASKS || now->packing == MASKS_ALPHA;
    const bool inside = now->packing == JPEG_INSIDE || now->packing == PNG_INSIDE;
    const bool known =
        bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16 || bits == 24 || bits == 32 || inside;
    if (!known || (runs && bits != needed[now->packing]) || (masks && bits < 16)) {
        snprintf(what, sizeof what, "a BMP with %u bits a pixel and packing %u", bits, (unsigned)now->packing);
        return fv__fail_unread(error, now->file, what);
    }
    return FV_OK;
}

static void read_masks(bmp *now) {
    static const uint32_t usual[] = {0xFF0000, 0xFF00, 0xFF, 0}, usual_16[] = {0x7C00, 0x3E0, 0x1F, 0};
    memcpy(now->masks, now->bits == 16 ? usual_16 : usual, sizeof usual);
    if (now->packing != MASKS && now->packing != MASKS_ALPHA) {
        return;
    }
    uint32_t masks[4] = {0};
    for (size_t i = 0; i < 4; i++) { // in a longer header, or behind a short one, which is the same place
        const bool there = i < 3 || now->header >= MASKS_AT - FILE_HEADER + 16 || now->packing == MASKS_ALPHA;
        masks[i] = there ? number_at(now->file, MASKS_AT + 4 * i, 4) : 0;
    }
    if (masks[0] || masks[1] || masks[2]) {
        memcpy(now->masks, masks, sizeof masks);
    } else if (now->bits == 32) {
        now->masks[3] = 0xFF000000;
    }
}

static fv_status find_parts(bmp *now, fv_error *error) {
    const fv__image_source *file = now->file;
    const size_t masks = now->header != INFO_HEADER    ? 0
                         : now->packing == MASKS       ? 12
                         : now->packing == MASKS_ALPHA ? 16
                                                       : 0;
    const size_t palette = FILE_HEADER + now->header + masks, used = header_at(now, 32, 4);
    size_t start = number_at(file, 10, 4);
    now->entry = now->header == CORE_HEADER ? 3 : 4;
    now->colours = now->bits > 8 ? 0 : used > 0 && used < 1U << now->bits ? used : (size_t)1 << now->bits;
    const bool forgets_palette = start == FILE_HEADER + now->header && now->bits > 0 && now->bits <= 8;
    if (start == 0 || forgets_palette) { // as some writers leave it
        start = palette + now->colours * now->entry;
    }
    if (start > file->size || palette > file->size) {
        return fail_short(now, error);
    }
    const size_t room = (file->size - palette) / now->entry;
    now->colours = now->colours < room ? now->colours : room;
    now->palette = file->bytes + palette;
    now->pixels = file->bytes + start;
    now->size = file->size - start;
    return FV_OK;
}

static fv_status read_header(bmp *now, fv_error *error) {
    now->header = number_at(now->file, FILE_HEADER, 4);
    if (now->header > now->file->size - FILE_HEADER) {
        return fail_short(now, error);
    }
    if (now->header != CORE_HEADER && now->header < 16) {
        return fv__fail_damaged(error, now->file, "BMP", "its header has no known length");
    }
    read_size(now);
    read_packing(now);
    FV__TRY(fv__bitmap_check(now->height, now->width, now->file->name, error));
    FV__TRY(check_kind(now, error));
    read_masks(now);
    return find_parts(now, error);
}

// --- Pixels

static uint8_t channel(uint32_t value, uint32_t mask) {
    const unsigned shift = (unsigned)__builtin_ctz(mask | 0x80000000);
    const uint64_t most = mask >> shift, part = (value & mask) >> shift;
    return (uint8_t)(most == 255 ? part : most ? part * 255 / most : 0);
}

// Pixel x of a row as red, green, blue and alpha.
static void read_pixel(const bmp *now, const uint8_t *row, size_t x, uint8_t *out) {
    const size_t bit = x * now->bits;
    out[3] = 255;
    if (now->bits <= 8) {
        const size_t index = (size_t)row[bit / 8] >> (8 - now->bits - bit % 8) & ((1U << now->bits) - 1);
        for (size_t c = 0; c < 3; c++) {
            out[c] = index < now->colours ? now->palette[index * now->entry + 2 - c] : 0;
        }
        return;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < now->bits / 8; i++) {
        value |= (uint32_t)row[bit / 8 + i] << 8 * i;
    }
    for (size_t c = 0; c < 3; c++) {
        out[c] = channel(value, now->masks[c]);
    }
    if (now->masks[3]) {
        out[3] = channel(value, now->masks[3]);
    }
}

static uint8_t *row_of(const bmp *now, const fv__bitmap *out, size_t y) {
    return out->pixels + 4 * (now->downwards ? y : now->height - 1 - y) * now->width;
}

static fv_status read_plain(const bmp *now, const fv__bitmap *out, fv_error *error) {
    const size_t used = ((size_t)now->width * now->bits + 7) / 8, stride = (used + 3) / 4 * 4;
    if (now->size < stride * (now->height - 1) + used) {
        return fail_short(now, error);
    }
    for (size_t y = 0; y < now->height; y++) {
        uint8_t *to = row_of(now, out, y);
        for (size_t x = 0; x < now->width; x++) {
            read_pixel(now, now->pixels + y * stride, x, to + 4 * x);
        }
    }
    return FV_OK;
}

// Pairs of bytes: a count and the pixel (of RLE4 two) that is repeated; or 0 and the end of the row (0), the end (1), a
// step right and down (2), or a number of pixels that follow as they are. Pixels left out have the first colour.
static fv_status read_runs(const bmp *now, const fv__bitmap *out, fv_error *error) {
    enum { ROW_ENDS, ENDS, MOVES };
    const uint8_t *at = now->pixels, *const end = at + now->size;
    const size_t whole = now->bits == 24 ? 3 : 1; // bytes of a repeated pixel
    size_t x = 0, y = 0;
    static const uint8_t first[4];
    for (size_t i = 0; i < (size_t)now->height * now->width; i++) {
        read_pixel(now, first, 0, out->pixels + 4 * i);
    }
    while (y < now->height && !(y == now->height - 1 && x >= now->width && at == end)) {
        if (end - at < 2) {
            return fail_short(now, error);
        }
        const size_t repeats = at[0], code = at[1], count = repeats ? repeats : code;
        const size_t needed = repeats         ? whole
                              : code == MOVES ? 2
                              : code < MOVES  ? 0
                                              : (count * now->bits + 15) / 16 * 2;
        at += repeats ? 1 : 2;
        if ((size_t)(end - at) < needed) {
            return fail_short(now, error);
        }
        if (!repeats && code == ENDS) {
            return FV_OK;
        }
        if (!repeats && code <= MOVES) {
            x = code == MOVES ? x + at[0] : 0;
            y += code == MOVES ? at[1] : 1;
        } else {
            for (size_t i = 0; i < count && x < now->width; i++, x++) {
                read_pixel(now, at, !repeats ? i : now->bits == 4 ? i % 2 : 0, row_of(now, out, y) + 4 * x);
            }
        }
        at += needed;
    }
    return FV_OK;
}

// Alpha that is 0 everywhere was not written.
static void correct_alpha(const fv__bitmap *out) {
    const size_t count = (size_t)out->height * (size_t)out->width;
    for (size_t i = 0; i < count; i++) {
        if (out->pixels[4 * i + 3]) {
            return;
        }
    }
    for (size_t i = 0; i < count; i++) {
        out->pixels[4 * i + 3] = 255;
    }
}

fv_status fv__bmp_decode(const fv__image_source *file, fv__bitmap *out, fv_error *error) {
    bmp now = {.file = file};
    FV__TRY(read_header(&now, error));
    const fv__image_source inside = {now.pixels, now.size, file->name, file->least};
    if (now.packing == JPEG_INSIDE || now.packing == PNG_INSIDE) {
        return now.packing == PNG_INSIDE ? fv__png_decode(&inside, out, error) : fv__jpeg_decode(&inside, out, error);
    }
    const bool plain = now.packing == PLAIN || now.packing == MASKS || now.packing == MASKS_ALPHA;
    FV__TRY(fv__bitmap_make(out, now.height, now.width, 4, file->name, error));
    FV__TRY(plain ? read_plain(&now, out, error) : read_runs(&now, out, error));
    correct_alpha(out);
    fv__bitmap_flatten(out);
    return FV_OK;
}
