// The numbers of `fovea eval` as tables, JSON and CSV.
#include <stdlib.h>

#include "base/memory.h"
#include "eval.h"
#include "formats/csv.h"

static size_t count_at(const cli_evaluation *now, int label, int predicted) {
    return now->details->confusion[(size_t)label * (size_t)now->details->class_count + (size_t)predicted];
}

// --- Tables

static void add_rates(cli_table *table, double precision, double recall, double f1) {
    cli_table_add(table, "%.1f %%", 100 * precision);
    cli_table_add(table, "%.1f %%", 100 * recall);
    cli_table_add(table, "%.1f %%", 100 * f1);
}

int cli_eval_print_classes(const cli_evaluation *now) {
    const fv_evaluation *details = now->details;
    cli_table table = {.alignment = "lrrrr"};
    cli_table_add(&table, "class");
    cli_table_add(&table, "precision");
    cli_table_add(&table, "recall");
    cli_table_add(&table, "F1");
    cli_table_add(&table, "samples");
    for (int c = 0; c < details->class_count; c++) {
        const fv_class_metrics *class = &details->classes[c];
        cli_table_add(&table, "%s", now->info.class_names[c]);
        add_rates(&table, class->precision, class->recall, class->f1);
        cli_table_add(&table, "%zu", class->support);
    }
    cli_table_add(&table, "mean");
    add_rates(&table, details->precision, details->recall, details->f1);
    cli_table_add(&table, "%zu", details->samples);
    putchar('\n');
    return cli_table_print(&table, stdout);
}

enum { FEW = 10, LINES = 20 }; // classes that fit a terminal side by side; confusions listed of more

// A row a true class, a column a predicted one.
static int print_matrix(const cli_evaluation *now) {
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
        cli_table_add(&table, "%s", now->info.class_names[c]);
        for (int other = 0; other < classes; other++) {
            cli_table_add(&table, "%zu", count_at(now, c, other));
        }
    }
    return cli_table_print(&table, stdout);
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

static int print_most_confused(const cli_evaluation *now) {
    const int classes = now->details->class_count;
    size_t found = 0;
    confused *pairs = fv__alloc_array((size_t)classes * (size_t)classes, sizeof *pairs);
    if (!pairs) {
        return cli_fail_memory();
    }
    for (int label = 0; label < classes; label++) {
        for (int other = 0; other < classes; other++) {
            if (other != label && count_at(now, label, other)) {
                pairs[found++] = (confused){count_at(now, label, other), label, other};
            }
        }
    }
    qsort(pairs, found, sizeof *pairs, compare);
    cli_table table = {.alignment = "llrr"};
    cli_table_add(&table, "true class");
    cli_table_add(&table, "taken for");
    cli_table_add(&table, "samples");
    cli_table_add(&table, "of the class");
    for (size_t i = 0; i < found && i < LINES; i++) {
        cli_table_add(&table, "%s", now->info.class_names[pairs[i].label]);
        cli_table_add(&table, "%s", now->info.class_names[pairs[i].predicted]);
        cli_table_add(&table, "%zu", pairs[i].count);
        cli_table_add(&table, "%.1f %%",
                      100 * (double)pairs[i].count / (double)now->details->classes[pairs[i].label].support);
    }
    fv__free(pairs);
    return cli_table_print(&table, stdout);
}

int cli_eval_print_confusion(const cli_evaluation *now) {
    putchar('\n');
    return now->details->class_count <= FEW ? print_matrix(now) : print_most_confused(now);
}

// --- JSON

static json_t *json_classes(const cli_evaluation *now) {
    json_t *list = json_array();
    for (int c = 0; c < now->details->class_count; c++) {
        const fv_class_metrics *class = &now->details->classes[c];
        json_array_append_new(list, json_pack("{s:i, s:s, s:I, s:I, s:f, s:f, s:f}", "label", c, "class",
                                              now->info.class_names[c], "samples", (json_int_t) class->support,
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

// Writes FOLDER/NAME and frees the text.
static fv_status write_file(const char *folder, const char *name, fv__text *text, fv_error *error) {
    char *path = fv__format("%s/%s", folder, name);
    fv_status status =
        path && !text->failed ? fv__file_write(path, text->bytes, text->length, error) : fv__fail_memory(error, folder);
    fv__free(path);
    fv__text_free(text);
    return status;
}

static fv_status write_classes(const cli_evaluation *now, const char *folder, fv_error *error) {
    fv__text text = {0};
    fv__text_add(&text, "class,samples,predicted,precision,recall,f1\n");
    for (int c = 0; c < now->details->class_count; c++) {
        const fv_class_metrics *class = &now->details->classes[c];
        char numbers[5][FV__NUMBER_SIZE];
        const char *fields[] = {now->info.class_names[c],
                                fv__format_float(numbers[0], (double)class->support),
                                fv__format_float(numbers[1], (double)class->predicted),
                                fv__format_float(numbers[2], class->precision),
                                fv__format_float(numbers[3], class->recall),
                                fv__format_float(numbers[4], class->f1)};
        fv__csv_add(&text, fields, sizeof fields / sizeof *fields);
    }
    return write_file(folder, "classes.csv", &text, error);
}

// The first column and the header are the classes' names.
static fv_status write_confusion(const cli_evaluation *now, const char *folder, fv_error *error) {
    const int classes = now->details->class_count;
    fv__text text = {0};
    const char **fields = fv__alloc_array((size_t)classes + 1, sizeof *fields);
    char(*numbers)[FV__NUMBER_SIZE] = fv__alloc_array((size_t)classes, FV__NUMBER_SIZE);
    text.failed = !fields || !numbers;
    for (int row = -1; row < classes && !text.failed; row++) { // -1: the header
        fields[0] = row < 0 ? "class" : now->info.class_names[row];
        for (int c = 0; c < classes; c++) {
            fields[c + 1] =
                row < 0 ? now->info.class_names[c] : fv__format_float(numbers[c], (double)count_at(now, row, c));
        }
        fv__csv_add(&text, fields, (size_t)classes + 1);
    }
    fv__free(fields);
    fv__free(numbers);
    return write_file(folder, "confusion.csv", &text, error);
}

static fv_status write_calibration(const cli_evaluation *now, const char *folder, fv_error *error) {
    fv__text text = {0};
    fv__text_add(&text, "above,samples,confidence,accuracy\n");
    for (int b = 0; b < FV_CALIBRATION_BINS; b++) {
        const fv_calibration_bin *bin = &now->details->bins[b];
        char numbers[3][FV__NUMBER_SIZE];
        fv__text_addf(&text, "%s,%zu,%s,%s\n", fv__format_float(numbers[0], (double)b / FV_CALIBRATION_BINS),
                      bin->samples, fv__format_float(numbers[1], bin->confidence),
                      fv__format_float(numbers[2], bin->accuracy));
    }
    return write_file(folder, "calibration.csv", &text, error);
}

fv_status cli_eval_write_csv(const cli_evaluation *now, const char *folder, fv_error *error) {
    fv_status status = fv__make_folders(folder, error);
    if (!status) {
        status = write_classes(now, folder, error);
    }
    if (!status) {
        status = write_confusion(now, folder, error);
    }
    return status ? status : write_calibration(now, folder, error);
}
