// SPDX-License-Identifier: Apache-2.0
// WebP by libwebp: lossy and lossless, with alpha; of an animation the first frame, in its place on the canvas.
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include "base/memory.h"
#include "image/codec.h"

static fv_status decode_frame(const WebPIterator *frame, const fv__image_source *file, fv__bitmap *out,
                              fv_error *error) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) {
        return fv__fail(error, FV_UNSUPPORTED, "libwebp is of another version than fovea was built with");
    }
    const VP8StatusCode known = WebPGetFeatures(frame->fragment.bytes, frame->fragment.size, &config.input);
    if (known != VP8_STATUS_OK || config.input.width != frame->width || config.input.height != frame->height) {
        return fv__fail_damaged(error, file, "WebP", "the header of its first frame");
    }
    FV__TRY(fv__bitmap_make(out, (uint64_t)frame->height, (uint64_t)frame->width, 4, file->name, error));
    config.output.colorspace = MODE_RGBA;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = out->pixels;
    config.output.u.RGBA.stride = 4 * out->width;
    config.output.u.RGBA.size = 4 * (size_t)out->width * (size_t)out->height;
    const VP8StatusCode result = WebPDecode(frame->fragment.bytes, frame->fragment.size, &config);
    if (result == VP8_STATUS_OUT_OF_MEMORY) {
        return fv__fail_memory(error, file->name);
    }
    if (result != VP8_STATUS_OK) {
        return fv__fail_damaged(error, file, "WebP", "the pixels of its first frame");
    }
    fv__bitmap_flatten(out);
    return FV_OK;
}

// Puts a frame that is smaller than the canvas in its place, on white.
static fv_status place_frame(fv__bitmap *frame, uint32_t height, uint32_t width, const WebPIterator *where,
                             const fv__image_source *file, fv_error *error) {
    fv__bitmap canvas = {0};
    if ((uint32_t)frame->height == height && (uint32_t)frame->width == width) {
        return FV_OK;
    }
    FV__TRY(fv__bitmap_make(&canvas, height, width, 3, file->name, error));
    memset(canvas.pixels, 255, 3 * (size_t)height * width);
    const size_t row = 3 * (size_t)frame->width;
    for (size_t y = 0; y < (size_t)frame->height; y++) {
        const size_t place = ((size_t)where->y_offset + y) * width + (size_t)where->x_offset;
        memcpy(canvas.pixels + 3 * place, frame->pixels + y * row, row);
    }
    fv__bitmap_free(frame);
    *frame = canvas;
    return FV_OK;
}

static int orientation_of(const WebPDemuxer *demuxer) {
    WebPChunkIterator chunk;
    if (!WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
        return 1;
    }
    const int orientation = fv__exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
    WebPDemuxReleaseChunkIterator(&chunk);
    return orientation;
}

static fv_status decode(const WebPDemuxer *demuxer, const fv__image_source *file, fv__bitmap *out, fv_error *error) {
    const uint32_t height = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_HEIGHT);
    const uint32_t width = WebPDemuxGetI(demuxer, WEBP_FF_CANVAS_WIDTH);
    WebPIterator frame;
    fv_status status;
    FV__TRY(fv__bitmap_check(height, width, file->name, error));
    if (!WebPDemuxGetFrame(demuxer, 1, &frame)) {
        return fv__fail_damaged(error, file, "WebP", "it has no frame");
    }
    FV__TRY_OR_DONE(decode_frame(&frame, file, out, error));
    FV__TRY_OR_DONE(place_frame(out, height, width, &frame, file, error));
    FV__TRY_OR_DONE(fv__bitmap_orient(out, orientation_of(demuxer), file->name, error));
done:
    WebPDemuxReleaseIterator(&frame);
    return status;
}

fv_status fv__webp_decode(const fv__image_source *file, fv__bitmap *out, fv_error *error) {
    FV__TRY(fv__check_memory(file->name, error));
    WebPDemuxer *demuxer = WebPDemux(&(WebPData){file->bytes, file->size});
    if (!demuxer) {
        return fv__fail_damaged(error, file, "WebP", "it is cut off, or its parts do not fit together");
    }
    const fv_status status = decode(demuxer, file, out, error);
    WebPDemuxDelete(demuxer);
    return status;
}
