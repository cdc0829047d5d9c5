// SPDX-License-Identifier: Apache-2.0
// Decoding WebP: lossy, lossless, with alpha, animated, turned, damaged.
#include "images.h"

#ifdef FV__WITH_WEBP
#include <webp/demux.h>
#include <webp/encode.h>

static void put_little(uint8_t *at, size_t number, int width) {
    for (int i = 0; i < width; i++) {
        at[i] = (uint8_t)(number >> 8 * i);
    }
}

// A container of chunks, written by hand: libwebpmux would be one more library.
static encoded begin_file(void) {
    encoded file = {calloc(1, 1 << 16), 12};
    memcpy(file.bytes, "RIFF....WEBP", 12);
    return file;
}

static void add_chunk(encoded *file, const char *name, const void *bytes, size_t size) {
    memcpy(file->bytes + file->size, name, 4);
    put_little(file->bytes + file->size + 4, size, 4);
    memcpy(file->bytes + file->size + 8, bytes, size);
    file->size += 8 + size + size % 2;
    put_little(file->bytes + 4, file->size - 8, 4);
}

static void add_features(encoded *file, int flags, size_t height, size_t width) {
    uint8_t features[10] = {(uint8_t)flags};
    put_little(features + 4, width - 1, 3);
    put_little(features + 7, height - 1, 3);
    add_chunk(file, "VP8X", features, sizeof features);
}

// `pixels` (height, width, 4), without loss.
static encoded encode(const uint8_t *pixels, int height, int width) {
    encoded out = {0};
    out.size = WebPEncodeLosslessRGBA(pixels, width, height, 4 * width, &out.bytes);
    assert_true(out.size > 0);
    return out;
}

static void test_still(void **state) {
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH * 4], expected[HEIGHT * WIDTH * 3];
    fill(pixels, 4);
    for (int i = 0; i < HEIGHT * WIDTH * 3; i++) {
        expected[i] = over_white(pixels[i / 3 * 4 + i % 3], pixels[i / 3 * 4 + 3]);
    }
    encoded file = encode(pixels, HEIGHT, WIDTH);
    check(&file, expected, 0);
    survives_damage(&file, 5);
    for (size_t size = 12; size < file.size; size += 9) {
        refuses(file.bytes, size, "x.jpg: a damaged WebP (");
    }
    WebPFree(file.bytes);
    fill(pixels, 3);
    file.size = WebPEncodeRGB(pixels, WIDTH, HEIGHT, 3 * WIDTH, 95, &file.bytes);
    check(&file, pixels, 16);
    survives_damage(&file, 5);
    WebPFree(file.bytes);
}

static void test_turned(void **state) {
    (void)state;
    enum { EXIF = 8 };
    static const uint8_t pixels[] = {255, 0, 0, 255, 0, 255, 0, 255}, upright[] = {255, 0, 0, 0, 255, 0};
    static const uint8_t exif[] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0,
                                   3,   0,   0, 0,  1, 0, 6, 0, 0, 0, 0, 0,    0};
    encoded frame = encode(pixels, 1, 2), file = begin_file();
    add_features(&file, EXIF, 1, 2);
    add_chunk(&file, "VP8L", frame.bytes + 20, frame.size - 20);
    add_chunk(&file, "EXIF", exif, sizeof exif);
    check_size(&file, upright, 2, 1, 0);
    WebPFree(frame.bytes);
    free(file.bytes);
}

static void test_animation(void **state) {
    (void)state;
    enum { ANIMATION = 2, ALPHA = 16 };
    static const uint8_t pixels[] = {255, 0, 0, 255, 0, 0, 255, 0}; // red, and a blue that is not seen
    uint8_t expected[4 * 5 * 3];
    memset(expected, 255, sizeof expected);
    memcpy(expected + 3 * (2 * 5 + 2), "\xff\0\0", 3);
    encoded frame = encode(pixels, 1, 2), file = begin_file();
    add_features(&file, ANIMATION | ALPHA, 4, 5);
    add_chunk(&file, "ANIM", "\0\0\0\0\0", 6);
    uint8_t first[256] = {1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0}; // at (2, 2), 2 × 1 pixels
    memcpy(first + 16, frame.bytes + 12, frame.size - 12);
    add_chunk(&file, "ANMF", first, 16 + frame.size - 12);
    first[0] = 0; // the second is not looked at
    add_chunk(&file, "ANMF", first, 16 + frame.size - 12);
    check_size(&file, expected, 4, 5, 0);
    survives_damage(&file, 1);
    put_little(file.bytes + 24, 30000, 3);
    put_little(file.bytes + 27, 30000, 3);
    refuses(file.bytes, file.size, "30001×30001 pixels are more than");
    WebPFree(frame.bytes);
    free(file.bytes);
}
#endif

int main(void) {
#ifdef FV__WITH_WEBP
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_still),
        cmocka_unit_test(test_turned),
        cmocka_unit_test(test_animation),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
#else
    return 77; // not in this build
#endif
}
