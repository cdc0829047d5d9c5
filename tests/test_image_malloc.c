// SPDX-License-Identifier: Apache-2.0
// The libraries of src/image running out of memory: each malloc of theirs fails once, alone or with all that follow, and
// the result is an image or a sentence.
#include "images.h"

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ || defined __clang__ || !defined __GLIBC__
int main(void) {
    return 77; // malloc is the sanitizer's
}
#else
#include <errno.h>
#include <gif_lib.h>
#ifdef FV__WITH_TIFF
#include <tiffio.h>
#endif
#ifdef FV__WITH_WEBP
#include <webp/encode.h>
#endif

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static long left = -1; // calls until the one that fails; below 0: none fails
static bool lasting;   // all after it fail, too
static size_t large;   // smaller ones never fail

static bool fails(size_t size) {
    if (size < large || left < 0 || left-- > 0) {
        return false;
    }
    left = lasting ? 0 : -1;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size) {
    return fails(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return fails(count * size) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
    return fails(size) ? NULL : __libc_realloc(block, size);
}

// All mallocs of decoding the file, one after the other.
static void survives(const encoded *file) {
    for (int all = 0; all < 2; all++) {
        bool failed = true;
        int refused = 0;
        for (long allowed = 0; failed; allowed++) {
            fv__bitmap image;
            failure.message[0] = 0;
            lasting = all;
            left = allowed;
            fv_status status = fv__image_decode(file->bytes, file->size, "test", &image, &failure);
            failed = left < 0 || (lasting && left == 0);
            left = -1;
            assert_true(status == FV_OK ? image.pixels != NULL : !image.pixels && failure.message[0]);
            fv__bitmap_free(&image);
            refused += status != FV_OK;
            assert_true(allowed < 2000);
        }
        assert_true(refused > 2);
    }
}

// Of a library that does not check its small blocks, which fv__check_memory is for.
static __attribute__((unused)) void survives_in_large(const encoded *file) {
    large = 1 << 12;
    survives(file);
    large = 0;
}

static void test_jpeg(void **state) {
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH * 4];
    fill(pixels, 4);
    for (int progressive = 0; progressive < 2; progressive++) {
        encoded file = encode_jpeg(pixels, HEIGHT, WIDTH, (jpeg_kind){JCS_CMYK, 4, progressive, 6});
        survives(&file);
        free(file.bytes);
    }
}

static void test_png(void **state) {
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH * 3];
    fill(pixels, 3);
    encoded file = encode_png(pixels, sizeof pixels,
                              (struct spng_ihdr){.width = WIDTH, .height = HEIGHT, .bit_depth = 8, .color_type = 2});
    survives(&file);
    free(file.bytes);
}

static void test_gif(void **state) {
    (void)state;
    uint8_t bytes[] = {
        'G', 'I',  'F', '8', '9', 'a', 2, 0, 1,   0,    0x80, 0,   0,   255, 0,   0, 0, 255, 0, // screen, palette
        '!', 0xf9, 4,   1,   0,   0,   1, 0, '!', 0xfe, 2,    'h', 'i', 0, // transparent colour, comment
        ',', 0,    0,   0,   0,   2,   0, 1, 0,   0x80, 0,    0,   255, 0,   255, 0, 2, 2,   0x44, 0x0a, 0, ';'};
    survives(&(encoded){bytes, sizeof bytes});
}

enum { SIDE = 200 };

// What does not pack well, so that the libraries need memory for it.
static __attribute__((unused)) void fill_noise(uint8_t *pixels, size_t count) {
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525 + 1013904223;
        pixels[i] = (uint8_t)(state >> 26);
    }
}

#ifdef FV__WITH_WEBP
static void test_webp(void **state) {
    (void)state;
    static uint8_t pixels[SIDE * SIDE * 4];
    fill_noise(pixels, sizeof pixels);
    encoded file;
    file.size = WebPEncodeLosslessRGBA(pixels, SIDE, SIDE, 4 * SIDE, &file.bytes);
    survives_in_large(&file);
    WebPFree(file.bytes);
    file.size = WebPEncodeRGBA(pixels, SIDE, SIDE, 4 * SIDE, 80, &file.bytes);
    survives_in_large(&file);
    WebPFree(file.bytes);
}
#endif

#ifdef FV__WITH_TIFF
static void test_tiff(void **state) {
    (void)state;
    static const uint16_t packings[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_JPEG};
    static uint8_t pixels[SIDE * SIDE * 3];
    fill_noise(pixels, sizeof pixels);
    for (size_t k = 0; k < sizeof packings / sizeof *packings; k++) {
        const char *path = scratch_path("a.tif");
        TIFF *tiff = TIFFOpen(path, "w");
        TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, SIDE);
        TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, SIDE);
        TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
        TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 3);
        TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
        TIFFSetField(tiff, TIFFTAG_COMPRESSION, packings[k]);
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 64);
        for (uint32_t y = 0; y < SIDE; y++) {
            assert_int_equal(TIFFWriteScanline(tiff, pixels + (size_t)y * SIDE * 3, y, 0), 1);
        }
        TIFFClose(tiff);
        static uint8_t bytes[1 << 20];
        FILE *from = fopen(path, "rb");
        encoded file = {bytes, fread(bytes, 1, sizeof bytes, from)};
        fclose(from);
        survives_in_large(&file);
    }
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg), cmocka_unit_test(test_png), cmocka_unit_test(test_gif),
#ifdef FV__WITH_WEBP
        cmocka_unit_test(test_webp),
#endif
#ifdef FV__WITH_TIFF
        cmocka_unit_test(test_tiff),
#endif
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
#endif
