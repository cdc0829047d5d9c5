// SPDX-License-Identifier: Apache-2.0
// PNG by libspng: all colour types and depths, palettes, interlaced or not; and its writer.
#include <spng.h>
#include <string.h>

#include "base/memory.h"
#include "image/codec.h"
#include "image/encode.h"

// libspng asks for memory as the C library gives it: resizable, and cleared by calloc.
static void *allocate_many(size_t count, size_t size) {
    return fv__alloc_array(count, size);
}

static spng_ctx *make_context(int flags) {
    struct spng_alloc memory = {fv__alloc, fv__realloc, allocate_many, fv__free};
    return spng_ctx_new2(&memory, flags);
}

static bool is_memory(int result) {
    return result == SPNG_EMEM || result == SPNG_EZLIB_INIT; // zlib, too, asks for memory
}

// --- Reading

static fv_status fail(int result, const fv__image_source *file, fv_error *error) {
    return is_memory(result) ? fv__fail_memory(error, file->name)
                             : fv__fail_damaged(error, file, "PNG", spng_strerror(result));
}

// From the part of the file that has been read; 0: it does not say.
static int orientation_of(spng_ctx *context) {
    struct spng_exif exif;
    return spng_get_exif(context, &exif) ? 0 : fv__exif_orientation((uint8_t *)exif.data, exif.length);
}

static fv_status decode(spng_ctx *context, const fv__image_source *file, fv__bitmap *out, fv_error *error) {
    struct spng_ihdr header;
    int result = spng_set_png_buffer(context, file->bytes, file->size);
    if (!result) {
        result = spng_get_ihdr(context, &header);
    }
    if (result) {
        return fail(result, file, error);
    }
    FV__TRY(fv__bitmap_make(out, header.height, header.width, 4, file->name, error));
    int orientation = orientation_of(context); // before the pixels,
    result = spng_decode_image(context, out->pixels, (size_t)header.height * header.width * 4, SPNG_FMT_RGBA8,
                               SPNG_DECODE_TRNS);
    if (result) {
        return fail(result, file, error);
    }
    fv__bitmap_flatten(out);
    orientation = orientation ? orientation : orientation_of(context); // or after them
    return fv__bitmap_orient(out, orientation ? orientation : 1, file->name, error);
}

fv_status fv__png_decode(const fv__image_source *file, fv__bitmap *out, fv_error *error) {
    enum { CHUNK = 1 << 24, CHUNKS = 1 << 26 }; // the largest besides the pixels, and what is kept of all
    if (file->size > 16 && memcmp(file->bytes + 12, "CgBI", 4) == 0) {
        return fv__fail_unread(error, file, "a PNG that Xcode has packed for the iPhone (CgBI)");
    }
    spng_ctx *context = make_context(0);
    if (!context) {
        return fv__fail_memory(error, file->name);
    }
    spng_set_crc_action(context, SPNG_CRC_ERROR, SPNG_CRC_DISCARD); // what is not needed may be damaged
    spng_set_chunk_limits(context, CHUNK, CHUNKS);
    const fv_status status = decode(context, file, out, error);
    spng_ctx_free(context);
    return status;
}

// --- Writing

fv_status fv__png_encode(const uint8_t *pixels, int height, int width, int channels, uint8_t **bytes, size_t *size,
                         fv_error *error) {
    struct spng_ihdr header = {.width = (uint32_t)width,
                               .height = (uint32_t)height,
                               .bit_depth = 8,
                               .color_type = channels == 1 ? SPNG_COLOR_TYPE_GRAYSCALE : SPNG_COLOR_TYPE_TRUECOLOR};
    spng_ctx *context = make_context(SPNG_CTX_ENCODER);
    if (!context) {
        return fv__fail_memory(error, "a PNG");
    }
    int result = spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
    if (!result) {
        result = spng_set_ihdr(context, &header);
    }
    if (!result) {
        size_t count = (size_t)height * (size_t)width * (size_t)channels;
        result = spng_encode_image(context, pixels, count, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    }
    *bytes = result ? NULL : spng_get_png_buffer(context, size, &result);
    spng_ctx_free(context);
    if (is_memory(result)) {
        return fv__fail_memory(error, "a PNG");
    }
    return result ? fv__fail(error, FV_INVALID, "%d × %d × %d bytes cannot become a PNG: %s", height, width, channels,
                             spng_strerror(result))
                  : FV_OK;
}
