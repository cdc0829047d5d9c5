// Decoding every kind of picture, good and broken, and resizing.
#include "training.h"

#include <gif_lib.h>
#include <math.h>

#include "base/memory.h"
#include "image/codec.h"
#include "image/resize.h"
#include "pictures.h"

enum { HEIGHT = 24, WIDTH = 40 };

// Soft, so that JPEG keeps it, and different in each corner.
static void fill(uint8_t *pixels, int channels) {
    for (int i = 0; i < HEIGHT * WIDTH; i++) {
        int y = i / WIDTH, x = i % WIDTH;
        const int values[4] = {x * 6, y * 10, 255 - x * 3 - y * 4, 40 + x};
        for (int c = 0; c < channels; c++) {
            pixels[i * channels + c] = (uint8_t)values[c];
        }
    }
}

static fv__bitmap decode(const encoded *file) {
    fv__bitmap image;
    fv_status status = fv__image_decode(file->bytes, file->size, "test", &image, &failure);
    if (status) {
        fail_msg("%s", failure.message);
    }
    return image;
}

// Largest difference from `expected` (height, width, 3).
static int difference(const fv__bitmap *image, const uint8_t *expected, int height, int width) {
    int most = 0;
    assert_int_equal(image->height, height);
    assert_int_equal(image->width, width);
    for (int i = 0; i < height * width * 3; i++) {
        most = abs(image->pixels[i] - expected[i]) > most ? abs(image->pixels[i] - expected[i]) : most;
    }
    return most;
}

static void check(const encoded *file, const uint8_t *expected, int tolerance) {
    fv__bitmap image = decode(file);
    int most = difference(&image, expected, HEIGHT, WIDTH);
    if (most > tolerance) {
        fail_msg("differs by %d, allowed %d", most, tolerance);
    }
    fv__bitmap_free(&image);
}

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

static void test_plain(void **state) {
    (void)state;
    uint8_t pixels[HEIGHT * WIDTH * 3], bytes[8192];
    fill(pixels, 3);
    int start = sprintf((char *)bytes, "P6\n# a comment\n%d %d\n255\n", WIDTH, HEIGHT);
    memcpy(bytes + start, pixels, sizeof pixels);
    encoded file = {bytes, (size_t)start + sizeof pixels};
    check(&file, pixels, 0);
    file.size--;
    fv__bitmap image;
    assert_int_equal(fv__image_decode(file.bytes, file.size, "short.ppm", &image, &failure), FV_FORMAT);
    assert_says(failure, "short.ppm: the file is cut off");
    for (int downwards = 0; downwards < 2; downwards++) {
        memset(bytes, 0, 54);
        memcpy(bytes, "BM", 2);
        bytes[10] = 54;
        bytes[14] = 40;
        const int32_t width = WIDTH, height = downwards ? -HEIGHT : HEIGHT;
        memcpy(bytes + 18, &width, 4);
        memcpy(bytes + 22, &height, 4);
        bytes[28] = 24;
        for (int i = 0; i < HEIGHT * WIDTH; i++) {
            int row = downwards ? i / WIDTH : HEIGHT - 1 - i / WIDTH;
            for (int c = 0; c < 3; c++) {
                bytes[54 + 3 * (row * WIDTH + i % WIDTH) + c] = pixels[3 * i + 2 - c];
            }
        }
        file = (encoded){bytes, 54 + sizeof pixels};
        check(&file, pixels, 0);
    }
    // 32 bits a pixel, laid out as masks say: blue first is read, red first is not.
    const uint32_t masks[] = {0xFF0000, 0xFF00, 0xFF};
    bytes[10] = 66;
    bytes[28] = 32;
    bytes[30] = 3;
    memcpy(bytes + 54, masks, sizeof masks);
    for (int i = 0; i < HEIGHT * WIDTH; i++) {
        const uint8_t pixel[] = {pixels[3 * i + 2], pixels[3 * i + 1], pixels[3 * i], 255};
        memcpy(bytes + 66 + 4 * i, pixel, sizeof pixel);
    }
    file = (encoded){bytes, 66 + HEIGHT * WIDTH * 4};
    check(&file, pixels, 0);
    bytes[54] = 0xFF;
    bytes[56] = 0;
    assert_int_equal(fv__image_decode(file.bytes, file.size, "red first.bmp", &image, &failure), FV_FORMAT);
    assert_says(failure, "a BMP of a kind that is not read");
}

static void refuses(const void *bytes, size_t size, const char *message) {
    fv__bitmap image;
    assert_int_equal(fv__image_decode(bytes, size, "x.jpg", &image, &failure), FV_FORMAT);
    assert_null(image.pixels);
    assert_says(failure, message);
    // A first look finds the same.
    assert_int_equal(fv__image_survey(bytes, size, "x.jpg", 1, &image, &failure), FV_FORMAT);
    assert_says(failure, message);
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
    refuses("a text", 6, "x.jpg: not a picture");
    refuses("RIFF\1\2\3\4WEBPVP8 ", 16, "a WebP file, which cannot be read");
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
        cmocka_unit_test(test_jpeg),   cmocka_unit_test(test_survey),         cmocka_unit_test(test_orientation),
        cmocka_unit_test(test_png),    cmocka_unit_test(test_interlaced_png), cmocka_unit_test(test_gif),
        cmocka_unit_test(test_plain),  cmocka_unit_test(test_broken),         cmocka_unit_test(test_memory),
        cmocka_unit_test(test_resize),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
