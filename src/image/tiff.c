// SPDX-License-Identifier: Apache-2.0
// TIFF by libtiff: strips or tiles, every packing that libtiff was built with, 1 to 16 bits, grey, palettes, RGB, CMYK,
// YCbCr and L*a*b*, with alpha; of several pages the first. https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

#include "image/codec.h"

// What libtiff reads from, and what it says.
typedef struct stream {
    const fv__image_source *file;
    toff_t at;
    char problem[200]; // the first
} stream;

static tmsize_t read_bytes(thandle_t handle, void *out, tmsize_t size) {
    stream *from = handle;
    const toff_t left = from->at < from->file->size ? from->file->size - from->at : 0;
    const toff_t got = (toff_t)size < left ? (toff_t)size : left;
    memcpy(out, from->file->bytes + (left ? from->at : 0), got);
    from->at += got;
    return (tmsize_t)got;
}

static tmsize_t write_nothing(thandle_t handle, void *bytes, tmsize_t size) {
    (void)handle;
    (void)bytes;
    (void)size;
    return -1;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
    stream *from = handle;
    from->at = offset + (whence == SEEK_CUR ? from->at : whence == SEEK_END ? from->file->size : 0);
    return from->at;
}

static toff_t size_of(thandle_t handle) {
    return ((stream *)handle)->file->size;
}

static int close_nothing(thandle_t handle) {
    (void)handle;
    return 0;
}

// libtiff reads pixels where they are. (Without this, 4.5.0 refuses sound tiles whose size is not a multiple of 1024.)
static int map(thandle_t handle, void **bytes, toff_t *size) {
    const fv__image_source *file = ((stream *)handle)->file;
    memcpy(bytes, &file->bytes, sizeof *bytes); // which it does not write to
    *size = file->size;
    return 1;
}

static void unmap(thandle_t handle, void *bytes, toff_t size) {
    (void)handle;
    (void)bytes;
    (void)size;
}

// 1: the message goes no further, to handlers that the whole program shares.
static int on_error(TIFF *tiff, void *context, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    (void)module;
    stream *from = context;
    if (!from->problem[0]) {
        vsnprintf(from->problem, sizeof from->problem, format, arguments);
    }
    return 1;
}

static int on_warning(TIFF *tiff, void *context, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    (void)context;
    (void)module;
    (void)format;
    (void)arguments;
    return 1;
}

static TIFF *open_stream(stream *from) {
    enum { MOST_AT_ONCE = 1 << 30 }; // bytes of one block: all pixels in one strip of 16-bit RGBA
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) {
        return NULL;
    }
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, MOST_AT_ONCE);
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, from);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, from);
    TIFF *tiff = TIFFClientOpenExt("TIFF", "r", from, read_bytes, write_nothing, seek, close_nothing, size_of, map,
                                   unmap, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

static fv_status fail(const stream *from, fv_error *error) {
    const char *problem = from->problem[0] ? from->problem : "libtiff does not say why";
    if (strcasestr(problem, "memory") || strcasestr(problem, "no space")) {
        return fv__fail_memory(error, from->file->name);
    }
    return fv__fail_damaged(error, from->file, "TIFF", problem);
}

static uint32_t field(TIFF *tiff, uint32_t tag) {
    uint16_t value = 0;
    return TIFFGetFieldDefaulted(tiff, tag, &value) ? value : 0;
}

// A camera's raw file has a thumbnail as its first page, or the sensor's pixels.
static bool is_raw(TIFF *tiff) {
    enum { SENSOR = 32803, LINEAR = 34892 };
    uint32_t page = 0;
    uint16_t inside = 0;
    void *pages = NULL, *version = NULL;
    const uint32_t colours = field(tiff, TIFFTAG_PHOTOMETRIC);
    const bool thumbnail = TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &page) && (page & FILETYPE_REDUCEDIMAGE) &&
                           TIFFGetField(tiff, TIFFTAG_SUBIFD, &inside, &pages);
    return thumbnail || colours == SENSOR || colours == LINEAR || TIFFGetField(tiff, TIFFTAG_DNGVERSION, &version);
}

// What libtiff would not turn into colours.
static fv_status check_kind(TIFF *tiff, const stream *from, fv_error *error) {
    char what[100];
    const uint32_t bits = field(tiff, TIFFTAG_BITSPERSAMPLE), format = field(tiff, TIFFTAG_SAMPLEFORMAT);
    const uint32_t packing = field(tiff, TIFFTAG_COMPRESSION);
    if (is_raw(tiff)) {
        return fv__fail_unread(error, from->file, "a camera's raw file (DNG, NEF, ARW or the like)");
    }
    if (!TIFFIsCODECConfigured((uint16_t)packing)) {
        snprintf(what, sizeof what, "a TIFF with packing %u, for which libtiff has no decoder,", packing);
        return fv__fail_unread(error, from->file, what);
    }
    if (format == SAMPLEFORMAT_IEEEFP || format == SAMPLEFORMAT_COMPLEXIEEEFP) {
        snprintf(what, sizeof what, "a TIFF of %u-bit floating-point samples", bits);
        return fv__fail_unread(error, from->file, what);
    }
    if (bits != 1 && bits != 2 && bits != 4 && bits != 8 && bits != 16) {
        snprintf(what, sizeof what, "a TIFF of %u-bit samples", bits);
        return fv__fail_unread(error, from->file, what);
    }
    return FV_OK;
}

// A small image may claim to have tiles that fill the memory.
static fv_status check_size(TIFF *tiff, const fv__image_source *file, fv_error *error) {
    uint32_t height = 0, width = 0;
    TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
    TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
    FV__TRY(fv__bitmap_check(height, width, file->name, error));
    if (TIFFIsTiled(tiff)) {
        TIFFGetField(tiff, TIFFTAG_TILELENGTH, &height);
        TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &width);
        FV__TRY(fv__bitmap_check(height, width, file->name, error));
    }
    return FV_OK;
}

// --- Alpha

typedef enum alpha { OPAQUE, BLENDED, STRAIGHT } alpha; // BLENDED: colours have been multiplied by it

// How the fourth byte of a pixel from libtiff is meant.
static alpha alpha_of(TIFF *tiff) {
    uint16_t count = 0, *kinds = NULL;
    const uint32_t samples = field(tiff, TIFFTAG_SAMPLESPERPIXEL), colours = field(tiff, TIFFTAG_PHOTOMETRIC);
    if (TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds) && count > 0) {
        const bool grey = colours == PHOTOMETRIC_MINISBLACK || colours == PHOTOMETRIC_MINISWHITE;
        return kinds[0] == EXTRASAMPLE_UNSPECIFIED          ? OPAQUE
               : kinds[0] == EXTRASAMPLE_UNASSALPHA && grey ? STRAIGHT // libtiff leaves a grey as it is
                                                            : BLENDED;
    }
    if (samples == 4 && colours == PHOTOMETRIC_RGB) { // alpha that its writer forgot to declare
        const uint16_t straight = EXTRASAMPLE_UNASSALPHA;
        TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &straight);
        return BLENDED;
    }
    return OPAQUE;
}

static void flatten(fv__bitmap *out, alpha kind) {
    const size_t count = (size_t)out->height * (size_t)out->width;
    for (size_t i = 0; i < count && kind != STRAIGHT; i++) {
        uint8_t *pixel = out->pixels + 4 * i;
        const unsigned white = kind == BLENDED ? 255U - pixel[3] : 0;
        for (size_t c = 0; c < 3; c++) {
            pixel[c] = (uint8_t)(pixel[c] + white < 255 ? pixel[c] + white : 255);
        }
        pixel[3] = 255;
    }
    fv__bitmap_flatten(out);
}

static fv_status read_pixels(TIFF *tiff, const stream *from, fv__bitmap *out, fv_error *error) {
    char text[1024] = "";
    TIFFRGBAImage image;
    const alpha kind = alpha_of(tiff);
    if (!TIFFRGBAImageOK(tiff, text) || !TIFFRGBAImageBegin(&image, tiff, 1, text)) {
        snprintf(text, sizeof text, "a TIFF whose colours (kind %u, %u samples of %u bits) libtiff does not convert",
                 field(tiff, TIFFTAG_PHOTOMETRIC), field(tiff, TIFFTAG_SAMPLESPERPIXEL),
                 field(tiff, TIFFTAG_BITSPERSAMPLE));
        return fv__fail_unread(error, from->file, text);
    }
    image.req_orientation = image.orientation; // as it is stored: libtiff would only mirror it
    const int orientation = image.orientation;
    fv_status status;
    FV__TRY_OR_DONE(fv__bitmap_make(out, image.height, image.width, 4, from->file->name, error));
    if (!TIFFRGBAImageGet(&image, (uint32_t *)(void *)out->pixels, image.width, image.height)) {
        status = fail(from, error);
        goto done;
    }
    flatten(out, kind);
    status = fv__bitmap_orient(out, orientation >= 1 && orientation <= 8 ? orientation : 1, from->file->name, error);
done:
    TIFFRGBAImageEnd(&image);
    return status;
}

fv_status fv__tiff_decode(const fv__image_source *file, fv__bitmap *out, fv_error *error) {
    stream from = {.file = file};
    if (fv__image_matches(file->bytes, file->size, "II*\0....CR", 10)) {
        return fv__fail_unread(error, file, "a camera's raw file (Canon CR2)");
    }
    FV__TRY(fv__check_memory(file->name, error));
    TIFF *tiff = open_stream(&from);
    if (!tiff) { // the first page of some raw files is one that libtiff does not know
        return fv__image_named_raw(file->name) ? fv__fail_unread(error, file, "a camera's raw file")
                                               : fail(&from, error);
    }
    fv_status status;
    FV__TRY_OR_DONE(check_size(tiff, file, error));
    FV__TRY_OR_DONE(check_kind(tiff, &from, error));
    status = read_pixels(tiff, &from, out, error);
done:
    TIFFClose(tiff);
    return status;
}
