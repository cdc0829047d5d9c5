// SPDX-License-Identifier: Apache-2.0
// Pictures for tests, made by the libraries' own encoders. Include it after scratch.h or training.h.
#ifndef FOVEA_TESTS_PICTURES_H
#define FOVEA_TESTS_PICTURES_H

#include <jpeglib.h>
#include <spng.h>
#include <zlib.h>

typedef struct encoded {
    uint8_t *bytes; // to be freed with free
    size_t size;
} encoded;

typedef struct jpeg_kind {
    J_COLOR_SPACE space;
    int channels;
    bool progressive;
    int orientation; // 0: no EXIF
} jpeg_kind;

// `pixels` is (height, width, channels).
static inline encoded encode_jpeg(const uint8_t *pixels, int height, int width, jpeg_kind kind) {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr manager;
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    info.err = jpeg_std_error(&manager);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &bytes, &size);
    info.image_height = (JDIMENSION)height;
    info.image_width = (JDIMENSION)width;
    info.input_components = kind.channels;
    info.in_color_space = kind.space;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, 95, TRUE);
    if (kind.progressive) {
        jpeg_simple_progression(&info);
    }
    jpeg_start_compress(&info, TRUE);
    if (kind.orientation) {
        uint8_t exif[] = {'E',  'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0,
                          0x12, 1,   3,   0,   1, 0, 0,   0,   0,  0, 0, 0, 0, 0, 0, 0};
        exif[24] = (uint8_t)kind.orientation;
        jpeg_write_marker(&info, JPEG_APP0 + 1, exif, sizeof exif);
    }
    for (int y = 0; y < height; y++) {
        JSAMPROW row = (JSAMPROW)(pixels + (size_t)y * (size_t)(width * kind.channels));
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    return (encoded){bytes, size};
}

// `pixels` as PNG stores them: rows of packed samples, big-endian.
static inline encoded encode_png(const void *pixels, size_t size, struct spng_ihdr header) {
    int result;
    encoded out = {0};
    spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
    spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
    assert_int_equal(spng_set_ihdr(context, &header), 0);
    if (header.color_type == SPNG_COLOR_TYPE_INDEXED) {
        struct spng_plte palette = {.n_entries = 3,
                                    .entries = {{200, 10, 20, 255}, {30, 210, 40, 255}, {50, 60, 220, 255}}};
        assert_int_equal(spng_set_plte(context, &palette), 0);
    }
    assert_int_equal(spng_encode_image(context, pixels, size, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE), 0);
    out.bytes = spng_get_png_buffer(context, &out.size, &result);
    spng_ctx_free(context);
    return out;
}

static inline void put_big(uint8_t *bytes, uint32_t number) {
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

static inline size_t put_chunk(uint8_t *at, const char *kind, const uint8_t *content, size_t size) {
    put_big(at, (uint32_t)size);
    memcpy(at + 4, kind, 4);
    memcpy(at + 8, content, size);
    put_big(at + 8 + size, (uint32_t)crc32(0, at + 4, (unsigned)size + 4));
    return size + 12;
}

// Interlaced, `pixels` (height, width, 3), by hand: the encoder above cannot.
static inline encoded interlace_png(const uint8_t *pixels, int height, int width) {
    static const int first_x[] = {0, 4, 0, 2, 0, 1, 0}, first_y[] = {0, 0, 4, 0, 2, 0, 1};
    static const int step_x[] = {8, 8, 4, 4, 2, 2, 1}, step_y[] = {8, 8, 8, 4, 4, 2, 2};
    size_t room = (size_t)(height * width * 3) + 8 * (size_t)height, used = 0;
    uint8_t *rows = calloc(1, room), *packed = calloc(1, room * 2), header[13] = {0};
    for (int pass = 0; pass < 7; pass++) {
        for (int y = first_y[pass]; y < height && first_x[pass] < width; y += step_y[pass]) {
            used++; // no filter
            for (int x = first_x[pass]; x < width; x += step_x[pass], used += 3) {
                memcpy(rows + used, pixels + 3 * (y * width + x), 3);
            }
        }
    }
    uLongf size = room * 2;
    compress(packed, &size, rows, used);
    put_big(header, (uint32_t)width);
    put_big(header + 4, (uint32_t)height);
    memcpy(header + 8, "\10\2\0\0\1", 5);
    encoded out = {calloc(1, size + 128), 8};
    memcpy(out.bytes, "\x89PNG\r\n\x1a\n", 8);
    out.size += put_chunk(out.bytes + out.size, "IHDR", header, sizeof header);
    out.size += put_chunk(out.bytes + out.size, "IDAT", packed, size);
    out.size += put_chunk(out.bytes + out.size, "IEND", header, 0);
    free(rows);
    free(packed);
    return out;
}

// A PNG that says it has this size, and has next to nothing in it.
static inline encoded claim_png(uint32_t height, uint32_t width) {
    static const uint8_t start[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    encoded out = {calloc(1, 64), 33};
    memcpy(out.bytes, start, sizeof start);
    put_big(out.bytes + 16, width);
    put_big(out.bytes + 20, height);
    out.bytes[24] = 8;
    out.bytes[25] = 2;
    put_big(out.bytes + 29, (uint32_t)crc32(0, out.bytes + 12, 17));
    return out;
}

#endif
