// SPDX-License-Identifier: Apache-2.0
// GIF by giflib: the first frame, in its place on the canvas, which is enlarged where the frame does not fit in it.
#include <gif_lib.h>
#include <string.h>

#include "base/memory.h"
#include "image/codec.h"

typedef struct stream {
    const uint8_t *bytes;
    size_t left;
} stream;

static int read_bytes(GifFileType *file, GifByteType *out, int count) {
    stream *from = file->UserData;
    const size_t got = (size_t)count < from->left ? (size_t)count : from->left;
    memcpy(out, from->bytes, got);
    from->bytes += got;
    from->left -= got;
    return (int)got;
}

static fv_status fail(int code, const fv__image_source *file, fv_error *error) {
    const char *what = GifErrorString(code);
    if (code == D_GIF_ERR_NOT_ENOUGH_MEM) {
        return fv__fail_memory(error, file->name);
    }
    return fv__fail_damaged(error, file, "GIF", what ? what : "it has no frame");
}

// Reads up to the first frame; *clear is its transparent colour or -1.
static bool find_frame(GifFileType *gif, int *clear) {
    GifRecordType kind;
    GraphicsControlBlock control;
    *clear = NO_TRANSPARENT_COLOR;
    while (DGifGetRecordType(gif, &kind) == GIF_OK && kind != TERMINATE_RECORD_TYPE) {
        GifByteType *block;
        int code;
        if (kind == IMAGE_DESC_RECORD_TYPE) {
            return DGifGetImageDesc(gif) == GIF_OK;
        }
        if (kind != EXTENSION_RECORD_TYPE || DGifGetExtension(gif, &code, &block) != GIF_OK) {
            return false;
        }
        if (block && code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
            *clear = control.TransparentColor;
        }
        while (block) {
            if (DGifGetExtensionNext(gif, &block) != GIF_OK) {
                return false;
            }
        }
    }
    return false;
}

// A row of the frame onto the canvas. Without a palette, an index is a grey.
static void paint(const GifFileType *gif, const GifPixelType *line, int clear, int y, const fv__bitmap *out) {
    const GifImageDesc *frame = &gif->Image;
    const ColorMapObject *colours = frame->ColorMap ? frame->ColorMap : gif->SColorMap;
    uint8_t *pixel = out->pixels + 3 * ((size_t)(frame->Top + y) * (size_t)out->width + (size_t)frame->Left);
    for (int x = 0; x < frame->Width; x++, pixel += 3) {
        if (line[x] == clear) {
            continue;
        }
        if (!colours) {
            memset(pixel, line[x], 3);
        } else if (line[x] < colours->ColorCount) {
            const GifColorType *colour = &colours->Colors[line[x]];
            pixel[0] = colour->Red;
            pixel[1] = colour->Green;
            pixel[2] = colour->Blue;
        }
    }
}

static bool read_frame(GifFileType *gif, int clear, GifPixelType *line, const fv__bitmap *out) {
    static const struct {
        int first, step;
    } passes[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}, {0, 1}}; // four of an interlaced frame, else the last
    const bool interlaced = gif->Image.Interlace;
    for (int pass = interlaced ? 0 : 4; pass < (interlaced ? 4 : 5); pass++) {
        for (int y = passes[pass].first; y < gif->Image.Height; y += passes[pass].step) {
            if (DGifGetLine(gif, line, gif->Image.Width) != GIF_OK) {
                return false;
            }
            paint(gif, line, clear, y, out);
        }
    }
    return true;
}

static fv_status decode(GifFileType *gif, const fv__image_source *file, fv__bitmap *out, fv_error *error) {
    int clear;
    if (!find_frame(gif, &clear)) {
        return fail(gif->Error, file, error);
    }
    const GifImageDesc *frame = &gif->Image;
    const int bottom = frame->Top + frame->Height, right = frame->Left + frame->Width;
    FV__TRY(fv__bitmap_check((uint64_t)frame->Height, (uint64_t)frame->Width, file->name, error));
    FV__TRY(fv__bitmap_make(out, (uint64_t)(bottom > gif->SHeight ? bottom : gif->SHeight),
                            (uint64_t)(right > gif->SWidth ? right : gif->SWidth), 3, file->name, error));
    memset(out->pixels, 255, (size_t)out->height * (size_t)out->width * 3);
    GifPixelType *line = fv__alloc((size_t)frame->Width);
    if (!line) {
        return fv__fail_memory(error, file->name);
    }
    const bool whole = read_frame(gif, clear, line, out);
    fv__free(line);
    return whole ? FV_OK : fail(gif->Error, file, error);
}

fv_status fv__gif_decode(const fv__image_source *file, fv__bitmap *out, fv_error *error) {
    int code = 0;
    stream from = {file->bytes, file->size};
    GifFileType *gif = DGifOpen(&from, read_bytes, &code);
    if (!gif) {
        return fail(code, file, error);
    }
    const fv_status status = decode(gif, file, out, error);
    DGifCloseFile(gif, &code);
    return status;
}
