// PNG by libspng: all colour types and depths, palettes, interlaced or not.
#include <spng.h>

#include "base/memory.h"
#include "image/codec.h"

static fv_status fail(int result, const char *name, fv_error *error) {
    return result == SPNG_EMEM ? fv__fail_memory(error, name)
                               : fv__fail(error, FV_FORMAT, "%s: a damaged PNG (%s)", name, spng_strerror(result));
}

// Four bytes a pixel become three in place, over white.
static void flatten(uint8_t *pixels, size_t count) {
    for (size_t i = 0; i < count; i++) {
        unsigned alpha = pixels[4 * i + 3];
        for (size_t c = 0; c < 3; c++) {
            pixels[3 * i + c] = (uint8_t)((pixels[4 * i + c] * alpha + 255 * (255 - alpha) + 127) / 255);
        }
    }
}

// As far as the file has been read; 0: it does not say.
static int orientation_of(spng_ctx *context) {
    struct spng_exif exif;
    return spng_get_exif(context, &exif) ? 0 : fv__exif_orientation((uint8_t *)exif.data, exif.length);
}

static fv_status decode(spng_ctx *context, const uint8_t *bytes, size_t size, const char *name, fv__bitmap *out,
                        fv_error *error) {
    struct spng_ihdr header;
    int result = spng_set_png_buffer(context, bytes, size);
    if (!result) {
        result = spng_get_ihdr(context, &header);
    }
    if (result) {
        return fail(result, name, error);
    }
    fv_status status = fv__bitmap_make(out, header.height, header.width, 4, name, error);
    if (status) {
        return status;
    }
    size_t count = (size_t)header.height * header.width;
    int orientation = orientation_of(context); // before the pixels,
    result = spng_decode_image(context, out->pixels, count * 4, SPNG_FMT_RGBA8, SPNG_DECODE_TRNS);
    if (result) {
        return fail(result, name, error);
    }
    flatten(out->pixels, count);
    orientation = orientation ? orientation : orientation_of(context); // or behind them
    return fv__bitmap_orient(out, orientation ? orientation : 1, name, error);
}

fv_status fv__png_decode(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                         fv_error *error) {
    (void)least;
    enum { CHUNK = 1 << 24, CHUNKS = 1 << 26 }; // the largest beside the pixels, and what is kept of all
    spng_ctx *context = spng_ctx_new(0);
    if (!context) {
        return fv__fail_memory(error, name);
    }
    spng_set_crc_action(context, SPNG_CRC_ERROR, SPNG_CRC_DISCARD); // what is not needed may be damaged
    spng_set_chunk_limits(context, CHUNK, CHUNKS);
    fv_status status = decode(context, bytes, size, name, out, error);
    spng_ctx_free(context);
    return status;
}
