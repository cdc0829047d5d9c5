// SPDX-License-Identifier: Apache-2.0
// The numbers of `fovea eval` as tables, JSON and CSV.
#include <stdlib.h>

#include "eval.h"
#include "support/csv.h"
#include "support/exit.h"
#include "support/memory.h"
#include "support/numbers.h"
#include "support/paths.h"
#include "support/table.h"

static size_t count_at(const cli_evaluation *now, int label, int predicted) {
    return now->details->confusion[(size_t)label * (size_t)now->details->class_count + (size_t)predicted];
}

// --- Tables

static void add_rates(cli_table *table, double precision, double recall, double f1) {
    cli_table_add(table, "%.1f %%", 100 * precision);
    cli_table_add(table, "%.1f %%", 100 * recall);
    cli_table_add(table, "%.1f %%", 100 * f1);
}

void cli_eval_print_classes(const cli_evaluation *now) {
    const fv_evaluation *details = now->details;
    cli_table table = {.alignment = "lrrrr"};
    cli_table_add_row(&table, "class", "precision", "recall", "F1", "samples");
    for (int c = 0; c < details->class_count; c++) {
        const fv_class_metrics *class = &details->classes[c];
        cli_table_add(&table, "%s", now->info->class_names[c]);
        add_rates(&table, class->precision, class->recall, class->f1);
        cli_table_add(&table, "%zu", class->support);
    }
    cli_table_add(&table, "mean");
    add_rates(&table, details->precision, details->recall, details->f1);
    cli_table_add(&table, "%zu", details->samples);
    putchar('\n');
    cli_table_print(&table, stdout);
}

enum { FEW = 10, LINES = 20 }; // classes that fit a terminal side by side; confusions listed of more

// A row a true class, a column a predicted one.
static void print_matrix(const cli_evaluation *now) {
    char alignment[FEW + 3] = "rl";
    int classes = now->details->class_count;
    for (int c = 0; c < classes; c++) {
        alignment[2 + c] = 'r';
    }
    cli_table table = {.alignment = alignment};
    cli_table_add(&table, " ");
    cli_table_add(&table, "true class, taken for");
    for (int c = 0; c < classes; c++) {
        cli_table_add(&table, "%d", c);
    }
    for (int c = 0; c < classes; c++) {
        cli_table_add(&table, "%d", c);
        cli_table_add(&table, "%s", now->info->class_names[c]);
        for (int other = 0; other < classes; other++) {
            cli_table_add(&table, "%zu", count_at(now, c, other));
        }
    }
    cli_table_print(&table, stdout);
}

typedef struct confused {
    size_t count;
    int label, predicted;
} confused;

// Most frequent first; among equals by class.
static int compare(const void *a, const void *b) {
    const confused *first = a, *second = b;
    int by_count = (first->count < second->count) - (first->count > second->count);
    int by_label = first->label - second->label;
    return by_count ? by_count : by_label ? by_label : first->predicted - second->predicted;
}

static void print_most_confused(const cli_evaluation *now) {
    const int classes = now->details->class_count;
    size_t found = 0;
    confused *pairs = cli_alloc((size_t)classes * (size_t)classes, sizeof *pairs);
    for (int label = 0; label < classes; label++) {
        for (int other = 0; other < classes; other++) {
            if (other != label && count_at(now, label, other)) {
                pairs[found++] = (confused){count_at(now, label, other), label, other};
            }
        }
    }
    qsort(pairs, found, sizeof *pairs, compare);
    cli_table table = {.alignment = "llrr"};
    cli_table_add_row(&table, "true class", "taken for", "samples", "of the class");
    for (size_t i = 0; i < found && i < LINES; i++) {
        const size_t support = now->details->classes[pairs[i].label].support;
        cli_table_add(&table, "%s", now->info->class_names[pairs[i].label]);
        cli_table_add(&table, "%s", now->info->class_names[pairs[i].predicted]);
        cli_table_add(&table, "%zu", pairs[i].count);
        cli_table_add(&table, "%.1f %%", 100 * (double)pairs[i].count / (double)support);
    }
    free(pairs);
    cli_table_print(&table, stdout);
}

void cli_eval_print_confusion(const cli_evaluation *now) {
    putchar('\n');
    if (now->details->class_count <= FEW) {
        print_matrix(now);
    } else {
        print_most_confused(now);
    }
}

// --- JSON

static json_t *json_classes(const cli_evaluation *now) {
    json_t *list = json_array();
    for (int c = 0; c < now->details->class_count; c++) {
        const fv_class_metrics *class = &now->details->classes[c];
        json_array_append_new(list, json_pack("{s:i, s:s, s:I, s:I, s:f, s:f, s:f}", "label", c, "class",
                                              now->info->class_names[c], "samples", (json_int_t) class->support,
                                              "predicted", (json_int_t) class->predicted, "precision", class->precision,
                                              "recall", class->recall, "f1", class->f1));
    }
    return list;
}

static json_t *json_confusion(const cli_evaluation *now) {
    json_t *rows = json_array();
    for (int c = 0; c < now->details->class_count; c++) {
        json_t *row = json_array();
        for (int other = 0; other < now->details->class_count; other++) {
            json_array_append_new(row, json_integer((json_int_t)count_at(now, c, other)));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *json_calibration(const cli_evaluation *now) {
    json_t *list = json_array();
    for (int b = 0; b < FV_CALIBRATION_BINS; b++) {
        const fv_calibration_bin *bin = &now->details->bins[b];
        json_array_append_new(list, json_pack("{s:f, s:I, s:o, s:f}", "above", (double)b / FV_CALIBRATION_BINS,
                                              "samples", (json_int_t)bin->samples, "confidence",
                                              cli_json_number(bin->confidence), "accuracy", bin->accuracy));
    }
    return list;
}

json_t *cli_eval_json(const cli_evaluation *now) {
    const fv_evaluation *details = now->details;
    json_t *object = json_pack("{s:s, s:I}", "split", now->split, "samples", (json_int_t)now->details->metrics.samples);
    cli_json_metrics(object, "", &now->details->metrics);
    json_object_set_new(object, "label_smoothing", json_real(now->label_smoothing));
    json_object_set_new(object, "ece", cli_json_number(details->calibration_error));
    json_object_set_new(
        object, "mean",
        json_pack("{s:f, s:f, s:f}", "precision", details->precision, "recall", details->recall, "f1", details->f1));
    json_object_set_new(object, "img_s", json_real((double)now->details->metrics.samples / now->seconds));
    json_object_set_new(object, "classes", json_classes(now));
    json_object_set_new(object, "confusion", json_confusion(now));
    json_object_set_new(object, "calibration", json_calibration(now));
    return object;
}

// --- CSV

static void add_number(FILE *out, double number) {
    char text[CLI_NUMBER_SIZE];
    cli_csv_add(out, cli_shortest(text, number), false);
}

static void write_classes(const cli_evaluation *now, FILE *out) {
    fputs("class,samples,predicted,precision,recall,f1\n", out);
    for (int c = 0; c < now->details->class_count; c++) {
        const fv_class_metrics *class = &now->details->classes[c];
        cli_csv_add(out, now->info->class_names[c], true);
        add_number(out, (double)class->support);
        add_number(out, (double)class->predicted);
        add_number(out, class->precision);
        add_number(out, class->recall);
        add_number(out, class->f1);
        fputc('\n', out);
    }
}

// The first column and the header are the classes' names.
static void write_confusion(const cli_evaluation *now, FILE *out) {
    const int classes = now->details->class_count;
    cli_csv_add(out, "class", true);
    for (int c = 0; c < classes; c++) {
        cli_csv_add(out, now->info->class_names[c], false);
    }
    fputc('\n', out);
    for (int row = 0; row < classes; row++) {
        cli_csv_add(out, now->info->class_names[row], true);
        for (int c = 0; c < classes; c++) {
            add_number(out, (double)count_at(now, row, c));
        }
        fputc('\n', out);
    }
}

static void write_calibration(const cli_evaluation *now, FILE *out) {
    fputs("above,samples,confidence,accuracy\n", out);
    for (int b = 0; b < FV_CALIBRATION_BINS; b++) {
        const fv_calibration_bin *bin = &now->details->bins[b];
        char above[CLI_NUMBER_SIZE];
        cli_csv_add(out, cli_shortest(above, (double)b / FV_CALIBRATION_BINS), true);
        add_number(out, (double)bin->samples);
        add_number(out, bin->confidence);
        add_number(out, bin->accuracy);
        fputc('\n', out);
    }
}

static int write_file(const cli_evaluation *now, const char *folder, const char *name,
                      void (*write)(const cli_evaluation *now, FILE *out)) {
    cli_output out;
    char *path = cli_format("%s/%s", folder, name);
    int code;
    CLI_TRY_OR_DONE(cli_output_open(path, &out));
    write(now, out.stream);
    code = cli_output_close(&out);
done:
    free(path);
    return code;
}

int cli_eval_write_csv(const cli_evaluation *now, const char *folder) {
    CLI_TRY(cli_make_folders(folder));
    CLI_TRY(write_file(now, folder, "classes.csv", write_classes));
    CLI_TRY(write_file(now, folder, "confusion.csv", write_confusion));
    return write_file(now, folder, "calibration.csv", write_calibration);
}
