#include "image/decode.h"

#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "formats/file.h"
#include "image/codec.h"

static const fv__image_format formats[] = {
    {"JPEG", {".jpg", ".jpeg", ".jpe"}, "\xff\xd8\xff", 3, fv__jpeg_decode},
    {"PNG", {".png"}, "\x89PNG\r\n\x1a\n", 8, fv__png_decode},
    {"GIF", {".gif"}, "GIF8", 4, fv__gif_decode},
    {"BMP", {".bmp"}, "BM", 2, fv__bmp_decode},
    {"PNM", {".ppm", ".pgm", ".pnm"}, "P6", 2, fv__pnm_decode},
    {"PNM", {".pgm", ".ppm", ".pnm"}, "P5", 2, fv__pnm_decode},
};

// What cannot be decoded, but may be met: for a message that helps.
static const struct {
    const char *name, *start;
    size_t at, size;
} others[] = {{"WebP", "WEBP", 8, 4},     {"HEIC", "ftyphei", 4, 7}, {"HEIC", "ftypmif1", 4, 8},
              {"AVIF", "ftypavif", 4, 8}, {"TIFF", "II*\0", 0, 4},   {"TIFF", "MM\0*", 0, 4},
              {"SVG", "<svg", 0, 4},      {"SVG", "<?xml", 0, 5}};

const fv__image_format *fv__image_format_of(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (size >= formats[i].start_size && memcmp(bytes, formats[i].start, formats[i].start_size) == 0) {
            return &formats[i];
        }
    }
    return NULL;
}

static bool has_ending(const char *path, const char *const *endings) {
    const char *ending = strrchr(path, '.');
    for (size_t i = 0; ending && endings[i]; i++) {
        if (strcasecmp(ending, endings[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool fv__image_format_named(const char *format, const char *path) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i].name, format) == 0 && has_ending(path, formats[i].endings)) {
            return true;
        }
    }
    return false;
}

bool fv__image_named(const char *path) {
    static const char *const undecoded[] = {".webp", ".heic", ".heif", ".avif", ".tif", ".tiff", NULL};
    bool named = has_ending(path, undecoded);
    for (size_t i = 0; i < sizeof formats / sizeof *formats && !named; i++) {
        named = has_ending(path, formats[i].endings);
    }
    return named;
}

static fv_status refuse(const uint8_t *bytes, size_t size, const char *name, fv_error *error) {
    if (size == 0) {
        return fv__fail(error, FV_FORMAT, "%s: the file is empty", name);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (size >= others[i].at + others[i].size &&
            memcmp(bytes + others[i].at, others[i].start, others[i].size) == 0) {
            return fv__fail(error, FV_FORMAT, "%s: a %s file, which cannot be read; make it a JPEG or PNG", name,
                            others[i].name);
        }
    }
    return fv__fail(error, FV_FORMAT, "%s: not a picture (JPEG, PNG, GIF, BMP or PNM)", name);
}

fv_status fv__image_survey(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                           fv_error *error) {
    const fv__image_format *format = fv__image_format_of(bytes, size);
    *out = (fv__bitmap){0};
    fv_status status = format ? format->decode(bytes, size, name, least, out, error) : refuse(bytes, size, name, error);
    if (status) {
        fv__bitmap_free(out);
    }
    return status;
}

fv_status fv__image_decode(const uint8_t *bytes, size_t size, const char *name, fv__bitmap *out, fv_error *error) {
    return fv__image_survey(bytes, size, name, 0, out, error);
}

fv_status fv__image_read(const char *path, fv__bitmap *out, fv_error *error) {
    uint8_t *bytes;
    size_t size;
    *out = (fv__bitmap){0};
    fv_status status = fv__file_read(path, FV__IMAGE_BYTES, &bytes, &size, error);
    if (!status) {
        status = fv__image_decode(bytes, size, path, out, error);
        fv__free(bytes);
    }
    return status;
}

fv_status fv__bitmap_check(uint64_t height, uint64_t width, const char *name, fv_error *error) {
    if (height == 0 || width == 0) {
        return fv__fail(error, FV_FORMAT, "%s: a picture of %llu×%llu pixels", name, (unsigned long long)width,
                        (unsigned long long)height);
    }
    if (height > FV__IMAGE_SIDE || width > FV__IMAGE_SIDE || height * width > FV__IMAGE_PIXELS) {
        return fv__fail(error, FV_FORMAT, "%s: %llu×%llu pixels are more than the %d megapixels that are read", name,
                        (unsigned long long)width, (unsigned long long)height, FV__IMAGE_PIXELS / 1000000);
    }
    return FV_OK;
}

fv_status fv__bitmap_make(fv__bitmap *out, uint64_t height, uint64_t width, size_t depth, const char *name,
                          fv_error *error) {
    const fv_status status = fv__bitmap_check(height, width, name, error);
    if (status) {
        return status;
    }
    out->pixels = fv__alloc_array(height * width, depth);
    out->height = out->whole[0] = (int)height;
    out->width = out->whole[1] = (int)width;
    return out->pixels ? FV_OK : fv__fail_memory(error, name);
}

void fv__bitmap_free(fv__bitmap *bitmap) {
    fv__free(bitmap->pixels);
    *bitmap = (fv__bitmap){0};
}
