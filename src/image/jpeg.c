// JPEG by libjpeg-turbo: baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK. With the accurate inverse transform
// and smooth chroma, libjpeg's defaults.
#include <stdio.h> // before jpeglib.h, which needs it

#include <jpeglib.h>

#include <jerror.h> // behind jpeglib.h, whose configuration its numbers depend on
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
    const char *name;
    fv_error *error;
    uint8_t *line; // of a CMYK picture
    int least;
} decoder;

static _Noreturn void give_up(decoder *now, fv_status status, const char *what) {
    now->status = status == FV_MEMORY ? fv__fail_memory(now->error, now->name)
                                      : fv__fail(now->error, status, "%s: a damaged JPEG (%s)", now->name, what);
    longjmp(now->failed, 1);
}

static _Noreturn void on_error(j_common_ptr info) {
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    give_up(info->client_data, info->err->msg_code == JERR_OUT_OF_MEMORY ? FV_MEMORY : FV_FORMAT, text);
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
        give_up(now, FV_FORMAT, "too many scans");
    }
}

static int orientation_of(const struct jpeg_decompress_struct *info) {
    for (const struct jpeg_marker_struct *marker = info->marker_list; marker; marker = marker->next) {
        if (marker->marker == JPEG_APP0 + 1 && marker->data_length > 6 && memcmp(marker->data, "Exif\0", 6) == 0) {
            return fv__exif_orientation(marker->data + 6, marker->data_length - 6);
        }
    }
    return 1;
}

// Adobe's programs, the only ones known to write CMYK, store it inverted and say so by their marker.
static void convert_cmyk(const uint8_t *line, uint8_t *out, size_t width, bool inverted) {
    for (size_t x = 0; x < width; x++) {
        unsigned black = inverted ? line[4 * x + 3] : 255U - line[4 * x + 3];
        for (size_t c = 0; c < 3; c++) {
            unsigned ink = inverted ? line[4 * x + c] : 255U - line[4 * x + c];
            out[3 * x + c] = (uint8_t)((ink * black + 127) / 255);
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
            convert_cmyk(now->line, row, (size_t)out->width, info->saw_Adobe_marker);
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

// Everything that may leave by longjmp.
static void decode(decoder *now, const uint8_t *bytes, size_t size, fv__bitmap *out) {
    struct jpeg_decompress_struct *info = &now->info;
    jpeg_create_decompress(info);
    info->progress = &now->progress;
    jpeg_mem_src(info, bytes, (unsigned long)size);
    jpeg_save_markers(info, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(info, TRUE);
    choose_scale(info, now->least);
    now->status = fv__bitmap_check(info->image_height, info->image_width, now->name, now->error);
    if (!now->status) {
        now->status = fv__bitmap_make(out, info->output_height, info->output_width, 3, now->name, now->error);
    }
    if (now->status) {
        longjmp(now->failed, 1);
    }
    out->whole[0] = (int)info->image_height;
    out->whole[1] = (int)info->image_width;
    bool inks = info->jpeg_color_space == JCS_CMYK || info->jpeg_color_space == JCS_YCCK;
    info->out_color_space = inks ? JCS_CMYK : JCS_RGB;
    if (inks && !(now->line = fv__alloc_array(info->output_width, 4))) {
        give_up(now, FV_MEMORY, "");
    }
    int orientation = orientation_of(info);
    jpeg_start_decompress(info);
    read_lines(now, out);
    jpeg_finish_decompress(info);
    now->status = fv__bitmap_orient(out, orientation, now->name, now->error);
}

fv_status fv__jpeg_decode(const uint8_t *bytes, size_t size, const char *name, int least, fv__bitmap *out,
                          fv_error *error) {
    decoder *now = fv__alloc(sizeof *now);
    if (!now) {
        return fv__fail_memory(error, name);
    }
    now->name = name;
    now->error = error;
    now->least = least;
    now->info.err = jpeg_std_error(&now->manager);
    now->info.client_data = now;
    now->manager.error_exit = on_error;
    now->manager.emit_message = on_message;
    now->manager.output_message = on_output;
    now->progress.progress_monitor = on_progress;
    if (!setjmp(now->failed)) {
        decode(now, bytes, size, out);
    }
    fv_status status = now->status;
    jpeg_destroy_decompress(&now->info);
    fv__free(now->line);
    fv__free(now);
    return status;
}
