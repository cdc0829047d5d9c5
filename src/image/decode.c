// SPDX-License-Identifier: Apache-2.0
#include "image/decode.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/file.h"
#include "image/codec.h"

struct fv__image_format {
    const char *name;
    const char *start; // a pattern of fv__image_matches
    size_t length;
    fv__image_decoder *decode;
};

#define START(text) text, sizeof(text) - 1

static const fv__image_format formats[] = {
    {"JPEG", START("\xff\xd8\xff"), fv__jpeg_decode},
    {"PNG", START("\x89PNG\r\n\x1a\n"), fv__png_decode},
    {"GIF", START("GIF8"), fv__gif_decode},
#ifdef FV__WITH_WEBP
    {"WebP", START("RIFF....WEBP"), fv__webp_decode},
#endif
#ifdef FV__WITH_TIFF
    {"TIFF", START("II*\0"), fv__tiff_decode},
    {"TIFF", START("MM\0*"), fv__tiff_decode},
    {"TIFF", START("II+\0"), fv__tiff_decode}, // BigTIFF
    {"TIFF", START("MM\0+"), fv__tiff_decode},
#endif
    {"BMP", START("BM.............\0\0\0"), fv__bmp_decode}, // with the length of its header, below 256
    {"PNM", START("P1_"), fv__pnm_decode},
    {"PNM", START("P2_"), fv__pnm_decode},
    {"PNM", START("P3_"), fv__pnm_decode},
    {"PNM", START("P4_"), fv__pnm_decode},
    {"PNM", START("P5_"), fv__pnm_decode},
    {"PNM", START("P6_"), fv__pnm_decode},
    {"PNM", START("P7\n"), fv__pnm_decode},
};

bool fv__image_matches(const uint8_t *bytes, size_t size, const char *pattern, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (i >= size) {
            return false;
        }
        const bool fits = pattern[i] == '.' || (uint8_t)pattern[i] == bytes[i] ||
                          (pattern[i] == '_' && bytes[i] && strchr(" \t\n\v\f\r#", bytes[i]));
        if (!fits) {
            return false;
        }
    }
    return true;
}

const fv__image_format *fv__image_format_of(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (fv__image_matches(bytes, size, formats[i].start, formats[i].length)) {
            return &formats[i];
        }
    }
    return NULL;
}

const char *fv__image_format_name(const fv__image_format *format) {
    return format->name;
}

fv_status fv__image_survey(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                           fv_error *error) {
    const fv__image_source file = {.bytes = bytes, .size = size, .name = name, .least = least};
    const fv__image_format *format = fv__image_format_of(bytes, size);
    fv_status status;
    *out = (fv__bitmap){0};
    if (!format) {
        return fv__image_refuse(&file, error);
    }
    FV__TRY_OR_DONE(format->decode(&file, out, error));
    return FV_OK;
done:
    fv__bitmap_free(out);
    return status;
}

fv_status fv__image_decode(const uint8_t *bytes, size_t size, const char *name, fv__bitmap *out, fv_error *error) {
    return fv__image_survey(bytes, size, name, 0, out, error);
}

fv_status fv__image_read(const char *path, fv__bitmap *out, fv_error *error) {
    uint8_t *bytes;
    size_t size;
    *out = (fv__bitmap){0};
    FV__TRY(fv__file_read(path, FV__IMAGE_BYTES, &bytes, &size, error));
    const fv_status status = fv__image_decode(bytes, size, path, out, error);
    fv__free(bytes);
    return status;
}

fv_status fv__bitmap_check(uint64_t height, uint64_t width, const char *name, fv_error *error) {
    if (height == 0 || width == 0) {
        return fv__fail(error, FV_FORMAT, "%s: an image of %llu×%llu pixels", name, (unsigned long long)width,
                        (unsigned long long)height);
    }
    if (height > FV__IMAGE_SIDE || width > FV__IMAGE_SIDE || height * width > FV__IMAGE_PIXELS) {
        return fv__fail(
            error, FV_FORMAT, "%s: %llu×%llu pixels are more than the %d megapixels, or %d a side, that are read", name,
            (unsigned long long)width, (unsigned long long)height, FV__IMAGE_PIXELS / 1000000, FV__IMAGE_SIDE);
    }
    return FV_OK;
}

fv_status fv__bitmap_make(fv__bitmap *out, uint64_t height, uint64_t width, size_t depth, const char *name,
                          fv_error *error) {
    FV__TRY(fv__bitmap_check(height, width, name, error));
    out->pixels = fv__alloc_array(height * width, depth);
    out->height = out->whole[0] = (int)height;
    out->width = out->whole[1] = (int)width;
    return out->pixels ? FV_OK : fv__fail_memory(error, name);
}

fv_status fv__check_memory(const char *name, fv_error *error) {
    enum { SMALL_BLOCKS = 1 << 20 };
    void *volatile block = malloc(SMALL_BLOCKS); // the C library's, as theirs are; given back for them to take
    const bool enough = block != NULL;
    free(block);
    return enough ? FV_OK : fv__fail_memory(error, name);
}

void fv__bitmap_flatten(fv__bitmap *bitmap) {
    const size_t count = (size_t)bitmap->height * (size_t)bitmap->width;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *from = bitmap->pixels + 4 * i;
        const unsigned alpha = from[3];
        for (size_t c = 0; c < 3; c++) {
            bitmap->pixels[3 * i + c] = (uint8_t)((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
        }
    }
}

void fv__bitmap_free(fv__bitmap *bitmap) {
    fv__free(bitmap->pixels);
    *bitmap = (fv__bitmap){0};
}
