// GIF by giflib: the first frame, in its place on the canvas.
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
    size_t got = (size_t)count < from->left ? (size_t)count : from->left;
    memcpy(out, from->bytes, got);
    from->bytes += got;
    from->left -= got;
    return (int)got;
}

static fv_status fail(int code, const char *name, fv_error *error) {
    const char *what = GifErrorString(code);
    return code == D_GIF_ERR_NOT_ENOUGH_MEM
               ? fv__fail_memory(error, name)
               : fv__fail(error, FV_FORMAT, "%s: a damaged GIF (%s)", name, what ? what : "no frame in it");
}

// Goes on to the first frame; *clear is its transparent colour or -1.
static bool find_frame(GifFileType *file, int *clear) {
    GifRecordType kind;
    GraphicsControlBlock control;
    *clear = NO_TRANSPARENT_COLOR;
    while (DGifGetRecordType(file, &kind) == GIF_OK && kind != TERMINATE_RECORD_TYPE) {
        GifByteType *block;
        int code;
        if (kind == IMAGE_DESC_RECORD_TYPE) {
            return DGifGetImageDesc(file) == GIF_OK;
        }
        if (kind != EXTENSION_RECORD_TYPE || DGifGetExtension(file, &code, &block) != GIF_OK) {
            return false;
        }
        if (block && code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK) {
            *clear = control.TransparentColor;
        }
        while (block) {
            if (DGifGetExtensionNext(file, &block) != GIF_OK) {
                return false;
            }
        }
    }
    return false;
}

// A line of the frame onto the canvas, as far as it reaches.
static void paint(const GifFileType *file, const GifPixelType *line, int clear, int y, fv__bitmap *out) {
    const GifImageDesc *frame = &file->Image;
    const ColorMapObject *colours = frame->ColorMap ? frame->ColorMap : file->SColorMap;
    int row = frame->Top + y;
    for (int x = 0; row < out->height && x < frame->Width && frame->Left + x < out->width; x++) {
        uint8_t *pixel = out->pixels + 3 * ((size_t)row * (size_t)out->width + (size_t)(frame->Left + x));
        if (line[x] != clear && line[x] < colours->ColorCount) {
            const GifColorType *colour = &colours->Colors[line[x]];
            pixel[0] = colour->Red;
            pixel[1] = colour->Green;
            pixel[2] = colour->Blue;
        }
    }
}

static bool read_frame(GifFileType *file, int clear, GifPixelType *line, fv__bitmap *out) {
    static const struct {
        int first, step;
    } passes[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}, {0, 1}}; // four of an interlaced frame, else the last
    bool interlaced = file->Image.Interlace;
    for (int pass = interlaced ? 0 : 4; pass < (interlaced ? 4 : 5); pass++) {
        for (int y = passes[pass].first; y < file->Image.Height; y += passes[pass].step) {
            if (DGifGetLine(file, line, file->Image.Width) != GIF_OK) {
                return false;
            }
            paint(file, line, clear, y, out);
        }
    }
    return true;
}

static fv_status decode(GifFileType *file, const char *name, fv__bitmap *out, fv_error *error) {
    int clear;
    fv_status status = fv__bitmap_make(out, (uint64_t)file->SHeight, (uint64_t)file->SWidth, 3, name, error);
    if (status) {
        return status;
    }
    memset(out->pixels, 255, (size_t)out->height * (size_t)out->width * 3);
    if (!find_frame(file, &clear) || !(file->Image.ColorMap || file->SColorMap)) {
        return fail(file->Error, name, error);
    }
    GifPixelType *line = fv__alloc((size_t)file->Image.Width + 1);
    if (!line) {
        return fv__fail_memory(error, name);
    }
    status = read_frame(file, clear, line, out) ? FV_OK : fail(file->Error, name, error);
    fv__free(line);
    return status;
}

fv_status fv__gif_decode(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                         fv_error *error) {
    (void)least;
    int code = 0;
    stream from = {bytes, size};
    GifFileType *file = DGifOpen(&from, read_bytes, &code);
    if (!file) {
        return fail(code, name, error);
    }
    fv_status status = decode(file, name, out, error);
    DGifCloseFile(file, &code);
    return status;
}
