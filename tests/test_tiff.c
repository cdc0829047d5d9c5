// SPDX-License-Identifier: Apache-2.0
// Decoding TIFF: what libtiff's own encoder writes, of every kind that fovea reads, and what it does not read.
#include "images.h"

#ifdef FV__WITH_TIFF
#include <tiffio.h>

typedef struct tiff_kind {
    const char *name;
    uint16_t photometric, samples, bits;
    uint16_t compression; // 0: none
    int alpha;            // of the last sample: a kind of EXTRASAMPLES; -1: not declared
    bool planar, tiled, strips;
    const char *mode; // "w": the machine's order of bytes; "wb": the largest first; "w8": BigTIFF
    int tolerance;
} tiff_kind;

enum { NO_ALPHA = -1, LAST = 3 };

// Value of a sample, 0 … 255.
static int value_at(int i, int c) {
    return (i % WIDTH * 5 + i / WIDTH * 9 + c * 40) % 256;
}

static int alpha_at(int i) {
    return i % WIDTH * 6;
}

static uint8_t colour_map(int index, int c) {
    return (uint8_t)(index * (37 + 18 * c));
}

// Puts sample `at` of a packed row, of the given bits.
static void put_sample(uint8_t *row, size_t at, unsigned bits, unsigned value) {
    if (bits == 16) {
        const uint16_t wide = (uint16_t)value;
        memcpy(row + 2 * at, &wide, 2);
    } else {
        row[at * bits / 8] |= (uint8_t)(value << (8 - bits - at * bits % 8));
    }
}

// The bits of a sample, out of 0 … 255; channel c of pixel i.
static unsigned stored(const tiff_kind *kind, int i, int c) {
    const bool last = kind->alpha != NO_ALPHA && c == kind->samples - 1;
    int value = last ? alpha_at(i) : value_at(i, c);
    if (kind->alpha == EXTRASAMPLE_ASSOCALPHA && !last) {
        value = value * alpha_at(i) / 255;
    }
    return kind->bits == 16 ? (unsigned)value * 257 : (unsigned)value >> (8 - kind->bits);
}

static void expect_pixel(const tiff_kind *kind, int i, uint8_t *out) {
    const unsigned most = kind->bits == 16 ? 65535 : (1U << kind->bits) - 1;
    int values[4];
    for (int c = 0; c < 4; c++) {
        values[c] = c < kind->samples ? (int)(stored(kind, i, c) * 255 / most) : 255;
    }
    const int alpha =
        kind->alpha == EXTRASAMPLE_UNASSALPHA || kind->alpha == EXTRASAMPLE_ASSOCALPHA || kind->alpha == LAST
            ? alpha_at(i)
            : 255;
    for (int c = 0; c < 3; c++) {
        int value = values[kind->photometric == PHOTOMETRIC_RGB ? c : 0];
        if (kind->photometric == PHOTOMETRIC_MINISWHITE) {
            value = 255 - value;
        } else if (kind->photometric == PHOTOMETRIC_PALETTE) {
            value = colour_map((int)stored(kind, i, 0), c);
        } else if (kind->photometric == PHOTOMETRIC_SEPARATED) {
            value = (255 - values[c]) * (255 - values[3]) / 255;
        }
        out[c] = kind->alpha == EXTRASAMPLE_ASSOCALPHA ? (uint8_t)(value + 255 - alpha) : over_white(value, alpha);
    }
}

static void set_fields(TIFF *tiff, const tiff_kind *kind, int height, int width) {
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, width);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, height);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, kind->bits);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, kind->samples);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, kind->photometric);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, kind->compression ? kind->compression : COMPRESSION_NONE);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, kind->planar ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
    if (kind->tiled) {
        TIFFSetField(tiff, TIFFTAG_TILEWIDTH, 16);
        TIFFSetField(tiff, TIFFTAG_TILELENGTH, 16);
    } else {
        TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, kind->strips ? 8 : height);
    }
    if (kind->alpha >= 0 && kind->alpha < LAST) {
        const uint16_t extra = (uint16_t)kind->alpha;
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &extra);
    }
    if (kind->photometric == PHOTOMETRIC_PALETTE) {
        uint16_t maps[3][256] = {{0}};
        for (int i = 0; i < 256 * 3; i++) {
            maps[i % 3][i / 3] = (uint16_t)(colour_map(i / 3, i % 3) * 257);
        }
        TIFFSetField(tiff, TIFFTAG_COLORMAP, maps[0], maps[1], maps[2]);
    }
}

static void write_rows(TIFF *tiff, const tiff_kind *kind) {
    const int planes = kind->planar ? kind->samples : 1, channels = kind->samples / planes;
    for (int plane = 0; plane < planes; plane++) {
        for (int y = 0; y < HEIGHT; y++) {
            uint8_t row[WIDTH * 8] = {0};
            for (int i = 0; i < WIDTH * channels; i++) {
                put_sample(row, (size_t)i, kind->bits, stored(kind, y * WIDTH + i / channels, plane + i % channels));
            }
            assert_int_equal(TIFFWriteScanline(tiff, row, (uint32_t)y, (uint16_t)plane), 1);
        }
    }
}

static void write_tiles(TIFF *tiff, const tiff_kind *kind) {
    for (int top = 0; top < HEIGHT; top += 16) {
        for (int left = 0; left < WIDTH; left += 16) {
            uint8_t tile[16 * 16 * 4] = {0};
            for (int y = 0; y < 16 && top + y < HEIGHT; y++) {
                for (int i = 0; i < 16 * kind->samples && left + i / kind->samples < WIDTH; i++) {
                    put_sample(tile + y * 16 * kind->samples, (size_t)i, 8,
                               stored(kind, (top + y) * WIDTH + left + i / kind->samples, i % kind->samples));
                }
            }
            assert_true(TIFFWriteTile(tiff, tile, (uint32_t)left, (uint32_t)top, 0, 0) > 0);
        }
    }
}

static encoded read_whole(const char *path) {
    encoded file = {malloc(1 << 20), 0};
    FILE *from = fopen(path, "rb");
    file.size = fread(file.bytes, 1, 1 << 20, from);
    fclose(from);
    return file;
}

static encoded make_tiff(const tiff_kind *kind) {
    const char *path = scratch_path("a.tif");
    TIFF *tiff = TIFFOpen(path, kind->mode ? kind->mode : "w");
    set_fields(tiff, kind, HEIGHT, WIDTH);
    if (kind->tiled) {
        write_tiles(tiff, kind);
    } else {
        write_rows(tiff, kind);
    }
    TIFFClose(tiff);
    return read_whole(path);
}

static void test_kinds(void **state) {
    (void)state;
    enum {
        WHITE = PHOTOMETRIC_MINISWHITE,
        GREY = PHOTOMETRIC_MINISBLACK,
        RGB = PHOTOMETRIC_RGB,
        PALETTE = PHOTOMETRIC_PALETTE,
        CMYK = PHOTOMETRIC_SEPARATED
    };
    static const tiff_kind kinds[] = {
        {"bilevel", GREY, 1, 1, .alpha = NO_ALPHA},
        {"bilevel, white first", WHITE, 1, 1, .alpha = NO_ALPHA},
        {"fax", WHITE, 1, 1, COMPRESSION_CCITTFAX4, .alpha = NO_ALPHA},
        {"2 bits", GREY, 1, 2, .alpha = NO_ALPHA},
        {"4 bits", WHITE, 1, 4, .alpha = NO_ALPHA},
        {"grey", GREY, 1, 8, COMPRESSION_PACKBITS, .alpha = NO_ALPHA},
        {"grey, 16 bits", GREY, 1, 16, .alpha = NO_ALPHA, .mode = "wb"},
        {"grey, alpha", GREY, 2, 8, .alpha = EXTRASAMPLE_UNASSALPHA, .tolerance = 1},
        {"grey, blended", GREY, 2, 8, .alpha = EXTRASAMPLE_ASSOCALPHA, .tolerance = 1},
        {"grey, no alpha", GREY, 2, 8, .alpha = EXTRASAMPLE_UNSPECIFIED},
        {"palette", PALETTE, 1, 8, COMPRESSION_LZW, .alpha = NO_ALPHA},
        {"palette, 4 bits", PALETTE, 1, 4, .alpha = NO_ALPHA},
        {"palette, 1 bit", PALETTE, 1, 1, .alpha = NO_ALPHA},
        {"colours", RGB, 3, 8, .alpha = NO_ALPHA},
        {"colours, strips", RGB, 3, 8, COMPRESSION_ADOBE_DEFLATE, .alpha = NO_ALPHA, .strips = true},
        {"colours, 16 bits", RGB, 3, 16, COMPRESSION_LZW, .alpha = NO_ALPHA, .mode = "wb"},
        {"colours, planes", RGB, 3, 8, .alpha = NO_ALPHA, .planar = true},
        {"colours, tiles", RGB, 3, 8, .alpha = NO_ALPHA, .tiled = true},
        {"colours, packed tiles", RGB, 3, 8, COMPRESSION_LZW, .alpha = NO_ALPHA, .tiled = true},
        {"colours, BigTIFF", RGB, 3, 8, .alpha = NO_ALPHA, .mode = "w8"},
        {"alpha", RGB, 4, 8, .alpha = EXTRASAMPLE_UNASSALPHA, .tolerance = 1},
        {"alpha, 16 bits", RGB, 4, 16, .alpha = EXTRASAMPLE_UNASSALPHA, .tolerance = 1},
        {"alpha, planes", RGB, 4, 8, .alpha = EXTRASAMPLE_UNASSALPHA, .planar = true, .tolerance = 1},
        {"alpha, tiles", RGB, 4, 8, .alpha = EXTRASAMPLE_UNASSALPHA, .tiled = true, .tolerance = 1},
        {"blended", RGB, 4, 8, .alpha = EXTRASAMPLE_ASSOCALPHA, .tolerance = 1},
        {"no alpha", RGB, 4, 8, .alpha = EXTRASAMPLE_UNSPECIFIED},
        {"not declared", RGB, 4, 8, .alpha = LAST, .tolerance = 1},
        {"inks", CMYK, 4, 8, .alpha = NO_ALPHA, .tolerance = 1},
        {"inks, LZW", CMYK, 4, 8, COMPRESSION_LZW, .alpha = NO_ALPHA, .strips = true, .tolerance = 1},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        uint8_t expected[HEIGHT * WIDTH * 3];
        for (int i = 0; i < HEIGHT * WIDTH; i++) {
            expect_pixel(&kinds[k], i, expected + 3 * i);
        }
        encoded file = make_tiff(&kinds[k]);
        fv__bitmap image = decode(&file);
        const int most = difference(&image, expected, HEIGHT, WIDTH);
        if (most > kinds[k].tolerance) {
            fail_msg("%s: differs by %d", kinds[k].name, most);
        }
        fv__bitmap_free(&image);
        survives_damage(&file, file.size / 60 + 1);
        free(file.bytes);
    }
}

static void test_turned_and_pages(void **state) {
    (void)state;
    // Where the stored picture's upper left pixel is in the upright one: 1 right, 2 bottom, 4: height and width swapped.
    static const int places[] = {0, 1, 3, 2, 4, 5, 7, 6};
    const tiff_kind kind = {"turned", PHOTOMETRIC_MINISBLACK, 1, 8, .alpha = NO_ALPHA};
    for (int orientation = 1; orientation <= 8; orientation++) {
        const char *path = scratch_path("turned.tif");
        TIFF *tiff = TIFFOpen(path, "w");
        for (int page = 0; page < 2; page++) {
            uint8_t pixels[6] = {9, 255, 255, 255, 255, 255}; // (2, 3)
            set_fields(tiff, &kind, 2, 3 - page);
            TIFFSetField(tiff, TIFFTAG_ORIENTATION, orientation);
            for (uint32_t y = 0; y < 2; y++) {
                TIFFWriteScanline(tiff, pixels + 3 * y, y, 0);
            }
            TIFFWriteDirectory(tiff);
        }
        TIFFClose(tiff);
        fv__bitmap image;
        assert_ok(fv__image_read(path, &image, &failure));
        const int place = places[orientation - 1];
        assert_int_equal(image.height, place & 4 ? 3 : 2);
        assert_int_equal(image.width, place & 4 ? 2 : 3);
        const int y = place & 2 ? image.height - 1 : 0, x = place & 1 ? image.width - 1 : 0;
        for (int i = 0; i < 6; i++) {
            assert_int_equal(image.pixels[3 * i], i == y * image.width + x ? 9 : 255);
        }
        fv__bitmap_free(&image);
    }
}

static void refuses_file(const char *path, const char *message) {
    encoded file = read_whole(path);
    refuses(file.bytes, file.size, message);
    free(file.bytes);
}

// A file with one pixel's worth of bytes, whose fields say otherwise.
static void test_unread(void **state) {
    (void)state;
    static const struct {
        uint32_t tag, value;
        const char *message;
    } kinds[] = {
        {TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP, "a TIFF of 32-bit floating-point samples, which cannot be read"},
        {TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT, "a TIFF of 32-bit samples, which cannot be read"},
        {TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_CFA, "a camera's raw file (DNG, NEF, ARW or the like), which cannot be read"},
        {TIFFTAG_IMAGEWIDTH, 70000, "70000×2 pixels are more than"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const tiff_kind kind = {"", PHOTOMETRIC_MINISBLACK, 1, 32, .alpha = NO_ALPHA};
        const char *path = scratch_path("unread.tif");
        TIFF *tiff = TIFFOpen(path, "w");
        const float row[3] = {0};
        set_fields(tiff, &kind, 2, 3);
        TIFFSetField(tiff, kinds[i].tag, kinds[i].value);
        TIFFWriteEncodedStrip(tiff, 0, (void *)row, 4);
        TIFFClose(tiff);
        refuses_file(path, kinds[i].message);
    }
    refuses("II*\0\x10\0\0\0CR\2\0", 12, "a camera's raw file (Canon CR2), which cannot be read");
    refuses("II*\0\xff\xff\xff\xff", 8, "x.jpg: a damaged TIFF (");
    refuses("MM\0*", 4, "x.jpg: a damaged TIFF (");
    fv__bitmap image;
    assert_int_equal(fv__image_decode((const uint8_t *)"II*\0\xff\xff\xff\xff", 8, "a.DNG", &image, &failure),
                     FV_FORMAT);
    assert_says(failure, "a.DNG: a camera's raw file, which cannot be read");
    // Tiles that would fill the memory of an image that is small.
    const tiff_kind tiled = {"", PHOTOMETRIC_RGB, 3, 8, .alpha = NO_ALPHA, .tiled = true};
    const char *path = scratch_path("tiles.tif");
    TIFF *tiff = TIFFOpen(path, "w");
    uint8_t bytes[16 * 16 * 3] = {0};
    set_fields(tiff, &tiled, 10, 10);
    TIFFWriteTile(tiff, bytes, 0, 0, 0, 0);
    TIFFClose(tiff);
    encoded file = read_whole(path);
    for (size_t at = 0; at + 12 < file.size; at++) { // widths and heights of tiles are entries of the folder
        if (file.bytes[at] == 0x42 && file.bytes[at + 1] == 1) {
            file.bytes[at + 8] = 0xf0;
            file.bytes[at + 9] = 0xff;
            file.bytes[at + 20] = 0xf0;
            file.bytes[at + 21] = 0xff;
        }
    }
    refuses(file.bytes, file.size, "65520×65520 pixels are more than");
    free(file.bytes);
}
#endif

int main(void) {
#ifdef FV__WITH_TIFF
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_turned_and_pages),
        cmocka_unit_test(test_unread),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
#else
    return 77; // not in this build
#endif
}
