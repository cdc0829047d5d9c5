// SPDX-License-Identifier: Apache-2.0
// The parts of a report that are for reading.
#include <stdio.h>

#include <string.h>

#include "base/memory.h"
#include "model/layer_table.h"
#include "report/report.h"
#include "train/evaluation.h"

static void begin_section(fv__text *page, const char *id, const char *title) {
    fv__text_addf(page, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
}

// --- Overview

static void add_figure(fv__text *page, const char *name, const char *value) {
    fv__text_addf(page, "<div><dt>%s<dd>%s</div>\n", name, value);
}

static void add_scores(const fv__report *report, fv__text *page) {
    const fv_metrics *metrics = report->metrics;
    char name[32], value[64];
    fv__text_add(page, "<dl class=\"figures\">\n");
    snprintf(value, sizeof value, "%.2f %%", 100 * metrics->accuracy);
    add_figure(page, "accuracy", value);
    for (int i = 0; i < FV_MAX_TOP && metrics->top_k[i]; i++) {
        snprintf(name, sizeof name, "top-%d", metrics->top_k[i]);
        snprintf(value, sizeof value, "%.2f %%", 100 * metrics->top[i]);
        add_figure(page, name, value);
    }
    snprintf(value, sizeof value, "%.4f", metrics->loss);
    add_figure(page, "loss", value);
    snprintf(value, sizeof value, "%.2f %%", 100 * report->details->calibration_error);
    add_figure(page, "calibration error", value);
    fv__text_add(page, "<div><dt>parameters<dd>");
    fv__page_count(page, (double)fv_model_get_info(report->model)->parameters);
    fv__text_add(page, "</div>\n</dl>\n");
}

// Which samples the numbers are of.
static void add_evaluated(const fv__report *report, fv__text *page) {
    const size_t evaluated = report->evaluated->count, all = report->data->count;
    fv__text_add(page, "<p class=\"note\">Measured on ");
    fv__text_add(page, evaluated < all ? "" : report->limited ? "the first " : "all ");
    fv__page_count(page, (double)evaluated);
    if (evaluated < all) {
        fv__text_add(page, " of the ");
        fv__page_count(page, (double)all);
    }
    fv__text_addf(page, " %s samples", report->split);
    if (evaluated < all) {
        fv__text_addf(page, ", evenly spread, to save time; <code>--set data.limit=%zu</code> takes all", all);
    }
    fv__text_add(page, report->limited ? ", as <code>data.limit</code> says.</p>\n" : ".</p>\n");
}

fv_status fv__report_overview(const fv__report *report, fv__text *page, fv_error *error) {
    (void)error;
    fv__text_add(page, "<header>\n<h1>");
    fv__page_text(page, report->title);
    fv__text_add(page, "</h1>\n");
    add_scores(report, page);
    add_evaluated(report, page);
    fv__text_add(page, "<nav><a href=\"#explorer\">What it looked at</a> <a href=\"#mistakes\">Mistakes</a> "
                       "<a href=\"#classes\">Classes</a> <a href=\"#confusion\">Confusion</a> "
                       "<a href=\"#calibration\">Calibration</a> ");
    fv__text_add(page, report->curves ? "<a href=\"#training\">Training</a> " : "");
    fv__text_add(page, "<a href=\"#model\">Model</a> <a href=\"#data\">Data</a> ");
    fv__text_add(page, report->recipe ? "<a href=\"#recipe\">Recipe</a>" : "");
    fv__text_add(page, "</nav>\n</header>\n");
    return FV_OK;
}

// --- Mistakes

enum { MISTAKES = 24, PICTURE = 128 }; // how many, and the longer side of one at most

static fv_status add_mistake(const fv__report *report, size_t place, uint8_t *pixels, fv__text *page, fv_error *error) {
    const fv_dataset *data = report->evaluated;
    const uint32_t sample = report->numbers[place];
    fv_status status = fv_dataset_read(data, place, pixels, error);
    if (status) {
        return status;
    }
    fv__text_addf(page, "<li><button data-sample=\"%u\" disabled><img class=\"%s\" alt=\"\" src=\"", sample,
                  data->height < 96 ? "small" : "");
    status = fv__page_picture(page, pixels, data->height, data->width, data->channels, PICTURE, error);
    fv__text_add(page, "\"></button><b>");
    fv__page_text(page, data->class_names[data->labels[place]]);
    fv__text_addf(page, "</b> taken for <b class=\"wrong\">");
    fv__page_text(page, data->class_names[report->details->predicted[place]]);
    fv__text_addf(page, "</b> (%.1f %%) <small>%s %u</small>\n", 100 * (double)report->details->confidence[place],
                  report->split, sample);
    return status;
}

fv_status fv__report_mistakes(const fv__report *report, fv__text *page, fv_error *error) {
    size_t places[MISTAKES];
    uint8_t *pixels = fv__alloc(fv__dataset_sample_size(report->data));
    if (!pixels) {
        return fv__fail_memory(error, "the report");
    }
    const int count = (int)fv_evaluation_find_mistakes(report->details, MISTAKES, places);
    fv_status status = FV_OK;
    begin_section(page, "mistakes", "Most confident mistakes");
    fv__text_add(page, count ? "<ul class=\"pictures\">\n" : "<p>There are none.</p>\n<ul>");
    for (int i = 0; i < count && !status; i++) {
        status = add_mistake(report, places[i], pixels, page, error);
    }
    fv__text_add(page, "</ul>\n</section>\n");
    fv__free(pixels);
    return status;
}

// --- Classes

enum { MANY = 20 }; // classes or layers, whose table is folded away

static void add_rates(fv__text *page, double precision, double recall, double f1, size_t samples) {
    fv__text_addf(page, "<td>%.1f %%<td>%.1f %%<td>%.1f %%<td>", 100 * precision, 100 * recall, 100 * f1);
    fv__page_count(page, (double)samples);
    fv__text_add(page, "\n");
}

fv_status fv__report_classes(const fv__report *report, fv__text *page, fv_error *error) {
    const fv_evaluation *details = report->details;
    (void)error;
    begin_section(page, "classes", "Classes");
    if (details->class_count > MANY) {
        fv__text_addf(page, "<details><summary>%d classes; mean F1 %.1f %%</summary>\n", details->class_count,
                      100 * details->f1);
    }
    fv__text_add(page, "<div class=\"wide\"><table class=\"numbers\">\n"
                       "<thead><tr><th>class<th>precision<th>recall<th>F1<th>samples\n<tbody>\n");
    for (int c = 0; c < details->class_count; c++) {
        const fv_class_metrics *class = &details->classes[c];
        fv__text_add(page, "<tr><th>");
        fv__page_text(page, report->data->class_names[c]);
        add_rates(page, class->precision, class->recall, class->f1, class->support);
    }
    fv__text_add(page, "<tfoot><tr><th>mean");
    add_rates(page, details->precision, details->recall, details->f1, details->samples);
    fv__text_add(page, "</table></div>\n");
    fv__text_add(page, details->class_count > MANY ? "</details>\n</section>\n" : "</section>\n");
    return FV_OK;
}

// --- Model, data, training, recipe

fv_status fv__report_model(const fv__report *report, fv__text *page, fv_error *error) {
    fv_layer_info *layers;
    const fv_model_info *info = fv_model_get_info(report->model);
    const int count = report->model->layer_count;
    size_t bytes = 0;
    FV__TRY(fv__layer_table_create(report->model, &layers, error));
    begin_section(page, "model", "Model");
    if (count > MANY) {
        fv__text_addf(page, "<details><summary>%d layers, ", count);
        fv__page_count(page, (double)info->parameters);
        fv__text_add(page, " parameters</summary>\n");
    }
    fv__text_add(page, "<div class=\"wide\"><table class=\"numbers\">\n<thead><tr><th>layer<th class=\"name\">type"
                       "<th>output<th>parameters<th>multiply-adds<th>kB an image\n<tbody>\n");
    for (int i = 0; i < count; i++) {
        const fv_layer_info *row = &layers[i];
        fv__shape shape = {.rank = row->rank};
        memcpy(shape.size, row->shape, sizeof shape.size);
        bytes += row->activation_bytes;
        fv__text_addf(page, "<tr><th style=\"padding-left:%dem\">", row->depth);
        fv__page_text(page, row->name);
        fv__text_addf(page, "<td class=\"name\">%s<td>%s<td>", row->kind, fv__shape_print(&shape).text);
        fv__page_count(page, (double)row->parameters);
        fv__text_add(page, "<td>");
        fv__page_count(page, row->multiply_adds);
        fv__text_addf(page, "<td>%.1f\n", (double)row->activation_bytes / 1000);
    }
    fv__text_add(page, "<tfoot><tr><th>all<td><td><td>");
    fv__page_count(page, (double)info->parameters);
    fv__text_add(page, "<td>");
    fv__page_count(page, info->multiply_adds);
    fv__text_addf(page, "<td>%.1f\n</table></div>\n%s", (double)bytes / 1000, count > MANY ? "</details>\n" : "");
    if ((info->parameters - info->trainable)) {
        fv__text_add(page, "<p class=\"note\">");
        fv__page_count(page, (double)(info->parameters - info->trainable));
        fv__text_add(page, " of the parameters were not trained.</p>\n");
    }
    fv__text_add(page, "</section>\n");
    fv__free(layers);
    return FV_OK;
}

static void add_run(const json_t *run, fv__text *page) {
    const char *started = json_string_value(json_object_get(run, "started"));
    const char *state = json_string_value(json_object_get(run, "state"));
    const char *level = json_string_value(json_object_get(run, "isa"));
    const double seconds = json_number_value(json_object_get(run, "seconds"));
    if (state) {
        fv__page_row(page, "run", "%s", state);
    }
    if (started) {
        fv__page_row(page, "started", "%s, %.0f s", started, seconds);
    }
    fv__page_row(page, "seed", "%lld", (long long)json_integer_value(json_object_get(run, "seed")));
    fv__page_row(page, "threads", "%lld%s%s", (long long)json_integer_value(json_object_get(run, "threads")),
                 level ? ", " : "", level ? level : "");
}

static void add_data(const fv__report *report, fv__text *page) {
    static const char *const parts[] = {"train", "validation"};
    const fv_dataset *data = report->data;
    const json_t *counts = json_object_get(report->run, "data");
    fv__page_row(page, "set", "%s", data->name);
    fv__page_row(page, "images", "%d × %d × %d", data->height, data->width, data->channels);
    fv__page_row(page, "classes", "%d", data->classes);
    for (int i = 0; i < 2; i++) {
        const json_t *count = json_object_get(counts, parts[i]);
        if (count) {
            fv__page_row(page, i ? "validated with" : "trained with", "%lld samples",
                         (long long)json_integer_value(count));
        }
    }
    fv__page_row(page, report->split, "%zu samples", data->count);
    const json_int_t left_out = json_integer_value(json_object_get(counts, "left_out"));
    if (left_out) {
        fv__page_row(page, "left out", "%lld files that cannot be read", (long long)left_out);
    }
}

static void add_class_names(const fv_dataset *data, fv__text *page) {
    fv__text_addf(page, "<details%s><summary>Class names</summary><p>", data->classes > MANY ? "" : " open");
    for (int c = 0; c < data->classes; c++) {
        fv__text_add(page, c ? ", " : "");
        fv__page_text(page, data->class_names[c]);
    }
    fv__text_add(page, "</p></details>\n");
}

fv_status fv__report_run(const fv__report *report, fv__text *page, fv_error *error) {
    (void)error;
    begin_section(page, "data", report->run ? "Data and run" : "Data");
    fv__text_add(page, "<div class=\"wide\"><table>\n");
    add_data(report, page);
    if (report->run) {
        add_run(report->run, page);
    }
    fv__text_add(page, "</table></div>\n");
    add_class_names(report->data, page);
    fv__text_add(page, "</section>\n");
    if (report->recipe) {
        begin_section(page, "recipe", "Recipe");
        fv__text_add(page, "<p class=\"note\">With every key, as <code>fovea train</code> takes it.</p>\n<pre>");
        fv__page_text(page, report->recipe);
        fv__text_add(page, "</pre>\n</section>\n");
    }
    return FV_OK;
}
