// SPDX-License-Identifier: Apache-2.0
// Decoding every kind of picture, good and broken, and resizing.
#include "images.h"

#include <gif_lib.h>
#include <math.h>

#include "image/resize.h"

static void test_jpeg(void **state) {
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH * 3], grey[HEIGHT * WIDTH], inks[HEIGHT * WIDTH * 4], expected[HEIGHT * WIDTH * 3];
    fill(pixels, 3);
    for (int progressive = 0; progressive < 2; progressive++) {
        encoded file = encode_jpeg(pixels, HEIGHT, WIDTH, (jpeg_kind){JCS_RGB, 3, progressive, 0});
        check(&file, pixels, 12);
        free(file.bytes);
        fill(grey, 1);
        for (int i = 0; i < HEIGHT * WIDTH * 3; i++) {
            expected[i] = grey[i / 3];
        }
        file = encode_jpeg(grey, HEIGHT, WIDTH, (jpeg_kind){JCS_GRAYSCALE, 1, progressive, 0});
        check(&file, expected, 6);
        free(file.bytes);
        fill(inks, 4); // inverted, as the Adobe marker that libjpeg writes says
        for (int i = 0; i < HEIGHT * WIDTH * 3; i++) {
            expected[i] = (uint8_t)(inks[i / 3 * 4 + i % 3] * inks[i / 3 * 4 + 3] / 255);
        }
        file = encode_jpeg(inks, HEIGHT, WIDTH, (jpeg_kind){JCS_CMYK, 4, progressive, 0});
        check(&file, expected, 8);
        // The marker is missing: the inks are inverted all the same.
        uint8_t *adobe = memmem(file.bytes, file.size,
                                "\xff\xee\0\x0e"
                                "Adobe",
                                9);
        assert_non_null(adobe);
        file.size -= 16;
        memmove(adobe, adobe + 16, file.size - (size_t)(adobe - file.bytes));
        check(&file, expected, 8);
        free(file.bytes);
    }
}

// Sound files that libjpeg does not read are named: the byte of the frame's marker, or its precision, is changed.
static void test_unread_jpeg(void **state) {
    (void)state;
    static const struct {
        int at; // after the marker's first byte
        uint8_t value;
        const char *message;
    } kinds[] = {{4, 12, "x.jpg: a JPEG of 12 bits a sample, which cannot be read; convert it to an 8-bit"},
                 {1, 0xc3, "a lossless JPEG"},
                 {1, 0xc5, "a hierarchical JPEG"},
                 {1, 0xf7, "a JPEG-LS image"},
                 {9, 2, "a damaged JPEG"}};
    uint8_t pixels[HEIGHT * WIDTH * 3];
    fill(pixels, 3);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        encoded file = encode_jpeg(pixels, HEIGHT, WIDTH, (jpeg_kind){JCS_RGB, 3, false, 0});
        uint8_t *frame = memmem(file.bytes, file.size, "\xff\xc0", 2);
        frame[kinds[k].at] = kinds[k].value;
        refuses(file.bytes, file.size, kinds[k].message);
        free(file.bytes);
    }
}

static void test_orientation(void **state) {
    (void)state;
    // Where the stored picture's upper left corner and the pixel right of it are in the upright one.
    static const struct {
        bool turned, right, bottom;
    } places[] = {{0, 0, 0}, {0, 1, 0}, {0, 1, 1}, {0, 0, 1}, {1, 0, 0}, {1, 1, 0}, {1, 1, 1}, {1, 0, 1}};
    uint8_t pixels[HEIGHT * WIDTH * 3];
    memset(pixels, 20, sizeof pixels);
    for (int y = 0; y < 8; y++) {
        for (int x = 0; x < 16; x++) { // a bright block, wider than high
            memset(pixels + 3 * (y * WIDTH + x), 230, 3);
        }
    }
    for (int orientation = 1; orientation <= 8; orientation++) {
        encoded file = encode_jpeg(pixels, HEIGHT, WIDTH, (jpeg_kind){JCS_RGB, 3, false, orientation});
        fv__bitmap image = decode(&file);
        bool turned = places[orientation - 1].turned;
        assert_int_equal(image.height, turned ? WIDTH : HEIGHT);
        assert_int_equal(image.width, turned ? HEIGHT : WIDTH);
        for (int y = 0; y < image.height; y += 4) {
            for (int x = 0; x < image.width; x += 4) {
                int across = places[orientation - 1].right ? image.width - 1 - x : x;
                int down = places[orientation - 1].bottom ? image.height - 1 - y : y;
                bool bright = turned ? across < 8 && down < 16 : across < 16 && down < 8;
                assert_int_equal(image.pixels[3 * (y * image.width + x)] > 128, bright);
            }
        }
        fv__bitmap_free(&image);
        free(file.bytes);
    }
    // Broken data tell nothing.
    const uint8_t broken[] = {'I', 'I', 42, 0, 255, 255, 255, 255};
    assert_int_equal(fv__exif_orientation(broken, sizeof broken), 1);
    assert_int_equal(fv__exif_orientation(broken, 3), 1);
}

static void test_png(void **state) {
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH * 8], expected[HEIGHT * WIDTH * 3];
    static const struct {
        uint8_t type; // spng_color_type
        uint8_t depth;
        int channels;
    } kinds[] = {{SPNG_COLOR_TYPE_GRAYSCALE, 1, 1},        {SPNG_COLOR_TYPE_GRAYSCALE, 2, 1},
                 {SPNG_COLOR_TYPE_GRAYSCALE, 4, 1},        {SPNG_COLOR_TYPE_GRAYSCALE, 8, 1},
                 {SPNG_COLOR_TYPE_GRAYSCALE, 16, 1},       {SPNG_COLOR_TYPE_TRUECOLOR, 8, 3},
                 {SPNG_COLOR_TYPE_TRUECOLOR, 16, 3},       {SPNG_COLOR_TYPE_INDEXED, 2, 1},
                 {SPNG_COLOR_TYPE_INDEXED, 8, 1},          {SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 8, 2},
                 {SPNG_COLOR_TYPE_GRAYSCALE_ALPHA, 16, 2}, {SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 8, 4},
                 {SPNG_COLOR_TYPE_TRUECOLOR_ALPHA, 16, 4}};
    static const uint8_t palette[3][3] = {{200, 10, 20}, {30, 210, 40}, {50, 60, 220}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        bool indexed = kinds[k].type == SPNG_COLOR_TYPE_INDEXED;
        int channels = kinds[k].channels, depth = kinds[k].depth, most = (1 << depth) - 1;
        size_t stride = ((size_t)(WIDTH * channels * depth) + 7) / 8;
        memset(pixels, 0, sizeof pixels);
        for (int i = 0; i < HEIGHT * WIDTH; i++) {
            int values[4], grey = channels < 3, alpha = channels % 2 == 0;
            for (int c = 0; c < channels; c++) {
                int value = indexed ? (i * 7 + i / WIDTH) % 3 : (i * 31 + c * 77 + i / WIDTH * 13) % (most + 1);
                size_t bit = (size_t)((i % WIDTH) * channels + c) * (size_t)depth;
                uint8_t *at = pixels + (size_t)(i / WIDTH) * stride + bit / 8;
                if (depth == 16) {
                    uint16_t wide = (uint16_t)(value * 257 / 257);
                    at[0] = (uint8_t)(wide >> 8);
                    at[1] = (uint8_t)wide;
                } else {
                    *at |= (uint8_t)(value << (8 - depth - (int)(bit % 8)));
                }
                values[c] = depth == 16 ? value >> 8 : value * 255 / most;
                values[c] = indexed ? value : values[c];
            }
            int opaque = alpha ? values[channels - 1] : 255;
            for (int c = 0; c < 3; c++) {
                int value = indexed ? palette[values[0]][c] : values[grey ? 0 : c];
                expected[3 * i + c] = (uint8_t)((value * opaque + 255 * (255 - opaque) + 127) / 255);
            }
        }
        const struct spng_ihdr header = {
            .width = WIDTH, .height = HEIGHT, .bit_depth = kinds[k].depth, .color_type = kinds[k].type};
        if (depth == 16) { // the encoder takes them in the machine's order
            for (size_t i = 0; i < stride * HEIGHT; i += 2) {
                uint8_t high = pixels[i];
                pixels[i] = pixels[i + 1];
                pixels[i + 1] = high;
            }
        }
        encoded file = encode_png(pixels, stride * HEIGHT, header);
        check(&file, expected, depth == 16 ? 1 : 0);
        free(file.bytes);
    }
}

static void test_interlaced_png(void **state) {
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH * 3];
    fill(pixels, 3);
    encoded file = interlace_png(pixels, HEIGHT, WIDTH);
    check(&file, pixels, 0);
    free(file.bytes);
}

static int write_bytes(GifFileType *file, const GifByteType *bytes, int count) {
    encoded *out = file->UserData;
    memcpy(out->bytes + out->size, bytes, (size_t)count);
    out->size += (size_t)count;
    return count;
}

static void test_gif(void **state) {
    (void)state;
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        int code;
        encoded file = {malloc(1 << 16), 0};
        GifColorType colours[4] = {{250, 0, 0}, {0, 240, 0}, {0, 0, 230}, {9, 9, 9}};
        ColorMapObject *map = GifMakeMapObject(4, colours);
        GifFileType *gif = EGifOpen(&file, write_bytes, &code);
        const GraphicsControlBlock control = {.TransparentColor = 3};
        GifByteType block[4];
        assert_int_equal(EGifPutScreenDesc(gif, WIDTH, HEIGHT, 2, 0, map), GIF_OK);
        EGifGCBToExtension(&control, block);
        assert_int_equal(EGifPutExtension(gif, GRAPHICS_EXT_FUNC_CODE, 4, block), GIF_OK);
        assert_int_equal(EGifPutImageDesc(gif, 2, 1, WIDTH - 2, HEIGHT - 1, interlaced, NULL), GIF_OK);
        static const int starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
        for (int pass = 0; pass < (interlaced ? 4 : 1); pass++) {
            for (int y = interlaced ? starts[pass] : 0; y < HEIGHT - 1; y += interlaced ? steps[pass] : 1) {
                GifPixelType line[WIDTH];
                for (int x = 0; x < WIDTH - 2; x++) {
                    line[x] = (GifPixelType)((x + y) % 4);
                }
                assert_int_equal(EGifPutLine(gif, line, WIDTH - 2), GIF_OK);
            }
        }
        assert_int_equal(EGifCloseFile(gif, &code), GIF_OK);
        GifFreeMapObject(map);
        uint8_t expected[HEIGHT * WIDTH * 3];
        memset(expected, 255, sizeof expected);
        for (int y = 1; y < HEIGHT; y++) {
            for (int x = 2; x < WIDTH; x++) {
                int index = (x - 2 + y - 1) % 4;
                const uint8_t values[3] = {colours[index].Red, colours[index].Green, colours[index].Blue};
                if (index != 3) {
                    memcpy(expected + 3 * (y * WIDTH + x), values, 3);
                }
            }
        }
        check(&file, expected, 0);
        for (size_t size = 0; size + 1 < file.size; size += 3) {
            fv__bitmap image;
            fv_status status = fv__image_decode(file.bytes, size, "short", &image, &failure);
            assert_true(status == FV_FORMAT || size + 4 > file.size);
            fv__bitmap_free(&image);
        }
        free(file.bytes);
    }
}

// The screen of a GIF grows to hold the frame. One frame of 2 × 1 pixels, at (1, 0): 'red', 'green'.
static void test_small_screen(void **state) {
    (void)state;
    uint8_t bytes[] = {'G', 'I', 'F', '8', '9', 'a', 0, 0, 0, 0, 0x80, 0, 0,    255,  0, 0,
                       0,   255, 0, // screen, palette
                       ',', 1,   0,   0,   0,   2,   0, 1, 0, 0, 2,    2, 0x44, 0x0a, 0, ';'};
    static const uint8_t expected[] = {255, 255, 255, 255, 0, 0, 0, 255, 0};
    for (uint8_t side = 0; side < 3; side++) {
        bytes[6] = bytes[8] = side;
        fv__bitmap image = decode(&(encoded){bytes, sizeof bytes});
        assert_int_equal(image.width, 3);
        assert_int_equal(image.height, side < 2 ? 1 : 2);
        assert_memory_equal(image.pixels, expected, sizeof expected);
        fv__bitmap_free(&image);
    }
    bytes[24] = bytes[26] = 0;
    refuses(bytes, sizeof bytes, "x.jpg: an image of 0×0 pixels");
}

// What is not decoded is named, by its content before its ending; and counts as an image where it is one.
static void test_kinds(void **state) {
    (void)state;
#define KIND(bytes, image, message)                                                                                    \
    { bytes, sizeof(bytes) - 1, image, message }
    static const struct {
        const char *bytes;
        size_t size;
        bool image;
        const char *message;
    } kinds[] = {
        KIND("\0\0\0\x18"
             "ftypheic\0\0\0\0",
             true, "x.jpg: a HEIC image, which cannot be read; convert it to JPEG or PNG"),
        KIND("\0\0\0\x18"
             "ftypmif1\0\0\0\0",
             true, "a HEIF image, which"),
        KIND("\0\0\0\x1c"
             "ftypavif\0\0\0\0",
             true, "an AVIF image, which"),
        KIND("\0\0\0\x18"
             "ftypcrx \0\0\0\0",
             true, "a camera's raw file (Canon CR3), which"),
        KIND("\0\0\0\x18"
             "ftypisom\0\0\0\0",
             false, "a video (MP4 or QuickTime), not an image"),
        KIND("FUJIFILMCCD-RAW 0201", true, "a camera's raw file (Fujifilm RAF)"),
        KIND("\xff\x0a\1\2", true, "a JPEG XL image"),
        KIND("\0\0\0\x0cJXL \r\n\x87\n", true, "a JPEG XL image"),
        KIND("\0\0\0\x0cjP  \r\n\x87\n", true, "a JPEG 2000 image"),
        KIND("8BPS\0\1", true, "a Photoshop file (PSD)"),
        KIND("\0\0\1\0\1\0\x20\x20", true, "an ICO icon"),
        KIND("\0\0\2\0\0\0\0\0\0\0\0\0\x20", true, "a TGA image"),
        KIND("\x0a\5\1\x08", true, "a PCX image"),
        KIND("PF\n2 2\n-1.0\n", true, "a floating-point PNM (PFM)"),
        KIND("\n<!-- drawn --><svg xmlns=''>", true, "an SVG drawing, which"),
        KIND("\xef\xbb\xbf<?xml version='1.0'?><!DOCTYPE svg>", true, "an SVG drawing"),
        KIND("<?xml version='1.0'?><list/>", false, "an XML file, not an image"),
        KIND("  <!DOCTYPE HTML><title>404</title>", false, "a web page (HTML), not an image"),
        KIND("%PDF-1.7", false, "a PDF document, not an image"),
        KIND("PK\3\4....", false, "a zip archive (or a document that is one), not an image"),
        KIND("\0\5\x16\7\0\2\0\0Mac OS X", false, "a macOS metadata file (AppleDouble), not an image"),
        KIND("version https://git-lfs.github.com/spec/v1\n", false, "git lfs pull"),
        KIND("\0\0\0\0", false, "all bytes of the file are 0"),
        KIND("a text", false, "x.jpg: not an image that can be read (JPEG, PNG, GIF"),
        KIND("", false, "x.jpg: the file is empty"),
        KIND("P3", false, "not an image that can be read"),
        KIND("BMW is a car maker", false, "not an image that can be read"),
#ifndef FV__WITH_WEBP
        KIND("RIFF\1\2\3\4WEBPVP8 ", true, "a WebP image, which cannot be read"),
#endif
#ifndef FV__WITH_TIFF
        KIND("II*\0\x08\0\0\0", true, "a TIFF image, which cannot be read"),
#endif
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        refuses(kinds[i].bytes, kinds[i].size, kinds[i].message);
        assert_int_equal(fv__image_begins((const uint8_t *)kinds[i].bytes, kinds[i].size), kinds[i].image);
    }
    fv__bitmap image;
    assert_int_equal(fv__image_decode((const uint8_t *)"\1\2\3", 3, "a.tga", &image, &failure), FV_FORMAT);
    assert_says(failure, "a.tga: by its name a TGA image, which cannot be read");
    static const char *const named[] = {"a.JPG", "a.jfif", "a.b.webp", "a.tif", "a.pbm",
                                        "a.dib", "a.heic", "a.NEF",    "a.svg"};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        assert_true(fv__image_named(named[i]));
    }
    assert_false(fv__image_named("jpg"));
    assert_false(fv__image_named("a.txt"));
    assert_true(fv__image_format_named("JPEG", "a.jfif"));
    assert_false(fv__image_format_named("JPEG", "a.png"));
}

// A first look at a JPEG: as small as asked for, a pixel the mean of those it stands for, and upright.
static void test_survey(void **state) {
    (void)state;
    enum { TALL = 100, WIDE = 203 };
    static uint8_t pixels[TALL * WIDE * 3];
    for (int i = 0; i < TALL * WIDE; i++) {
        memset(pixels + 3 * (ptrdiff_t)i, i % WIDE, 3); // brighter to the right
    }
    for (int least = 0; least <= 128; least += 16) {
        const int scale = least == 0 || least > 50 ? 1 : least > 25 ? 2 : least > 12 ? 4 : 8;
        fv__bitmap image;
        encoded file = encode_jpeg(pixels, TALL, WIDE, (jpeg_kind){JCS_RGB, 3, least % 32 != 0, 6});
        assert_ok(fv__image_survey(file.bytes, file.size, "x.jpg", least, &image, &failure));
        assert_int_equal(image.whole[0], WIDE);
        assert_int_equal(image.whole[1], TALL);
        assert_int_equal(image.height, (WIDE + scale - 1) / scale);
        assert_int_equal(image.width, (TALL + scale - 1) / scale);
        for (int y = 0; y < WIDE / scale; y++) {
            const double mean = y * scale + (scale - 1) / 2.0;
            assert_true(fabs(image.pixels[3 * (ptrdiff_t)y * image.width] - mean) < 6);
        }
        fv__bitmap_free(&image);
        free(file.bytes);
    }
}

static void test_broken(void **state) {
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH * 3];
    fill(pixels, 3);
    for (int progressive = 0; progressive < 2; progressive++) {
        encoded file = encode_jpeg(pixels, HEIGHT, WIDTH, (jpeg_kind){JCS_RGB, 3, progressive, 0});
        for (size_t size = 3; size + 2 < file.size; size += 7) {
            refuses(file.bytes, size, "x.jpg: a damaged JPEG (");
        }
        free(file.bytes);
    }
    refuses("", 0, "x.jpg: the file is empty");
    encoded huge = claim_png(30000, 30000);
    refuses(huge.bytes, huge.size, "30000×30000 pixels are more than the 134 megapixels");
    free(huge.bytes);
    huge = claim_png(100000, 2);
    refuses(huge.bytes, huge.size, "2×100000 pixels");
    free(huge.bytes);
    refuses("P6 30000 30000 255\n", 19, "30000×30000");
    refuses("P6 0 3 255\n", 11, "0×3");
    encoded png = encode_png(pixels, sizeof pixels,
                             (struct spng_ihdr){.width = WIDTH, .height = HEIGHT, .bit_depth = 8, .color_type = 2});
    for (size_t size = 8; size + 16 < png.size; size += 11) {
        refuses(png.bytes, size, "a damaged PNG (");
    }
    png.bytes[png.size / 2] ^= 0xff;
    refuses(png.bytes, png.size, "a damaged PNG (");
    free(png.bytes);
}

static void test_memory(void **state) {
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH * 4];
    fill(pixels, 4);
    encoded file = encode_jpeg(pixels, HEIGHT, WIDTH, (jpeg_kind){JCS_CMYK, 4, false, 6});
    const char *path = scratch_file("memory.jpg", file.bytes, file.size);
    free(file.bytes);
    fv__bitmap image;
    fv_error error;
    assert_survives_allocation_failure(fv__image_read(path, &image, &error), error);
    assert_int_equal(image.width, HEIGHT);
    fv__bitmap_free(&image);
}

// --- Resizing

static void test_resize(void **state) {
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH * 3], small[64 * 64 * 3];
    fv__bitmap image = {.height = HEIGHT, .width = WIDTH, .pixels = pixels};
    const fv__kernels *kernels;
    for (int level = 0; (kernels = fv__kernels_available(level)); level++) {
        for (int mode = FV__RESIZE_BILINEAR; mode <= FV__RESIZE_CROP; mode++) {
            memset(pixels, 201, sizeof pixels); // stays what it is, also where a side is 1
            for (int side = 1; side <= 64; side += 9) {
                fv__resize to = {(fv__resize_mode)mode, side, 65 - side};
                assert_ok(fv__resize_pixels(&to, kernels, &image, 3, small, &failure));
                for (int i = 0; i < to.height * to.width * 3; i++) {
                    assert_int_equal(small[i], 201);
                }
            }
            fill(pixels, 3);
            fv__resize same = {(fv__resize_mode)mode, HEIGHT, WIDTH};
            uint8_t copy[HEIGHT * WIDTH * 3];
            assert_ok(fv__resize_pixels(&same, kernels, &image, 3, copy, &failure));
            assert_memory_equal(copy, pixels, sizeof pixels);
            fv__bitmap dot = {.height = 1, .width = 1, .pixels = pixels};
            assert_ok(fv__resize_pixels(&(fv__resize){(fv__resize_mode)mode, 5, 3}, kernels, &dot, 3, small, &failure));
            assert_memory_equal(small + 42, pixels, 3);
        }
        // Halving with antialias: a triangle over four pixels, 1 3 3 1.
        float out[HEIGHT * WIDTH * 3];
        fv__resize half = {FV__RESIZE_ANTIALIAS, HEIGHT, WIDTH / 2};
        assert_ok(fv__resize_image(&half, kernels, &image, out, &failure));
        for (int c = 0; c < 3; c++) {
            const uint8_t *at = pixels + 3 * 9 + c; // pixel 5 of the result lies between 10 and 11
            float expected = (float)(at[0] + 3 * at[3] + 3 * at[6] + at[9]) / 8;
            assert_true(fabsf(out[3 * 5 + c] - expected) < 1e-4F);
        }
        // Cropping: the middle of the longer side.
        fv__resize square = {FV__RESIZE_CROP, HEIGHT, HEIGHT};
        assert_ok(fv__resize_pixels(&square, kernels, &image, 3, small, &failure));
        for (int y = 0; y < HEIGHT; y++) {
            assert_memory_equal(small + 3 * y * HEIGHT, pixels + 3 * (y * WIDTH + (WIDTH - HEIGHT) / 2), 3 * HEIGHT);
        }
        // Grey.
        fv__resize size = {FV__RESIZE_BILINEAR, HEIGHT, WIDTH};
        assert_ok(fv__resize_pixels(&size, kernels, &image, 1, small, &failure));
        assert_int_equal(small[7], (int)(0.299 * pixels[21] + 0.587 * pixels[22] + 0.114 * pixels[23] + 0.5));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jpeg),         cmocka_unit_test(test_unread_jpeg),    cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_small_screen), cmocka_unit_test(test_survey),         cmocka_unit_test(test_orientation),
        cmocka_unit_test(test_png),          cmocka_unit_test(test_interlaced_png), cmocka_unit_test(test_gif),
        cmocka_unit_test(test_broken),       cmocka_unit_test(test_memory),         cmocka_unit_test(test_resize),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
