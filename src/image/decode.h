// Picture files as pixels: JPEG, PNG, GIF (its first frame), BMP and binary PNM, whatever the file is called. Colours
// are red, green and blue; grey becomes three alike, what is transparent lies over white, and a photograph that its
// camera marked as turned (EXIF orientation) is turned upright.
//
// A file comes from anywhere: one that is damaged or cut off fails, and its size is checked before memory is taken.
#ifndef FOVEA_IMAGE_DECODE_H
#define FOVEA_IMAGE_DECODE_H

#include "base/error.h"

enum {
    FV__IMAGE_BYTES = 1 << 28,  // of a file
    FV__IMAGE_PIXELS = 1 << 27, // 134 megapixels
    FV__IMAGE_SIDE = 65535
};

typedef struct fv__bitmap {
    int height, width;
    int whole[2];    // height and width of the picture, where it was made smaller
    uint8_t *pixels; // (height, width, 3)
} fv__bitmap;

// A kind of file.
typedef struct fv__image_format {
    const char *name;       // "JPEG"
    const char *endings[4]; // of file names; NULL after the last
    const char *start;      // how such a file begins
    size_t start_size;
    // `least`: see fv__image_survey; 0: the whole picture.
    fv_status (*decode)(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                        fv_error *error);
} fv__image_format;

// By the first bytes; NULL when it is none that can be decoded.
const fv__image_format *fv__image_format_of(const uint8_t *bytes, size_t size);

// Whether the path ends as those of a format ("JPEG") do.
bool fv__image_format_named(const char *format, const char *path);

// Whether a file is a picture by its name, decoded here or not.
bool fv__image_named(const char *path);

// `name` stands for the file in messages. Release with fv__bitmap_free. Errors: FV_FORMAT says what is wrong with it.
fv_status fv__image_decode(const uint8_t *bytes, size_t size, const char *name, fv__bitmap *out, fv_error *error);

// The same for a first look, which finds the same faults: the picture may come out smaller, with sides of `least`
// pixels or more, where that is faster.
fv_status fv__image_survey(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                           fv_error *error);

// fv__image_decode from a file.
fv_status fv__image_read(const char *path, fv__bitmap *out, fv_error *error);

void fv__bitmap_free(fv__bitmap *bitmap); // leaves {0}

#endif
