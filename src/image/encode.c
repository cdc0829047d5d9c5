#include "image/encode.h"

#include <spng.h>

#include "base/memory.h"

// libspng asks for memory as the C library gives it: resizable, and cleared by calloc.
static void *allocate_many(size_t count, size_t size) {
    return fv__alloc_array(count, size);
}

static struct spng_alloc library_memory = {fv__alloc, fv__realloc, allocate_many, fv__free};

fv_status fv__png_encode(const uint8_t *pixels, int height, int width, int channels, uint8_t **bytes, size_t *size,
                         fv_error *error) {
    struct spng_ihdr header = {.width = (uint32_t)width,
                               .height = (uint32_t)height,
                               .bit_depth = 8,
                               .color_type = channels == 1 ? SPNG_COLOR_TYPE_GRAYSCALE : SPNG_COLOR_TYPE_TRUECOLOR};
    spng_ctx *context = spng_ctx_new2(&library_memory, SPNG_CTX_ENCODER);
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
    if (result == SPNG_EMEM || result == SPNG_EZLIB_INIT) { // zlib, too, asks for memory
        return fv__fail_memory(error, "a PNG");
    }
    return result ? fv__fail(error, FV_INVALID, "%d × %d × %d bytes cannot become a PNG: %s", height, width, channels,
                             spng_strerror(result))
                  : FV_OK;
}
