// SPDX-License-Identifier: Apache-2.0
// JPEG by libjpeg-turbo: baseline, progressive and arithmetic, of 8 bits; grey, YCbCr, RGB, CMYK and YCCK. With the
// accurate inverse transform and smooth chroma, libjpeg's defaults.
#include <stdio.h> // before jpeglib.h, which needs it

#include <jpeglib.h>

#include <jerror.h> // after jpeglib.h, whose configuration its numbers depend on
#include <setjmp.h>
#include <string.h>

#include "base/memory.h"
#include "image/codec.h"

enum { MOST_SCANS = 200 }; // a small file of very many scans takes hours

typedef struct decoder {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr manager;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    fv_status status;
    const fv__image_source *file;
    fv_error *error;
    uint8_t *line; // of a CMYK image
} decoder;

// Leaves the decoder with the status, whose sentence has been written.
static _Noreturn void leave(decoder *now, fv_status status) {
    now->status = status;
    longjmp(now->failed, 1);
}

// A sound file that libjpeg does not read: what it is, or NULL.
static const char *name_unread(const struct jpeg_error_mgr *manager, char text[80]) {
    enum { LOSSLESS = 0xc3, LOSSLESS_ARITHMETIC = 0xcb, JPEG_LS = 0xf7 };
    const int number = manager->msg_parm.i[0];
    switch (manager->msg_code) {
    case JERR_BAD_PRECISION:
        snprintf(text, 80, "a JPEG of %d bits a sample", number);
        return text;
    case JERR_SOF_UNSUPPORTED:
        return number == LOSSLESS || number == LOSSLESS_ARITHMETIC ? "a lossless JPEG" : "a hierarchical JPEG";
    case JERR_UNKNOWN_MARKER:
        return number == JPEG_LS ? "a JPEG-LS image" : NULL;
    case JERR_EMPTY_IMAGE:
        return "a JPEG whose header gives no size";
    case JERR_CONVERSION_NOTIMPL:
        return "a JPEG of an unusual number of channels";
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
        return "a JPEG of unusual chroma sampling";
    case JERR_ARITH_NOTIMPL:
        return "a JPEG with arithmetic coding";
    default:
        return NULL;
    }
}

static _Noreturn void on_error(j_common_ptr info) {
    char text[JMSG_LENGTH_MAX], name[80];
    decoder *now = info->client_data;
    const char *unread = name_unread(info->err, name);
    if (info->err->msg_code == JERR_OUT_OF_MEMORY) {
        leave(now, fv__fail_memory(now->error, now->file->name));
    }
    if (unread) {
        leave(now, fv__fail(now->error, FV_FORMAT,
                            "%s: %s, which cannot be read; convert it to an 8-bit baseline JPEG or PNG",
                            now->file->name, unread));
    }
    info->err->format_message(info, text);
    leave(now, fv__fail_damaged(now->error, now->file, "JPEG", text));
}

// A warning that means missing or wrong pixels. Others (bytes between segments, odd markers) are harmless.
static void on_message(j_common_ptr info, int level) {
    static const int harmful[] = {
        JWRN_JPEG_EOF,       JWRN_HIT_MARKER, JWRN_HUFF_BAD_CODE, JWRN_MUST_RESYNC,
#ifdef D_ARITH_CODING_SUPPORTED
        JWRN_ARITH_BAD_CODE,
#endif
    };
    for (size_t i = 0; level < 0 && i < sizeof harmful / sizeof *harmful; i++) {
        if (info->err->msg_code == harmful[i]) {
            on_error(info);
        }
    }
}

static void on_output(j_common_ptr info) {
    (void)info; // nothing is printed
}

static void on_progress(j_common_ptr info) {
    decoder *now = info->client_data;
    if (now->info.input_scan_number > MOST_SCANS) {
        leave(now, fv__fail_damaged(now->error, now->file, "JPEG", "too many scans"));
    }
}

static int orientation_of(const struct jpeg_decompress_struct *info) {
    for (const struct jpeg_marker_struct *marker = info->marker_list; marker; marker = marker->next) {
        if (marker->marker == JPEG_APP0 + 1 && marker->data_length > 6 && memcmp(marker->data, "Exif\0", 6) == 0) {
            return fv__exif_orientation(marker->data, marker->data_length);
        }
    }
    return 1;
}

// The inks are inverted, as Adobe's programs store them. Their marker says so, but it is taken out by some other
// programs, and Pillow and browsers do without it too.
static void convert_cmyk(const uint8_t *line, uint8_t *out, size_t width) {
    for (size_t x = 0; x < width; x++, line += 4) {
        for (size_t c = 0; c < 3; c++) {
            out[3 * x + c] = (uint8_t)((line[c] * line[3] + 127) / 255);
        }
    }
}

static void read_lines(decoder *now, fv__bitmap *out) {
    struct jpeg_decompress_struct *info = &now->info;
    size_t stride = (size_t)out->width * 3;
    while (info->output_scanline < info->output_height) {
        uint8_t *row = out->pixels + info->output_scanline * stride;
        if (now->line) {
            jpeg_read_scanlines(info, (JSAMPARRAY)&now->line, 1);
            convert_cmyk(now->line, row, (size_t)out->width);
        } else {
            JSAMPROW rows[4] = {row, row + stride, row + 2 * stride, row + 3 * stride};
            JDIMENSION left = info->output_height - info->output_scanline;
            jpeg_read_scanlines(info, rows, left < 4 ? left : 4);
        }
    }
}

// The inverse transform can give fewer pixels of each block: an eighth of them at the least.
static void choose_scale(struct jpeg_decompress_struct *info, int least) {
    const JDIMENSION height = info->image_height, width = info->image_width, side = height < width ? height : width;
    info->scale_num = 1;
    info->scale_denom = 8;
    while (info->scale_denom > 1 && (least < 1 || side / info->scale_denom < (JDIMENSION)least)) {
        info->scale_denom /= 2;
    }
    jpeg_calc_output_dimensions(info);
}

static void try_or_leave(decoder *now, fv_status status) {
    if (status) {
        leave(now, status);
    }
}

// Everything that may leave by longjmp.
static void decode(decoder *now, fv__bitmap *out) {
    struct jpeg_decompress_struct *info = &now->info;
    const fv__image_source *file = now->file;
    jpeg_create_decompress(info);
    info->progress = &now->progress;
    jpeg_mem_src(info, file->bytes, (unsigned long)file->size);
    jpeg_save_markers(info, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(info, TRUE);
    choose_scale(info, file->least);
    try_or_leave(now, fv__bitmap_check(info->image_height, info->image_width, file->name, now->error));
    try_or_leave(now, fv__bitmap_make(out, info->output_height, info->output_width, 3, file->name, now->error));
    out->whole[0] = (int)info->image_height;
    out->whole[1] = (int)info->image_width;
    const bool inks = info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK;
    info->out_color_space = inks ? JCS_CMYK : JCS_RGB;
    if (inks && !(now->line = fv__alloc_array(info->output_width, 4))) {
        leave(now, fv__fail_memory(now->error, file->name));
    }
    const int orientation = orientation_of(info);
    jpeg_start_decompress(info);
    read_lines(now, out);
    jpeg_finish_decompress(info);
    try_or_leave(now, fv__bitmap_orient(out, orientation, file->name, now->error));
}

fv_status fv__jpeg_decode(const fv__image_source *file, fv__bitmap *out, fv_error *error) {
    decoder *now = fv__alloc(sizeof *now);
    if (!now) {
        return fv__fail_memory(error, file->name);
    }
    now->file = file;
    now->error = error;
    now->info.err = jpeg_std_error(&now->manager);
    now->info.client_data = now;
    now->manager.error_exit = on_error;
    now->manager.emit_message = on_message;
    now->manager.output_message = on_output;
    now->progress.progress_monitor = on_progress;
    if (!setjmp(now->failed)) {
        decode(now, out);
    }
    const fv_status status = now->status;
    jpeg_destroy_decompress(&now->info);
    fv__free(now->line);
    fv__free(now);
    return status;
}
