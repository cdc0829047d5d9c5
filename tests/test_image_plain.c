// SPDX-License-Identifier: Apache-2.0
// Decoding BMP and PNM, whose files are written here byte by byte.
#include "images.h"

// --- BMP

typedef struct bmp_kind {
    uint32_t header; // length
    int width, height;
    uint32_t bits, packing, colours;
    uint32_t masks[4];
    size_t masks_after; // of them stand after the header, not in it
} bmp_kind;

static void put_little(uint8_t *at, uint32_t number, int width) {
    for (int i = 0; i < width; i++) {
        at[i] = (uint8_t)(number >> 8 * i);
    }
}

static encoded make_bmp(const bmp_kind *kind, const void *palette, size_t palette_size, const void *pixels,
                        size_t size) {
    const size_t masks = 4 * kind->masks_after, start = 14 + kind->header + masks + palette_size;
    encoded file = {calloc(1, start + size), start + size};
    uint8_t *header = file.bytes + 14, fields[124] = {0};
    memcpy(file.bytes, "BM", 2);
    put_little(file.bytes + 10, (uint32_t)start, 4);
    const bool core = kind->header == 12;
    put_little(fields, kind->header, 4);
    put_little(fields + 4, (uint32_t)kind->width, core ? 2 : 4);
    put_little(fields + (core ? 6 : 8), (uint32_t)kind->height, core ? 2 : 4);
    put_little(fields + (core ? 10 : 14), kind->bits, 2);
    if (!core) {
        put_little(fields + 16, kind->packing, 4);
        put_little(fields + 32, kind->colours, 4);
    }
    memcpy(header, fields, kind->header);
    const size_t inside = kind->header < 52 || kind->header == 64 ? 0 : kind->header == 52 ? 3 : 4;
    for (size_t i = 0; i < inside + kind->masks_after; i++) { // the same place, in the header or after it
        put_little(header + 40 + 4 * i, kind->masks[i], 4);
    }
    memcpy(header + kind->header + masks, palette, palette_size);
    memcpy(file.bytes + start, pixels, size);
    return file;
}

#define RED 255, 0, 0
#define GREEN 0, 255, 0
#define BLUE 0, 0, 255
#define WHITE 255, 255, 255
#define BLACK 0, 0, 0

// The upper row is red, green, blue; the lower one white, black, red.
static const uint8_t flags[] = {RED, GREEN, BLUE, WHITE, BLACK, RED};

// Palettes, blue first: black, red, green, blue, white.
static const uint8_t palette_4[] = {0, 0, 0, 0, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0};
static const uint8_t palette_3[] = {0, 0, 0, 0, 0, 255, 0, 255, 0, 255, 0, 0, 255, 255, 255};

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static void check_bmp(const bmp_kind *kind, const void *palette, size_t palette_size, const void *pixels, size_t size) {
    encoded file = make_bmp(kind, palette, palette_size, pixels, size);
    check_size(&file, flags, 2, 3, 0);
    survives_damage(&file, 1);
    free(file.bytes);
}

static void test_palettes(void **state) {
    (void)state;
    for (int down = 0; down < 2; down++) {
        const int height = down ? -2 : 2;
        const uint8_t rows[2][4] = {{4, 0, 1, 0}, {1, 2, 3, 0}};
        uint8_t bytes[8], nibbles[8] = {0};
        for (int y = 0; y < 2; y++) {
            const uint8_t *row = rows[down ? 1 - y : y];
            memcpy(bytes + 4 * y, row, 4);
            nibbles[4 * y] = (uint8_t)(row[0] << 4 | row[1]);
            nibbles[4 * y + 1] = (uint8_t)(row[2] << 4);
        }
        // Every header that has a palette of four bytes a colour.
        for (const uint32_t *header = (const uint32_t[]){16, 40, 52, 56, 64, 108, 124, 0}; *header; header++) {
            // A short header cannot say how many colours there are: all.
            uint8_t palette[4 * 256] = {0};
            memcpy(palette, palette_4, sizeof palette_4);
            const bool few = *header >= 40;
            check_bmp(&(bmp_kind){.header = *header, .width = 3, .height = height, .bits = 8, .colours = 5}, palette,
                      few ? 20 : 4 * 256, bytes, sizeof bytes);
            check_bmp(&(bmp_kind){.header = *header, .width = 3, .height = height, .bits = 4, .colours = 5}, palette,
                      few ? 20 : 4 * 16, nibbles, sizeof nibbles);
        }
    }
    // OS/2 1.x: three bytes a colour.
    uint8_t palette[3 * 256] = {0};
    memcpy(palette, palette_3, sizeof palette_3);
    check_bmp(&(bmp_kind){.header = 12, .width = 3, .height = 2, .bits = 8}, palette, sizeof palette,
              BYTES(4, 0, 1, 0, 1, 2, 3, 0));
    check_bmp(&(bmp_kind){.header = 12, .width = 3, .height = 2, .bits = 24}, palette, 0,
              BYTES(WHITE, BLACK, BLUE, 0, 0, 0, BLUE, GREEN, RED, 0, 0, 0));
    // 1 bit and 2 bits.
    static const uint8_t two[] = {RED, GREEN, RED, GREEN, RED, GREEN};
    encoded file = make_bmp(&(bmp_kind){.header = 40, .width = 3, .height = 2, .bits = 1}, palette_4 + 4, 8,
                            BYTES(0xa0, 0, 0, 0, 0x40, 0, 0, 0));
    check_size(&file, two, 2, 3, 0);
    free(file.bytes);
    file = make_bmp(&(bmp_kind){.header = 40, .width = 3, .height = 2, .bits = 2}, palette_4, 16,
                    BYTES(0x98, 0, 0, 0, 0x64, 0, 0, 0));
    check_size(&file, two, 2, 3, 0);
    // The padding of the last row may be missing; a pixel may not.
    file.size -= 3;
    check_size(&file, two, 2, 3, 0);
    file.size--;
    refuses(file.bytes, file.size, "x.jpg: a BMP that is cut off");
    free(file.bytes);
}

static void test_masks(void **state) {
    (void)state;
    const void *none = "";
    const uint8_t bytes_32[] = {WHITE, 0, BLACK, 0, BLUE, 0, BLUE, 0, GREEN, 0, RED, 0};
    check_bmp(&(bmp_kind){.header = 40, .width = 3, .height = 2, .bits = 32}, none, 0, bytes_32, sizeof bytes_32);
    // Alpha that is 0 everywhere was not written; masks that are all 0 are the usual ones.
    check_bmp(&(bmp_kind){124, 3, 2, 32, 3, 0, {0xff0000, 0xff00, 0xff, 0xff000000}, 0}, none, 0, bytes_32,
              sizeof bytes_32);
    check_bmp(&(bmp_kind){124, 3, 2, 32, 3, 0, {0}, 0}, none, 0, bytes_32, sizeof bytes_32);
    // Red first, in a longer header and after a short one.
    const uint8_t red_first[] = {WHITE, 9, BLACK, 9, RED, 9, RED, 9, GREEN, 9, BLUE, 9};
    check_bmp(&(bmp_kind){56, 3, 2, 32, 3, 0, {0xff, 0xff00, 0xff0000, 0}, 0}, none, 0, red_first, sizeof red_first);
    check_bmp(&(bmp_kind){40, 3, 2, 32, 3, 0, {0xff, 0xff00, 0xff0000, 0}, 3}, none, 0, red_first, sizeof red_first);
    // 10 bits a channel.
    check_bmp(&(bmp_kind){40, 3, 2, 32, 3, 0, {0x3ff, 0xffc00, 0x3ff00000, 0}, 3}, none, 0,
              BYTES(255, 255, 255, 63, 0, 0, 0, 0, 255, 3, 0, 0, 255, 3, 0, 0, 0, 252, 15, 0, 0, 0, 240, 63));
    // 16 bits: five each, or six of green.
    check_bmp(&(bmp_kind){.header = 40, .width = 3, .height = 2, .bits = 16}, none, 0,
              BYTES(0xff, 0x7f, 0, 0, 0, 0x7c, 0, 0, 0, 0x7c, 0xe0, 0x03, 0x1f, 0, 0, 0));
    check_bmp(&(bmp_kind){40, 3, 2, 16, 3, 0, {0xf800, 0x7e0, 0x1f, 0}, 3}, none, 0,
              BYTES(0xff, 0xff, 0, 0, 0, 0xf8, 0, 0, 0, 0xf8, 0xe0, 0x07, 0x1f, 0, 0, 0));
    // Alpha: in a longer header or as the fourth mask after a short one. Half of red over white.
    static const uint8_t half[] = {255, 127, 127, WHITE};
    for (int after = 0; after < 2; after++) {
        encoded file = make_bmp(
            &(bmp_kind){
                after ? 40 : 108, 2, 1, 32, after ? 6 : 3, 0, {0xff0000, 0xff00, 0xff, 0xff000000}, after ? 4 : 0},
            none, 0, BYTES(0, 0, 255, 128, 0, 0, 0, 0));
        check_size(&file, half, 1, 2, 0);
        free(file.bytes);
    }
}

static void test_runs(void **state) {
    (void)state;
    // Lower row: white, black, red as they are; upper row: runs.
    check_bmp(&(bmp_kind){.header = 40, .width = 3, .height = 2, .bits = 8, .packing = 1, .colours = 5}, palette_4, 20,
              BYTES(0, 3, 4, 0, 1, 0, 0, 0, 1, 1, 1, 2, 1, 3, 0, 1));
    check_bmp(&(bmp_kind){.header = 40, .width = 3, .height = 2, .bits = 4, .packing = 2, .colours = 5}, palette_4, 20,
              BYTES(0, 3, 0x40, 0x10, 0, 0, 2, 0x12, 1, 0x30, 0, 1));
    check_bmp(&(bmp_kind){.header = 64, .width = 3, .height = 2, .bits = 24, .packing = 4}, "", 0,
              BYTES(0, 3, WHITE, BLACK, BLUE, 0, 0, 0, 1, BLUE, 1, GREEN, 1, RED, 0, 1));
    // A run is cut at the end of its row, and the end of the last row needs no mark.
    check_bmp(&(bmp_kind){.header = 40, .width = 3, .height = 2, .bits = 8, .packing = 1, .colours = 5}, palette_4, 20,
              BYTES(1, 4, 1, 0, 200, 1, 0, 0, 1, 1, 1, 2, 9, 3));
    // Pixels that are stepped over have the first colour.
    static const uint8_t sparse[] = {BLACK, BLACK, RED, BLACK, BLACK, BLACK};
    encoded file = make_bmp(&(bmp_kind){.header = 40, .width = 3, .height = 2, .bits = 8, .packing = 1, .colours = 5},
                            palette_4, 20, BYTES(0, 2, 2, 1, 1, 1, 0, 1));
    check_size(&file, sparse, 2, 3, 0);
    file.size -= 2; // at the last row's end: whole all the same
    check_size(&file, sparse, 2, 3, 0);
    file.size -= 2;
    refuses(file.bytes, file.size, "a BMP that is cut off");
    free(file.bytes);
}

static void test_unread_bmp(void **state) {
    (void)state;
    static const struct {
        bmp_kind kind;
        const char *message;
    } kinds[] = {
        {{.header = 64, .width = 3, .height = 2, .bits = 1, .packing = 3}, "OS/2's Huffman code, which cannot be read"},
        {{.header = 40, .width = 3, .height = 2, .bits = 64}, "a BMP with 64 bits a pixel"},
        {{.header = 40, .width = 3, .height = 2, .bits = 24, .packing = 1}, "a BMP with 24 bits a pixel and packing 1"},
        {{.header = 40, .width = 3, .height = 2, .bits = 24, .packing = 77}, "an unknown packing (77)"},
        {{.header = 13, .width = 3, .height = 2, .bits = 24}, "a damaged BMP (its header has no known length)"},
        {{.header = 40, .width = 0, .height = 2, .bits = 24}, "an image of 0×2 pixels"},
        {{.header = 40, .width = -3, .height = 2, .bits = 24}, "an image of 0×2 pixels"},
        {{.header = 40, .width = 3, .height = INT32_MIN, .bits = 24}, "pixels are more than"},
        {{.header = 40, .width = 30000, .height = 30000, .bits = 8, .packing = 1}, "pixels are more than"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        encoded file = make_bmp(&kinds[i].kind, "", 0, flags, sizeof flags);
        refuses(file.bytes, file.size, kinds[i].message);
        free(file.bytes);
    }
    // A PNG or JPEG inside is decoded.
    uint8_t pixels[HEIGHT * WIDTH * 3];
    fill(pixels, 3);
    encoded png = encode_png(pixels, sizeof pixels,
                             (struct spng_ihdr){.width = WIDTH, .height = HEIGHT, .bit_depth = 8, .color_type = 2});
    encoded jpeg = encode_jpeg(pixels, HEIGHT, WIDTH, (jpeg_kind){JCS_RGB, 3, false, 0});
    encoded file = make_bmp(&(bmp_kind){.header = 124, .width = WIDTH, .height = HEIGHT, .packing = 5}, "", 0,
                            png.bytes, png.size);
    check(&file, pixels, 0);
    free(file.bytes);
    file = make_bmp(&(bmp_kind){.header = 124, .width = WIDTH, .height = HEIGHT, .packing = 4}, "", 0, jpeg.bytes,
                    jpeg.size);
    check(&file, pixels, 12);
    free(file.bytes);
    free(png.bytes);
    free(jpeg.bytes);
}

// --- PNM

static void test_pnm(void **state) {
    (void)state;
    // 3 × 2, of values 0, 1/5 … 1.
#define FILE_OF(text, bytes, ...)                                                                                      \
    {                                                                                                                  \
        text bytes, sizeof(text bytes) - 1, {                                                                          \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
    static const struct {
        const char *bytes;
        size_t size;
        uint8_t expected[6];
    } greys[] = {
        FILE_OF("P1\n# a comment\n3 2\n", "101\n010", 0, 255, 0, 255, 0, 255),
        FILE_OF("P1 3 2 ", "1 0 1 0 1 # one\n0", 0, 255, 0, 255, 0, 255),
        FILE_OF("P4\n3 2\n", "\xbf\x5f", 0, 255, 0, 255, 0, 255),
        FILE_OF("P2\n3 2 # size\n5\n", "0 1 2 3 4 5", 0, 51, 102, 153, 204, 255),
        FILE_OF("P2#\r3#\r2#\r65535#\r", "0 13107\n26214\t39321\r52428 65535\n", 0, 51, 102, 153, 204, 255),
        FILE_OF("P5 3 2 5 ", "\0\1\2\3\4\5", 0, 51, 102, 153, 204, 255),
        FILE_OF("P5 3 2 255\n", "\0\x33\x66\x99\xcc\xff", 0, 51, 102, 153, 204, 255),
        FILE_OF("P5 3 2 5\n", "\0\1\2\3\4\x09", 0, 51, 102, 153, 204, 255),
        FILE_OF("P5\r\n#c\n3 2\n65535\n", "\0\0\x33\x33\x66\x66\x99\x99\xcc\xcc\xff\xff", 0, 51, 102, 153, 204, 255),
        FILE_OF("P7\nWIDTH 3\nHEIGHT 2\n# c\nDEPTH 1\nMAXVAL 5\nTUPLTYPE GRAYSCALE\nENDHDR\n", "\0\1\2\3\4\5", 0, 51,
                102, 153, 204, 255),
        FILE_OF("P7\nDEPTH 2\nHEIGHT 2\nWIDTH 3\nMAXVAL 255\nENDHDR\n", "\0\xff\0\xcc\0\x99\0\x66\0\x33\0\0", 0, 51,
                102, 153, 204, 255),
    };
    for (size_t i = 0; i < sizeof greys / sizeof *greys; i++) {
        uint8_t expected[18];
        for (int p = 0; p < 18; p++) {
            expected[p] = greys[i].expected[p / 3];
        }
        encoded file = {(uint8_t *)greys[i].bytes, greys[i].size};
        check_size(&file, expected, 2, 3, 0);
        survives_damage(&file, 1);
    }
    static const char *const colours[] = {"P3 3 2 255 255 0 0 0 255 0 0 0 255 255 255 255 0 0 0 255 0 0",
                                          "P3\n3 2\n1\n1 0 0 0 1 0 0 0 1\n1 1 1 0 0 0 1 0 0\n"};
    for (size_t i = 0; i < 2; i++) {
        check_size(&(encoded){(uint8_t *)colours[i], strlen(colours[i])}, flags, 2, 3, 0);
    }
    static const char *const starts[] = {"P6\n# a comment\n3 2\n255\n", "P6 3 2 65535 ",
                                         "P7\nWIDTH 3\nHEIGHT 2\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"};
    for (int i = 0; i < 3; i++) {
        uint8_t bytes[200];
        size_t size = strlen(starts[i]);
        memcpy(bytes, starts[i], size);
        for (int p = 0; p < 18; p++) {
            bytes[size++] = flags[p];
            if (i == 1 || (i == 2 && p % 3 == 2)) { // the second byte, or alpha
                bytes[size++] = i == 1 ? flags[p] : 255;
            }
        }
        check_size(&(encoded){bytes, size}, flags, 2, 3, 0);
        refuses(bytes, size - 1, "x.jpg: a PNM that is cut off");
    }
}

static void test_broken_pnm(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } files[] = {{"P6 30000 30000 255\n", "30000×30000"},
                 {"P6 0 3 255\n", "0×3"},
                 {"P5 3\n", "a damaged PNM (no width, height and largest value"},
                 {"P5 3 x 255\n", "a damaged PNM (no width, height and largest value"},
                 {"P5 99999999999 1 255\n", "a damaged PNM (no width, height and largest value"},
                 {"P5 3 2 0 ", "its largest value is not 1 to 65535"},
                 {"P5 3 2 65536 ", "its largest value is not 1 to 65535"},
                 {"P2 2 1 5 1 6", "a value is missing, is no number or is too large"},
                 {"P2 2 1 5 1 a", "a value is missing, is no number or is too large"},
                 {"P2 2 1 5 111 ", "a value is missing, is no number or is too large"},
                 {"P1 2 1 12", "a value is missing, is no number or is too large"},
                 {"P3 2 1 5 1", "a PNM that is cut off"},
                 {"P7\nWIDTH 3\n", "its header has no end"},
                 {"P7\nWIDTH\nENDHDR\n", "a line of its header has no number"},
                 {"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 5\nMAXVAL 255\nENDHDR\n12345", "a PAM of more than 4 channels"}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        refuses(files[i].text, strlen(files[i].text), files[i].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_palettes),   cmocka_unit_test(test_masks), cmocka_unit_test(test_runs),
        cmocka_unit_test(test_unread_bmp), cmocka_unit_test(test_pnm),   cmocka_unit_test(test_broken_pnm),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
