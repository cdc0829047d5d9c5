// SPDX-License-Identifier: Apache-2.0
// The charts of a report. Each is drawn into a file of its own beside the page and then becomes part of it, as an
// image, because names inside one SVG would clash with those in the next.
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"
#include "formats/file.h"
#include "report/report.h"

static fv_status draw_curves(const fv__report *report, const char *path, fv_error *error) {
    return fv__draw_curves(report->curves, 1, path, error);
}

static fv_status draw_confusion(const fv__report *report, const char *path, fv_error *error) {
    return fv__draw_confusion(report->details->confusion, report->details->class_count, report->data->class_names, path,
                              error);
}

static fv_status draw_calibration(const fv__report *report, const char *path, fv_error *error) {
    return fv_evaluation_draw_calibration(report->details, path, error);
}

typedef struct chart {
    const char *id, *title, *alternative;
    fv_status (*draw)(const fv__report *report, const char *path, fv_error *error);
} chart;

static fv_status add_chart(const fv__report *report, const chart *what, const char *path, fv__text *page,
                           fv_error *error) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    fv_status status = what->draw(report, path, error);
    if (!status) {
        status = fv__file_read(path, 0, &bytes, &size, error);
        unlink(path);
    }
    fv__text_addf(page, "<section id=\"%s\">\n<h2>%s</h2>\n", what->id, what->title);
    if (status == FV_UNSUPPORTED) {
        fv__text_add(page, "<p class=\"note\">Not drawn: this fovea was built without cairo.</p>\n</section>\n");
        return FV_OK;
    }
    fv__text_addf(page, "<div class=\"wide\"><img class=\"chart\" alt=\"%s\" src=\"data:image/svg+xml;base64,",
                  what->alternative);
    fv__page_base64(page, bytes, size);
    fv__text_add(page, "\"></div>\n</section>\n");
    fv__free(bytes);
    return status;
}

fv_status fv__report_charts(const fv__report *report, const char *path, fv__text *page, fv_error *error) {
    static const chart charts[] = {
        {"confusion", "Confusion", "Rows are true classes, columns predicted ones", draw_confusion},
        {"calibration", "Calibration", "Accuracy against confidence", draw_calibration},
        {"training", "Training", "Accuracy and loss of each epoch", draw_curves}};
    char *file = fv__format("%s.chart.svg", path);
    fv_status status = file ? FV_OK : fv__fail_memory(error, path);
    for (size_t i = 0; i < sizeof charts / sizeof *charts && !status; i++) {
        if (charts[i].draw != draw_curves || report->curves) {
            status = add_chart(report, &charts[i], file, page, error);
        }
    }
    fv__free(file);
    return status;
}
